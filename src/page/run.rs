//! One run: parameters (what differs from the others first), attempts, summaries, checkpoints, failures.

use super::PageError;
use super::shelf::Shelf;
use crate::analyse::axes;
use crate::record::{Real, RunId};
use crate::store::{RunState, Sweep};
use serde_json::{Value, json};

/// Everything that the page shows of a run.
pub(super) fn run(shelf: &Shelf, name: &str, wanted: &str) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let sweep: &Sweep = &view.sweep;
    let run = found(sweep, wanted)?;
    let varied = axes(sweep.states().iter().filter(|run| run.current));
    let mut parameters: Vec<(&String, &crate::record::Value)> = run.parameters.iter().collect();
    parameters.sort_by_key(|(name, _)| varied.get_index_of(*name).unwrap_or(usize::MAX));
    let parameter = |(name, value): (&String, &crate::record::Value)| {
        json!({
            "name": name, "value": value, "varied": varied.contains_key(name),
        })
    };
    let metrics = sweep.metrics()?;
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let values = sweep.summaries(&names, sweep.reduce(), &[run])?.remove(&run.run).unwrap_or_default();
    let summaries = metrics.iter().zip(values).filter_map(|(name, value)| Some(json!([name, Real(value?)])));
    let failures = run.failures.iter();
    let checkpoints = run
        .checkpoints
        .iter()
        .filter(|checkpoint| sweep.layout().checkpoints(&run.run).join(&checkpoint.file).exists());
    let logs = (1..=run.attempt).filter(|attempt| sweep.layout().log(&run.run, *attempt).is_file());
    let slot = view.beats.iter().flat_map(|beat| &beat.view.slots).find(|slot| slot.run == run.run.as_str());
    Ok(json!({
        "number": shelf.told(view.number),
        "grown": shelf.told(view.grown),
        "sweep": name,
        "run": run.run,
        "status": run.status.to_string(),
        "said": super::rows::said(run),
        "current": run.current,
        "seed": run.seed,
        "attempt": run.attempt,
        "started": run.started,
        "seconds": run.seconds,
        "peak_memory_mib": run.peak_memory_mib,
        "lineage": run.lineage,
        "provenance": run.provenance,
        "parameters": parameters.into_iter().map(parameter).collect::<Vec<_>>(),
        "reduce": sweep.reduce().to_string(),
        "summaries": summaries.collect::<Vec<_>>(),
        "failures": failures.map(|(n, failure, message)| json!([n, failure, message])).collect::<Vec<_>>(),
        "notes": run.readings.iter().flat_map(|(_, reading)| &reading.notes).collect::<Vec<_>>(),
        "checkpoints": checkpoints.map(|one| json!([one.attempt, one.step, one.file])).collect::<Vec<_>>(),
        "logs": logs.collect::<Vec<_>>(),
        "slot": slot,
    }))
}

/// The run of that very id.
pub(super) fn found<'s>(sweep: &'s Sweep, wanted: &str) -> Result<&'s RunState, PageError> {
    let state = RunId::parse(wanted).and_then(|run| sweep.state(&run));
    state.ok_or_else(|| PageError::Missing(format!("`{}` has no run `{wanted}`", sweep.name())))
}
