//! One document out of several: a file, the files that it `extends`, and the arguments of `--set`.
//!
//! Sections of parameters become flat maps of dotted names first. Then maps merge by key, lists replace, and null
//! removes.

use super::flatten::flatten;
use super::keys;
use super::node::suggestion;
use super::origin::{Origin, Origins, Step};
use super::problem::{Problem, Problems, Severity, Source};
use super::tree::{Content, Tree};
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sections that are flat maps of parameters; true where ranges may stand.
const FLAT: [(&str, bool); 3] = [("base", false), ("grid", true), ("when", false)];
/// Spec files extend one another at most so deep.
const DEEPEST: usize = 32;

type Map = IndexMap<String, Tree>;

/// Reads files and arguments into one document. `Err` where there is nothing to go on with.
pub(super) fn fold(path: &Path, sets: &[String]) -> Result<(Tree, Problems), Problems> {
    let mut problems = Problems::default();
    let tree = match file(path, None, &mut Vec::new(), &mut problems) {
        Ok(tree) => tree,
        Err(problem) => {
            problems.0.push(*problem);
            return Err(problems);
        }
    };
    let mut tree = tree;
    for set in sets {
        match argument(set) {
            Ok((setting, more)) => {
                problems.0.extend(more.0);
                let setting = canonical(setting, &mut problems);
                tree = merge(tree, setting, 0);
            }
            Err(problem) => problems.0.push(*problem),
        }
    }
    Ok((tree, problems))
}

/// Whether a file is a program by its ending or its first bytes.
fn is_program(path: &Path, bytes: &[u8]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    matches!(ending, "py" | "jl" | "R" | "r") || bytes.starts_with(b"#!/") || bytes.starts_with(b"\x7fELF")
}

