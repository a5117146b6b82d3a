//! The shape of the tree: imports run one way, every file says what it is, heavy libraries stay where they belong.

use regex::Regex;
use std::path::{Path, PathBuf};

/// The rooms, from left to right: a file imports only from its own room and from rooms to its left.
const ROOMS: [&str; 19] = [
    "record", "spec", "plan", "schedule", "process", "device", "presence", "pickup", "slurm", "agent", "store",
    "analyse", "exchange", "figures", "report", "page", "session", "commands", "main",
];
/// What any room may name besides: these render what a command says, and know the words of `record` and `spec`.
const OUTLETS: [&str; 2] = ["error", "output"];
/// Rooms that know nothing of each other, though they stand side by side.
const STRANGERS: [(&str, &str); 5] = [
    ("device", "process"),
    ("presence", "device"),
    ("pickup", "process"),
    ("pickup", "device"),
    ("pickup", "presence"),
];

/// Libraries and the only modules that may name them.
const HOMES: [(&str, &[&str]); 12] = [
    ("serde_yaml", &["spec"]),
    ("tch", &["lab"]),
    ("torch_sys", &["lab"]),
    ("plotters", &["figures"]),
    ("resvg", &["figures"]),
    ("krilla", &["figures"]),
    ("krilla_svg", &["figures"]),
    ("polars", &["store", "analyse", "figures", "report"]),
    ("nvml_wrapper", &["device"]),
    ("axum", &["page"]),
    ("tokio", &["page"]),
    ("miette", &["error"]),
];

