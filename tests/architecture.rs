//! The shape of the tree: imports run one way, every file says what it is, heavy libraries stay where they belong.

use regex::Regex;
use std::path::{Path, PathBuf};

/// The stages, in the order in which data passes them.
const STAGES: [&str; 9] = ["spec", "plan", "record", "schedule", "run", "store", "analyse", "figures", "report"];

/// Libraries and the only modules that may name them.
const HOMES: [(&str, &[&str]); 8] = [
    ("serde_yaml", &["spec"]),
    ("tch", &["lab"]),
    ("torch_sys", &["lab"]),
    ("plotters", &["figures"]),
    ("resvg", &["figures"]),
    ("polars", &["store", "analyse", "figures", "report"]),
    ("nvml_wrapper", &["run"]),
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
fn stages_import_only_from_their_left() {
    let place = |module: &str| STAGES.iter().position(|stage| *stage == module);
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = place(&source.module) else { continue };
        for name in imports(&source.code, "crate") {
            // `record` re-exports the values of `spec`; nothing else runs against the stream.
            let allowed = name == source.module || place(&name).is_some_and(|other| other < own);
            if !allowed {
                wrong.push(format!("{} imports `{name}`", source.path.display()));
            }
        }
        // `super` may not climb out of the stage.
        let depth = source.path.components().count() - 1 - usize::from(source.path.ends_with("mod.rs"));
        let climb = "super::".repeat(depth + 1);
        if !source.code.contains("#[cfg(test)]") && source.code.contains(&climb) {
            wrong.push(format!("{} climbs out of its stage by `super`", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "arrows that run back:\n{}", wrong.join("\n"));
}

#[test]
fn errors_know_only_the_spec() {
    for source in sources().iter().filter(|source| source.module == "error") {
        assert!(imports(&source.code, "crate").iter().all(|name| name == "spec" || name == "error"));
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