/// A file with what it extends. `asked` is the place of the `extends` that names it.
fn file(
    path: &Path,
    asked: Option<&Origin>,
    open: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> Result<Tree, Box<Problem>> {
    let wrong = |message: String, help: &str| match asked {
        Some(origin) => Box::new(origin.problem(Severity::Error, message, help)),
        None => Box::new(Problem {
            severity: Severity::Error,
            message,
            help: Some(help.to_owned()).filter(|help| !help.is_empty()),
            label: String::new(),
            source: None,
            span: 0..0,
        }),
    };
    let bytes = std::fs::read(path).map_err(|error| {
        let help = if path.is_dir() { "name a YAML file".to_owned() } else { nearest(path) };
        wrong(format!("cannot read `{}`: {error}", path.display()), &help)
    })?;
    if is_program(path, &bytes) {
        let program = path.display();
        let run = match path.extension().and_then(|ending| ending.to_str()) {
            Some("py") => format!("python {program}"),
            Some("jl") => format!("julia {program}"),
            Some("R" | "r") => format!("Rscript {program}"),
            _ if path.is_absolute() => program.to_string(),
            _ => format!("./{program}"),
        };
        let help = format!("`tessera new NAME --command {run:?}` asks it for its options and writes a spec");
        return Err(wrong(format!("`{program}` is a program, not a spec"), &help));
    }
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if open.contains(&real) || open.len() >= DEEPEST {
        return Err(wrong(format!("`{}` extends itself", path.display()), "remove one `extends` of the circle"));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(Box::new(not_utf8(path, &error))),
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let folder = real.parent().map(Path::to_owned).unwrap_or_default();
    let source = Source { name: path.to_owned(), text: text.into() };
    let text = Arc::new(Origins { source, start: 0, folder });
    let (tree, twice) = Tree::read(&text)?;
    problems.0.extend(twice.0);
    let top = Origin::top(text.clone());
    match &tree.content {
        Content::Null => {
            let help = "a spec begins like this: `sweep: my_sweep`, `trainer: retina`; `tessera new NAME` writes one";
            return Err(Box::new(top.problem(Severity::Error, "the file is empty".to_owned(), help)));
        }
        Content::Map(_) => {}
        _ => {
            let message = format!("expected `key: value` lines, found {}", tree.found());
            return Err(Box::new(top.problem(Severity::Error, message, "a spec begins with `sweep: NAME`")));
        }
    }
    let mut tree = canonical(tree, problems);
    let parent = match &mut tree.content {
        Content::Map(map) => map.shift_remove("extends"),
        _ => None,
    };
    let Some(parent) = parent else { return Ok(tree) };
    let Some(name) = parent.scalar_text() else {
        let message = format!("expected the name of a spec, found {}", parent.found());
        problems.0.push(parent.origin.problem(Severity::Error, message, ""));
        return Ok(tree);
    };
    open.push(real);
    let below = file(&text.folder.join(name), Some(&parent.origin), open, problems);
    open.pop();
    // Without what it extends, what would be found missing is not what is wrong.
    Ok(merge(below?, tree, 0))
}

/// The file beside it whose name is nearest.
fn nearest(path: &Path) -> String {
    let files = path.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.ends_with(".yaml")).collect();
    let near = path.file_name().map(|name| suggestion(&name.to_string_lossy(), &names)).unwrap_or_default();
    if near.starts_with("did you mean") { near } else { String::new() }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Problem {
    let valid = error.utf8_error().valid_up_to();
    let text: Arc<str> = String::from_utf8_lossy(error.as_bytes()).into();
    Problem {
        severity: Severity::Error,
        message: "the file is not UTF-8 from here on".to_owned(),
        help: Some("save it as UTF-8 text".to_owned()),
        label: String::new(),
        source: Some(Source { name: path.to_owned(), text }),
        span: valid..valid + 1,
    }
}

/// The document of `k=v`. A key that is none at the top of a spec is a parameter of `base`.
fn argument(set: &str) -> Result<(Tree, Problems), Box<Problem>> {
    let start = set.find('=').map_or(set.len(), |i| i + 1);
    let source = Source { name: "--set".into(), text: set.into() };
    let folder = std::env::current_dir().unwrap_or_default();
    let text = Arc::new(Origins { source, start, folder });
    let top = Origin::top(text.clone());
    let key = set[..start].trim_end_matches('=').trim();
    if key.is_empty() || !set.contains('=') {
        let message = "expected `name=value`".to_owned();
        let mut problem = top.problem(Severity::Error, message, "as in `--set data.source=kyoto`");
        problem.span = 0..set.len();
        return Err(Box::new(problem));
    }
    let (value, twice) = Tree::read(&text)?;
    let head = key.split('.').next().unwrap_or(key);
    let section = keys::is_known(head);
    let key = if section { key.to_owned() } else { format!("base.{key}") };
    let map = Map::from([(key, value)]);
    Ok((Tree { content: Content::Map(Box::new(map)), origin: top }, twice))
}

/// Dotted keys at the top become sections, and sections of parameters flat maps.
fn canonical(tree: Tree, problems: &mut Problems) -> Tree {
    let Content::Map(map) = tree.content else { return tree };
    let mut sections = Map::new();
    for (key, value) in *map {
        let (head, rest) = key.split_once('.').unwrap_or((&key, ""));
        let known = keys::is_known(head);
        if rest.is_empty() || !known {
            put(&mut sections, &key, value, problems);
            continue;
        }
        let mut value = value;
        let flat = FLAT.iter().any(|(name, _)| *name == head);
        let steps: Vec<&str> = if flat { vec![rest] } else { rest.rsplit('.').collect() };
        for step in steps {
            let origin = value.origin.clone();
            value = Tree { content: Content::Map(Box::new(Map::from([(step.to_owned(), value)]))), origin };
        }
        put(&mut sections, head, value, problems);
    }
    for (name, ranges) in FLAT {
        if let Some(section) = sections.get_mut(name) {
            flat_section(section, ranges, problems);
        }
    }
    if let Some(blocks) = sections.get_mut("blocks")
        && let Content::List(blocks) = &mut blocks.content
    {
        for block in blocks {
            let Content::Map(block) = &mut block.content else { continue };
            for (name, ranges) in FLAT {
                if let Some(section) = block.get_mut(name) {
                    flat_section(section, ranges, problems);
                }
            }
        }
    }
    Tree { content: Content::Map(Box::new(sections)), origin: tree.origin }
}

/// Adds a section; one that is there already (`base.x: 1` beside `base:`) is merged into.
fn put(sections: &mut Map, key: &str, value: Tree, problems: &mut Problems) {
    match sections.get_mut(key) {
        None => {
            sections.insert(key.to_owned(), value);
        }
        Some(Tree { content: Content::Map(there), .. }) => match value.content {
            Content::Map(more) => {
                for (key, value) in *more {
                    put(there, &key, value, problems);
                }
            }
            _ => problems.0.push(twice(key, &value)),
        },
        Some(_) => problems.0.push(twice(key, &value)),
    }
}

fn twice(key: &str, value: &Tree) -> Problem {
    value.origin.problem_at_key(Severity::Error, format!("`{key}` is given twice"), "keep one of them")
}

fn flat_section(section: &mut Tree, ranges: bool, problems: &mut Problems) {
    if !matches!(&section.content, Content::Map(_)) {
        return;
    }
    let mut flat = Vec::new();
    flatten("", section, ranges, &mut flat);
    let mut map = Map::new();
    for (name, value) in flat {
        if name.is_empty() {
            continue;
        }
        if map.contains_key(&name) {
            problems.0.push(twice(&name, &value));
        } else {
            map.insert(name, value);
        }
    }
    section.content = Content::Map(Box::new(map));
}

/// `over` laid on `under`: maps by key, lists replace, null removes.
fn merge(under: Tree, over: Tree, depth: usize) -> Tree {
    match (under.content, over.content) {
        (Content::Map(mut map), Content::Map(more)) => {
            for (key, value) in *more {
                if value.is_null() {
                    let below = format!("{key}.");
                    let before = map.len();
                    map.retain(|name, _| *name != key && !name.starts_with(&below));
                    if map.len() < before {
                        continue;
                    }
                }
                let flat = FLAT.iter().any(|(name, _)| depth == 0 && *name == key);
                // Values of parameters replace one another whole: a range is a map too.
                let merged = match map.shift_remove_full(&key) {
                    Some((index, _, there)) if depth != FLAT_DEPTH => {
                        let merged = merge(there, value, if flat { FLAT_DEPTH } else { depth + 1 });
                        Some((index, merged))
                    }
                    Some((index, ..)) => Some((index, value)),
                    None => {
                        map.insert(key, value);
                        continue;
                    }
                };
                if let Some((index, merged)) = merged {
                    map.shift_insert(index, key, merged);
                }
            }
            // A section stays where the file has it when an argument changes something in it.
            let origin = if over.origin.is_argument() { under.origin } else { over.origin };
            Tree { content: Content::Map(map), origin }
        }
        (_, content) => Tree { content, origin: over.origin },
    }
}

/// The depth inside a section of parameters.
const FLAT_DEPTH: usize = usize::MAX;

/// Reports keys at the top that no spec has.
pub(super) fn check_top(tree: &Tree, problems: &mut Problems, parameters: &[&str]) {
    let Some(map) = tree.as_mapping() else { return };
    for (key, value) in map {
        if keys::is_known(key) {
            continue;
        }
        let near = suggestion(key, &keys::written());
        let help = match () {
            () if parameters.contains(&&**key) => format!("`{key}` is a parameter: it belongs under `base:`"),
            () if near.starts_with("did you mean") => near,
            () => String::new(),
        };
        problems.0.push(value.origin.problem_at_key(Severity::Error, format!("unknown key `{key}`"), &help));
    }
}

/// The document with one more key at the top.
pub(super) fn with_key(tree: &mut Tree, key: &str, text: String) {
    let origin = tree.origin.child(Step::Key(key.to_owned()));
    if let Content::Map(map) = &mut tree.content {
        map.insert(key.to_owned(), Tree { content: Content::Text(text), origin });
    }
}
