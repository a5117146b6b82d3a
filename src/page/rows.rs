//! The table of runs: one row a run with its parameters and summaries; all, or what is newer than a number.

use super::PageError;
use super::shelf::{Shelf, View};
use crate::record::Real;
use crate::store::{RunState, Sweep};
use indexmap::IndexSet;
use serde_json::{Value, json};

/// Columns before those of parameters and summaries.
const OWN: [&str; 10] =
    ["run", "status", "failure", "message", "seed", "attempt", "started", "seconds", "peak_memory_mib", "host"];

/// The current runs, or those that changed after a number.
pub(super) fn runs(shelf: &Shelf, name: &str, after: Option<&str>) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let runs = view.newer(after.map_or(0, |told| shelf.read(told)));
    table(&view, &runs, shelf)
}

/// Runs as a table: columns with what they are, then rows.
pub(super) fn table(view: &View, runs: &[&RunState], shelf: &Shelf) -> Result<Value, PageError> {
    let sweep: &Sweep = &view.sweep;
    let all = sweep.states().iter().filter(|run| run.current);
    let parameters: IndexSet<&String> = all.flat_map(|run| run.parameters.keys()).collect();
    let metrics = if runs.is_empty() { Vec::new() } else { sweep.metrics()? };
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let summaries = if runs.is_empty() { Default::default() } else { sweep.summaries(&names, sweep.reduce(), runs)? };
    let column = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let mut columns: Vec<Value> = OWN.iter().map(|name| column("run", name)).collect();
    columns.extend(parameters.iter().map(|name| column("parameter", name)));
    columns.extend(metrics.iter().map(|name| column("metric", name)));
    let row = |run: &&RunState| {
        let mut row = vec![
            json!(run.run),
            json!(run.status.to_string()),
            json!(run.failure),
            json!(said(run)),
            json!(run.seed),
            json!(run.attempt),
            json!(run.started),
            json!(run.seconds),
            json!(run.peak_memory_mib),
            json!(run.provenance.as_ref().map(|provenance| &provenance.host)),
        ];
        row.extend(parameters.iter().map(|name| json!(run.parameters.get(*name))));
        let of_run = summaries.get(&run.run);
        let summary = |place| of_run.and_then(|all| all.get(place).copied().flatten());
        row.extend((0..metrics.len()).map(|place| json!(summary(place).map(Real))));
        row
    };
    let rows: Vec<Vec<Value>> = runs.iter().map(row).collect();
    Ok(json!({
        "number": shelf.told(view.number),
        "reduce": sweep.reduce().to_string(),
        "columns": columns,
        "rows": rows,
    }))
}

/// The line that tells what went wrong, of a run that failed or diverged.
pub(super) fn said(run: &RunState) -> Option<String> {
    match &run.diverged {
        Some((step, quantity)) => Some(format!("{quantity} at step {step}")),
        None => run.message.lines().next().map(str::to_owned),
    }
}
