//! The `planned` fact: what a plan asks for.

use crate::plan::Plan;
use crate::process::host;
use crate::record::{Axes, Fact, Goal, PlannedRun, Value};
use crate::spec::{Expression, Sweep};
use crate::store;
use indexmap::IndexMap;
use std::collections::HashMap;

/// Whether the newest plan of the journal is this one.
pub fn is_recorded(stored: Option<&store::Sweep>, sweep: &Sweep, plan: &Plan) -> bool {
    let newest = stored.and_then(|stored| stored.planned());
    newest.is_some_and(|newest| newest.spec == sweep.hash && newest.runs.len() == plan.runs.len())
}

/// What a plan asks for, as the journal keeps it.
pub fn planned_fact(sweep: &Sweep, plan: &Plan) -> Fact {
    let runs = plan.runs.iter().map(|run| PlannedRun { run: run.id.clone(), seed: run.seed, parameters: run.own() });
    Fact::Planned {
        time: host::unix_time(),
        spec: sweep.hash.clone(),
        tessera: env!("CARGO_PKG_VERSION").to_owned(),
        trainer: sweep.trainer.name().to_owned(),
        metric: sweep.metric.as_ref().map(|metric| (metric.name.clone(), metric.reduce.to_string())),
        goal: sweep.metric.as_ref().map(|metric| Goal::of(metric.maximize)),
        axes: axes(sweep, plan),
        common: plan.common().clone(),
        runs: runs.collect(),
    }
}

/// The axes of a plan. Levels that the spec writes as values come in its order, then those that it computes in the order
/// of the runs.
fn axes(sweep: &Sweep, plan: &Plan) -> Axes {
    let grid = &sweep.grid;
    let dimensions = grid.blocks.iter().flat_map(|block| &block.dimensions).flat_map(|dimension| &dimension.levels);
    let written = dimensions.chain(grid.include.iter().map(|include| &include.level)).flatten();
    let mut places: HashMap<(&str, String), usize> = HashMap::new();
    for (place, assignment) in written.enumerate() {
        if let Expression::Value(value) = &assignment.expression {
            places.entry((&assignment.name, value.to_string())).or_insert(place);
        }
    }
    let levels = |axis: &String| {
        let met: IndexMap<String, &Value> =
            plan.runs.iter().filter_map(|run| run.get(axis)).map(|value| (value.to_string(), value)).collect();
        let mut met: Vec<_> = met.into_iter().collect();
        met.sort_by_key(|(level, _)| places.get(&(axis.as_str(), level.clone())).copied().unwrap_or(usize::MAX));
        (axis.clone(), met.into_iter().map(|(_, value)| value.clone()).collect())
    };
    plan.axes.iter().map(levels).collect()
}
