//! What a plan asks for, as the journal keeps it.

use crate::plan::Plan;
use crate::process::host;
use crate::record::{Fact, PlannedRun, RunId};
use crate::spec::Sweep;
use crate::store;

/// Whether the newest plan of the journal is this one.
pub fn is_recorded(stored: Option<&store::Sweep>, sweep: &Sweep, plan: &Plan) -> bool {
    let newest = stored.and_then(|stored| stored.planned());
    newest.is_some_and(|newest| newest.spec == sweep.hash && newest.runs.len() == plan.runs.len())
}

/// What a plan asks for, as the journal keeps it.
pub fn planned_fact(sweep: &Sweep, plan: &Plan) -> Fact {
    let runs = plan
        .runs
        .iter()
        .filter_map(|run| Some(PlannedRun { run: RunId::parse(&run.id)?, seed: run.seed, parameters: run.own() }));
    Fact::Planned {
        time: host::unix_time(),
        spec: sweep.hash.clone(),
        tessera: env!("CARGO_PKG_VERSION").to_owned(),
        trainer: sweep.trainer.name().to_owned(),
        metric: sweep.metric.as_ref().map(|metric| (metric.name.clone(), metric.reduce.to_string())),
        common: plan.common().clone(),
        runs: runs.collect(),
    }
}
