//! Paths in a spec start from where they were written: the folder of the file, or of the command line.

use super::tree::{Content, Tree};
use super::{Description, Kind};
use std::path::PathBuf;

/// Paths of parameters start from the folder of the file (or argument) that they were written in.
pub(super) fn absolute_paths(tree: &mut Tree, description: &Description) {
    let paths: Vec<&str> = description.parameters.iter().filter(|p| p.kind == Kind::Path).map(|p| &*p.name).collect();
    let Content::Map(sections) = &mut tree.content else { return };
    for (section, value) in sections.iter_mut() {
        if ["base", "grid", "zip", "include", "exclude", "blocks"].contains(&&**section) {
            make_absolute(value, "", &paths);
        }
    }
}

fn make_absolute(tree: &mut Tree, name: &str, paths: &[&str]) {
    match &mut tree.content {
        Content::Text(text) if paths.contains(&name) && !text.is_empty() => {
            let joined = tree.origin.text.folder.join(&*text);
            let tidy: PathBuf = joined.components().filter(|part| *part != std::path::Component::CurDir).collect();
            *text = tidy.to_string_lossy().into_owned();
        }
        Content::List(items) => items.iter_mut().for_each(|item| make_absolute(item, name, paths)),
        Content::Map(map) => {
            for (key, value) in map.iter_mut() {
                let inner = match name {
                    "" => key.clone(),
                    name => format!("{name}.{key}"),
                };
                // Blocks hold sections, whose names begin anew.
                let inner = if ["base", "grid", "zip"].contains(&&*inner) { String::new() } else { inner };
                make_absolute(value, &inner, paths);
            }
        }
        _ => {}
    }
}