struct Source {
    path: PathBuf,
    /// First folder or file below `src`: `spec`, `commands`, `lab`, `error` …
    module: String,
    /// The whole text, for headers.
    text: String,
    /// The text without comments and string literals, for names.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let relative = path.strip_prefix(&root).unwrap().to_owned();
                let module = relative.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                let code = code_of(&text);
                found.push(Source { path: relative, module, text, code });
            }
        }
    }
    assert!(found.len() > 30, "the sources were not found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text without comments and string literals (both replaced by spaces).
fn code_of(text: &str) -> String {
    let pattern = concat!(
        r##"(?s)//[^\n]*|/\*.*?\*/|r#+".*?"#+"##,
        r##"|r"[^"]*"|"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\[^\n]|\\u\{[0-9a-f]+\})'"##
    );
    Regex::new(pattern).unwrap().replace_all(text, " ").into_owned()
}

/// Names of the modules of a crate that the code names: `crate::spec::…`, `use crate::{spec, plan::Run}`.
fn imports(code: &str, krate: &str) -> Vec<String> {
    let start = Regex::new(&format!(r"\b{krate}::(?:(\w+)|\{{)")).unwrap();
    let mut names = Vec::new();
    for hit in start.captures_iter(code) {
        match hit.get(1) {
            Some(name) => names.push(name.as_str().to_owned()),
            None => names.extend(group(&code[hit.get(0).unwrap().end()..])),
        }
    }
    names
}

/// First names of the entries of a `{…}` group whose opening brace has been read.
fn group(rest: &str) -> Vec<String> {
    let (mut depth, mut names, mut current) = (0, Vec::new(), String::new());
    for c in rest.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut current)),
            c if depth == 0 => current.push(c),
            _ => {}
        }
    }
    names.push(current);
    let first =
        |entry: &String| entry.trim().split("::").next().unwrap_or("").split(' ').next().unwrap_or("").to_owned();
    names.iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn rooms_import_only_from_their_left() {
    let place = |module: &str| ROOMS.iter().position(|room| *room == module);
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = place(&source.module) else { continue };
        for name in imports(&source.code, "crate") {
            let joins = ["session", "commands"].contains(&source.module.as_str());
            let allowed = name == source.module
                || place(&name).is_some_and(|other| other < own)
                || joins && OUTLETS.contains(&name.as_str());
            let strangers = STRANGERS.contains(&(source.module.as_str(), name.as_str()));
            if !allowed || strangers {
                wrong.push(format!("{} imports `{name}`", source.path.display()));
            }
        }
        // `super` may not climb out of the room; a module inside the file is one step deeper.
        let depth = source.path.components().count() - 1 - usize::from(source.path.ends_with("mod.rs"));
        let inside = usize::from(source.code.contains("#[cfg(test)]"));
        if source.code.contains(&"super::".repeat(depth + 1 + inside)) {
            wrong.push(format!("{} climbs out of its room by `super`", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "arrows that run back:\n{}", wrong.join("\n"));
}

/// The files of the tree and, for each, those that it imports. An import of `mod.rs` is one of the file that defines the
/// name which `mod.rs` hands on; modules of tests do not count.
fn arrows(sources: &[Source]) -> Vec<Vec<usize>> {
    let modules: Vec<Vec<String>> = sources.iter().map(|source| module_of(&source.path)).collect();
    let find = |path: &[String]| modules.iter().position(|module| module.as_slice() == path);
    // The longest beginning of a path that is a module, then through what that module hands on.
    let resolve = |path: &[String]| -> Option<usize> {
        let mut path = path.to_vec();
        for _ in 0..5 {
            let length = (1..=path.len()).rev().find(|length| find(&path[..*length]).is_some())?;
            let file = find(&path[..length])?;
            let handed_on = path.get(length).and_then(|name| {
                let tree = uses(&sources[file].code, true);
                tree.into_iter().find(|one| one.last() == Some(name)).map(|one| absolute(&one, &path[..length]))
            });
            match handed_on {
                Some(next) if next != path => path = next,
                _ => return Some(file),
            }
        }
        None
    };
    let arrows_of = |(source, module): (&Source, &Vec<String>)| -> Vec<usize> {
        let code = source.code.split("#[cfg(test)]").next().unwrap_or_default();
        // What a `mod.rs` hands on it does not use itself; `pub(in crate::spec)` is no import.
        let code = Regex::new(r"pub\((in )?[\w:]+\)").unwrap().replace_all(code, "pub");
        let code = Regex::new(r"(?m)^pub use [^;]+;").unwrap().replace_all(&code, "");
        let paths = uses(&code, false).into_iter().chain(inline(&code));
        let mut found: Vec<usize> = paths.filter_map(|path| resolve(&absolute(&path, module))).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    sources.iter().zip(&modules).map(arrows_of).collect()
}

/// `plan/cells.rs` → plan, cells.
fn module_of(path: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// A path from the root of the crate; `module` is where it is written.
fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    // The lab is a crate of its own, whose root is `lab`.
    let root = if module.first().is_some_and(|room| room == "lab") { &module[..1] } else { &[] };
    let mut base = match path.first().map(String::as_str) {
        Some("crate") => root.to_vec(),
        _ => module.to_vec(),
    };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            _ => base.push(name.clone()),
        }
    }
    base
}

/// The paths of `use` trees at the left margin; those that are handed on (`pub use`), or the others.
fn uses(code: &str, handed_on: bool) -> Vec<Vec<String>> {
    let pattern = if handed_on {
        r"(?m)^pub(?:\([a-z ]+\))? use ([^;]+);"
    } else {
        r"(?m)^(?:pub(?:\([a-z ]+\))? )?use ([^;]+);"
    };
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(code).flat_map(|hit| flat(&hit[1])).collect()
}

/// `a::{b, c::d}` → a::b, a::c::d.
fn flat(tree: &str) -> Vec<Vec<String>> {
    let (before, rest) = tree.split_once('{').unwrap_or((tree, ""));
    let path = |text: &str| -> Vec<String> {
        let text = text.split(" as ").next().unwrap_or_default();
        text.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && name != "*").collect()
    };
    if rest.is_empty() {
        return vec![path(before)];
    }
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut entries) = (0, vec![String::new()]);
    for c in inside.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => entries.push(String::new()),
            c => entries.last_mut().unwrap().push(c),
        }
    }
    let below = entries.iter().filter(|entry| !entry.trim().is_empty()).flat_map(|entry| flat(entry));
    below.map(|end| path(before).into_iter().chain(end.into_iter().filter(|name| name != "self")).collect()).collect()
}

