//! The parameters by which runs differ.

use crate::record::Value;
use crate::spec::Filter;
use crate::store::{RunState, Sweep};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;

/// The level of a run on an axis: a parameter, the seed or a fixed column of `runs`; null where a parameter is inactive
/// or a column is not known.
pub fn level_value(run: &RunState, axis: &str) -> Value {
    if let Some(value) = run.parameters.get(axis) {
        return value.clone();
    }
    let known = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or(Value::Null, Value::from);
    let provenance = run.provenance.as_deref();
    match axis {
        "seed" => Value::Integer(run.seed as i64),
        "attempt" => Value::Integer(i64::from(run.attempt)),
        "status" => Value::Text(run.status.to_string()),
        "failure" => run.failure.map_or(Value::Null, |failure| Value::Text(failure.to_string())),
        "host" => known(provenance.map(|p| &*p.host)),
        "device" => known(provenance.map(|p| &*p.device)),
        "git" => known(provenance.map(|p| &*p.git)),
        "spec" => known(provenance.map(|p| &*p.spec)),
        _ => Value::Null,
    }
}

/// The level as text; `–` for null.
pub fn level(run: &RunState, axis: &str) -> String {
    spelled(&level_value(run, axis))
}

fn spelled(level: &Value) -> String {
    match level {
        Value::Null => "–".to_owned(),
        value => value.to_string(),
    }
}

/// Whether the run's level is one of the filter's. Null is a parameter that is inactive; a text of a foreign program's
/// that reads like a number is found by the number.
pub fn passes(run: &RunState, filter: &Filter) -> bool {
    let level = level_value(run, &filter.name);
    filter.values.iter().any(|value| match (value, &level) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (value, level) => value.to_string() == level.to_string(),
    })
}

/// The parameters that have more than one value among these runs (the seed is none of them), each with its levels in
/// the order of the runs.
pub fn axes<'a>(runs: impl IntoIterator<Item = &'a RunState>) -> IndexMap<String, IndexSet<String>> {
    let mut axes: IndexMap<String, IndexSet<String>> = IndexMap::new();
    for run in runs {
        for (name, value) in run.parameters.iter() {
            let levels = axes.entry(name.clone()).or_default();
            let value = spelled(value);
            if !levels.contains(&value) {
                levels.insert(value);
            }
        }
    }
    axes.retain(|_, levels| levels.len() > 1);
    axes
}

/// The places of levels on their axes, as the newest plan has them.
pub struct LevelOrder(HashMap<String, HashMap<String, usize>>);

impl LevelOrder {
    /// Of a sweep.
    pub fn of(sweep: &Sweep) -> Self {
        let axes = sweep.planned().map(|planned| &planned.axes).into_iter().flatten();
        let places =
            |levels: &Vec<Value>| levels.iter().enumerate().map(|(place, level)| (spelled(level), place)).collect();
        Self(axes.map(|(axis, levels)| (axis.clone(), places(levels))).collect())
    }

    /// The place of a level; what the plan does not know comes last.
    pub fn place(&self, axis: &str, level: &str) -> usize {
        self.0.get(axis).and_then(|levels| levels.get(level)).copied().unwrap_or(usize::MAX)
    }
}
