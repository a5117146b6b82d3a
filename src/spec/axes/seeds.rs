//! The replicates.

use crate::spec::axis::{is_range, range};
use crate::spec::node::Node;
use crate::spec::problem::Severity;
use std::collections::HashSet;

/// Cells × seeds before folding, unless `max_runs` says otherwise.
pub(super) const MOST_RUNS: u64 = 1_000_000;

const HELP: &str = "`seeds: 3` is 0, 1, 2; a list holds chosen ones: `seeds: [1, 5]`";

/// `seeds: 3`, `seeds: [1, 5]`, `seeds: {range: [0, 9]}`.
pub(super) fn read_seeds(node: &Node) -> Vec<u64> {
    let mut seeds = Vec::new();
    let mut add = |seed: Option<u64>, place: &Node| match seed {
        Some(seed) => seeds.push(seed),
        None => place.error(format!("expected a whole number of 0 or more, found {}", place.found()), HELP),
    };
    if is_range(node) {
        range(node).iter().for_each(|value| add(value.as_i64().and_then(|i| u64::try_from(i).ok()), node));
    } else if node.value.as_list().is_some() {
        for item in node.items() {
            if is_range(&item) {
                range(&item).iter().for_each(|value| add(value.as_i64().and_then(|i| u64::try_from(i).ok()), &item));
            } else {
                add(item.plain().and_then(|value| u64::try_from(value.as_i64()?).ok()), &item);
            }
        }
    } else {
        match node.plain().and_then(|value| u64::try_from(value.as_i64()?).ok()) {
            Some(n) if n > MOST_RUNS * 10 => {
                node.error(
                    format!("`seeds: {n}` are {n} replicates of each cell"),
                    "a list holds chosen seeds: `seeds: [1234]`",
                );
            }
            Some(n) => seeds.extend(0..n),
            None => {
                node.error(format!("expected a whole number of 0 or more, found {}", node.found()), HELP);
                return vec![0];
            }
        }
    }
    if seeds.is_empty() {
        let any = node.problems.borrow().0.iter().any(|problem| problem.severity == Severity::Error);
        if !any {
            node.error("no seed here".to_owned(), "`seeds: 3` is 0, 1, 2");
        }
        return vec![0];
    }
    let mut seen = HashSet::new();
    if let Some(twice) = seeds.iter().find(|seed| !seen.insert(**seed)) {
        node.error(format!("the seed {twice} is there twice"), "each seed once; a repeated run would be the same run");
    }
    seeds
}