/// Paths in the code itself: `crate::a::b`, `super::a::b`.
fn inline(code: &str) -> Vec<Vec<String>> {
    let pattern = Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap();
    pattern.find_iter(code).flat_map(|hit| flat(hit.as_str())).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let arrows = arrows(&sources);
    assert!(arrows.iter().map(Vec::len).sum::<usize>() > 500, "the imports were not found");
    let reach = |from: usize| {
        let (mut seen, mut open) = (vec![false; sources.len()], vec![from]);
        while let Some(file) = open.pop() {
            for &to in arrows[file].iter().filter(|to| **to != file) {
                if !std::mem::replace(&mut seen[to], true) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let reached: Vec<Vec<bool>> = (0..sources.len()).map(reach).collect();
    let name = |file: usize| sources[file].path.display().to_string();
    let mut circles = Vec::new();
    for file in (0..sources.len()).filter(|file| reached[*file][*file]) {
        let together = arrows[file].iter().filter(|to| **to != file && reached[**to][file]);
        circles.push(format!("{} → {}", name(file), together.map(|to| name(*to)).collect::<Vec<_>>().join(", ")));
    }
    assert!(circles.is_empty(), "files that import each other:\n{}", circles.join("\n"));
}

#[test]
fn paths_of_imports_are_resolved() {
    let joined = |tree: &str| flat(tree).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(joined("super::{a, b::{self, C as D}}"), ["super::a", "super::b", "super::b::C"]);
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(absolute(&path("super::b::C"), &path("plan::cells")), path("plan::b::C"));
    assert_eq!(absolute(&path("crate::b"), &path("lab::toy")), path("lab::b"));
    assert_eq!(module_of(Path::new("plan/mod.rs")), path("plan"));
}

#[test]
fn what_renders_answers_knows_only_words() {
    for source in sources().iter().filter(|source| OUTLETS.contains(&source.module.as_str())) {
        let known = ["record", "spec", "error", "output"];
        assert!(
            imports(&source.code, "crate").iter().all(|name| known.contains(&name.as_str())),
            "{}",
            source.path.display()
        );
    }
}

#[test]
fn the_lab_imports_only_the_record() {
    for source in sources() {
        for name in imports(&source.code, "tessera") {
            assert!(
                source.module == "lab" && name == "record" || source.module == "main" && name == "commands",
                "{} imports `tessera::{name}`",
                source.path.display()
            );
        }
    }
}

#[test]
fn heavy_libraries_stay_at_home() {
    for source in sources() {
        for (library, homes) in HOMES {
            let named = Regex::new(&format!(r"\b{library}\s*(::|;|\s+as\b)")).unwrap().is_match(&source.code);
            assert!(
                !named || homes.contains(&source.module.as_str()),
                "{} names `{library}`, which belongs to {homes:?}",
                source.path.display()
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{} has no `//!` header", source.path.display());
    }
}

#[test]
fn nothing_is_a_drawer() {
    let drawers = ["util", "utils", "helper", "helpers", "common", "base", "misc"];
    for source in sources() {
        let stem = source.path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = source.path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        assert!(!drawers.contains(&stem.as_str()) && !drawers.contains(&folder.as_str()), "{}", source.path.display());
    }
}

#[test]
fn imports_are_read_from_code() {
    let code = code_of("use crate::{a, b::{c, d}, e as f}; // crate::comment\nlet x = \"crate::text\"; crate::g::h();");
    assert_eq!(imports(&code, "crate"), ["a", "b", "e", "g"]);
}

#[test]
fn paths_below_results_are_named_in_one_file() {
    let folders = "journal|segments|work|checkpoints|logs|probes|claims|slurm|requests|agents|attempts|cache|reports";
    let named = Regex::new(&format!(r#"join\("(?:{folders}|\.damaged|\.trash)"\)"#)).unwrap();
    let files = sources().into_iter().filter(|source| source.module != "lab" && named.is_match(&source.text));
    let files: Vec<_> = files.map(|source| source.path).collect();
    assert_eq!(files, [Path::new("record/layout.rs")], "paths below results/ are named by `Layout`");
}

#[test]
fn each_dependency_has_a_reason() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let page = read("docs/architecture.md");
    let section = page.split("## Dependencies").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let row = |line: &'_ str| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned());
    let named: Vec<String> = section.lines().filter_map(row).collect();
    let manifest = read("Cargo.toml");
    let (mut inside, mut there) = (false, Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = matches!(line, "[dependencies]" | "[dev-dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| inside) {
            there.push(name.to_owned());
        }
    }
    assert!(there.len() > 20, "the dependencies were not found");
    assert_eq!(there, named, "docs/architecture.md says why each dependency is there, in the order of Cargo.toml");
}

#[test]
fn unsafe_code_stands_where_the_page_says() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let section = page.split("## Unsafe code").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let mut named: Vec<String> = rows.flat_map(|cell| cell.split('`')).map(str::to_owned).collect();
    named.retain(|name| name.ends_with(".rs"));
    named.sort();
    let is_unsafe =
        |source: &Source| Regex::new(r"\bunsafe\s*(\{|fn\b|impl\b|extern\b)").unwrap().is_match(&source.code);
    let there: Vec<String> =
        sources().iter().filter(|source| is_unsafe(source)).map(|source| source.path.display().to_string()).collect();
    assert_eq!(there, named, "unsafe code is listed in docs/architecture.md, and nowhere else");
}
