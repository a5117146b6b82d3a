//! Nested names as dotted ones: `{data: {source: kyoto}}` is `data.source`, and `{lr_schedule: {kind: plateau,
//! factor: 0.5}}` is `lr_schedule` and `lr_schedule.factor`.

use super::axis::{RANDOM, RANGES};
use super::tree::{Content, Tree};

/// The names and values under a name. Ranges stay whole where `ranges` says that they may be there.
pub(super) fn flatten(name: &str, tree: &Tree, ranges: bool, flat: &mut Vec<(String, Tree)>) {
    match &tree.content {
        Content::Map(map) if !map.is_empty() => {
            let range = |key: &str| RANGES.contains(&key) || RANDOM.contains(&key);
            if ranges && map.keys().any(|key| range(key)) {
                flat.push((name.to_owned(), tree.clone()));
                return;
            }
            for (key, value) in map.iter() {
                let dotted = match (name, &**key) {
                    ("", key) => key.to_owned(),
                    (name, "kind") => name.to_owned(),
                    (name, key) => format!("{name}.{key}"),
                };
                flatten(&dotted, value, ranges, flat);
            }
        }
        _ => flat.push((name.to_owned(), tree.clone())),
    }
}
