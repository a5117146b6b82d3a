//! Finds nodes on which run after run fails. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Nodes whose last `most` attempts or more all failed, each with how many; `ends` are (node, failed), oldest first.
/// None where nothing succeeds on any other node either: then it is not the node's fault. 0: none ever is.
pub fn failing<'a>(ends: impl IntoIterator<Item = (&'a str, bool)>, most: u32) -> Vec<(String, u32)> {
    let mut in_a_row: BTreeMap<&str, u32> = BTreeMap::new();
    let mut sound = BTreeSet::new();
    for (node, failed) in ends {
        let count = in_a_row.entry(node).or_insert(0);
        *count = if failed { *count + 1 } else { 0 };
        if !failed {
            sound.insert(node);
        }
    }
    let failing = in_a_row.iter().filter(|(node, count)| most > 0 && **count >= most && !node.is_empty());
    let failing: Vec<(String, u32)> = failing.map(|(node, count)| ((*node).to_owned(), *count)).collect();
    let elsewhere = sound.iter().any(|node| failing.iter().all(|(other, _)| other != node));
    if elsewhere { failing } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::failing;

    #[test]
    fn a_node_that_fails_in_a_row_is_named() {
        let ends = [("a", false), ("b", true), ("b", true), ("a", true), ("b", true), ("a", false)];
        assert_eq!(failing(ends, 3), [("b".to_owned(), 3)]);
        assert!(failing(ends, 4).is_empty() && failing(ends, 0).is_empty());
        // A success in between begins the count anew.
        assert!(failing([("a", false), ("b", true), ("b", false), ("b", true)], 2).is_empty());
        // Where all fail, no node is to blame.
        assert!(failing([("a", true), ("b", true)], 1).is_empty());
    }
}
