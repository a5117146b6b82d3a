//! A sweep at a glance: what it asks, how its runs stand, its axes and metrics, what its agents say.

use super::PageError;
use super::shelf::{Shelf, View};
use crate::analyse::{LevelOrder, axes};
use crate::presence::heartbeat::Heartbeat;
use crate::process::host;
use crate::spec::{Document, read};
use crate::store::{RunState, Sweep};
use serde_json::{Map, Value, json};

/// The overview of one sweep.
pub(super) fn overview(shelf: &Shelf, name: &str) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let sweep = &view.sweep;
    let current: Vec<&RunState> = sweep.states().iter().filter(|run| run.current).collect();
    let order = LevelOrder::of(sweep);
    let axes: Vec<Value> = axes(current.iter().copied())
        .into_iter()
        .map(|(axis, levels)| {
            let mut levels: Vec<String> = levels.into_iter().collect();
            levels.sort_by_key(|level| order.place(&axis, level));
            json!({"name": axis, "levels": levels})
        })
        .collect();
    let mut seeds: Vec<u64> = current.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let planned = sweep.planned();
    let (metric, reduce) = match planned.and_then(|plan| plan.metric.as_ref()) {
        Some((metric, reduce)) => (Some(metric), Some(reduce)),
        None => (None, None),
    };
    Ok(json!({
        "name": name,
        "about": about(sweep),
        "trainer": planned.map(|plan| &plan.trainer),
        "spec": planned.map(|plan| &plan.spec),
        "metric": metric,
        "reduce": reduce,
        "goal": planned.and_then(|plan| plan.goal),
        "axes": axes,
        "seeds": seeds,
        "metrics": sweep.metrics()?,
        "state": state(shelf, &view),
    }))
}

/// What changes while a sweep executes: counts and agents, with the number of the change.
pub(super) fn state(shelf: &Shelf, view: &View) -> Value {
    let runs = view.sweep.states().iter();
    json!({
        "number": shelf.told(view.number),
        "runs": runs.filter(|run| run.current).count(),
        "counts": counts(&view.sweep),
        "executed": view.is_executed(),
        "agents": agents(&view.beats),
        "damage": view.sweep.damage().words(view.sweep.name()),
    })
}

/// How many current runs have each status.
pub(super) fn counts(sweep: &Sweep) -> Value {
    let mut counts = std::collections::BTreeMap::new();
    for run in sweep.states().iter().filter(|run| run.current) {
        *counts.entry(run.status).or_insert(0) += 1;
    }
    let counts = counts.into_iter().map(|(status, count): (_, u64)| (status.to_string(), json!(count)));
    Value::Object(counts.collect::<Map<_, _>>())
}

/// What agents say, each with its age in seconds: clocks of browsers may differ.
pub(super) fn agents(beats: &[Heartbeat]) -> Vec<Value> {
    let now = host::unix_time();
    let agent = |beat: &Heartbeat| {
        json!({
            "name": beat.agent.to_string(),
            "host": beat.agent.host,
            "age": now - beat.time,
            "view": beat.view,
            "waits": beat.waits,
            "paused": beat.paused,
        })
    };
    beats.iter().take(64).map(agent).collect()
}

/// What the newest spec says that the sweep asks.
pub(super) fn about(sweep: &Sweep) -> Option<String> {
    let path = sweep.layout().spec(&sweep.planned()?.spec);
    match read(&path, &[]).ok()?.0 {
        Document::Sweep(spec) => Some(spec.about.clone()).filter(|about| !about.is_empty()),
        Document::Report(_) => None,
    }
}
