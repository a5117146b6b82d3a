//! The parameters by which runs differ.

use crate::spec::{Filter, Value};
use crate::store::RunState;
use indexmap::{IndexMap, IndexSet};

/// The level of a run on an axis, as text: a parameter's value, the seed; `–` where the parameter is inactive.
pub fn level(run: &RunState, axis: &str) -> String {
    match run.parameters.get(axis) {
        Some(value) => value.to_string(),
        None if axis == "seed" => run.seed.to_string(),
        None => "–".to_owned(),
    }
}

/// Whether the run's level is one of the filter's; null is a parameter that is inactive.
pub fn passes(run: &RunState, filter: &Filter) -> bool {
    let level = level(run, &filter.name);
    filter.values.iter().any(|value| match value {
        Value::Null => level == "–",
        value => value.to_string() == level,
    })
}

/// The parameters that have more than one value among these runs (the seed is none of them), each with its levels in
/// the order of the runs.
pub fn axes<'a>(runs: impl IntoIterator<Item = &'a RunState>) -> IndexMap<String, IndexSet<String>> {
    let mut axes: IndexMap<String, IndexSet<String>> = IndexMap::new();
    for run in runs {
        for (name, value) in run.parameters.iter() {
            let levels = axes.entry(name.clone()).or_default();
            let value = value.to_string();
            if !levels.contains(&value) {
                levels.insert(value);
            }
        }
    }
    axes.retain(|_, levels| levels.len() > 1);
    axes
}
