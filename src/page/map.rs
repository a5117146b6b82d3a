//! The grid itself: a pivot with the runs of each cell.

use super::PageError;
use super::answer::known;
use super::question::Question;
use super::shelf::Shelf;
use crate::analyse::{Format, PivotRequest, level, passes, pivot};
use crate::record::Real;
use crate::store::{RunState, Scope};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The cells of the grid: what `tessera table` says of each, and its runs.
pub(super) fn map(shelf: &Shelf, name: &str, question: &Question) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let sweep = &view.sweep;
    let request = PivotRequest {
        value: Question::chosen(&question.value).map(str::to_owned),
        reduce: question.reduce()?,
        rows: Question::names(&question.rows),
        columns: Question::names(&question.cols),
        scope: Scope::Current,
        filters: question.filters()?,
    };
    let pivot = pivot(sweep, &request)?;
    let mut runs: HashMap<(Vec<String>, Vec<String>), Vec<&RunState>> = HashMap::new();
    for run in sweep.scoped(&Scope::Current)? {
        if request.filters.iter().all(|filter| passes(run, filter)) {
            let levels = |axes: &[String]| axes.iter().map(|axis| level(run, axis)).collect::<Vec<_>>();
            runs.entry((levels(&pivot.row_axes), levels(&pivot.column_axes))).or_default().push(run);
        }
    }
    let mut cells = Vec::new();
    for (row, down) in pivot.rows.iter().enumerate() {
        for (column, across) in pivot.columns.iter().enumerate() {
            let Some(cell) = pivot.cells.get(&(row, column)) else { continue };
            let interval = cell.interval();
            let of_cell = runs.remove(&(down.clone(), across.clone())).unwrap_or_default();
            let run = |run: &&RunState| json!([run.run, run.status.to_string(), run.seed]);
            cells.push(json!({
                "row": row,
                "column": column,
                "words": cell.words(),
                "mean": interval.map(|interval| Real(interval.mean)),
                "low": interval.and_then(|interval| known(interval.low)),
                "high": interval.and_then(|interval| known(interval.high)),
                "n": cell.values.len(),
                "diverged": cell.diverged,
                "failed": cell.failed,
                "missing": cell.missing,
                "without": cell.without,
                "runs": of_cell.iter().map(run).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(json!({
        "number": shelf.told(view.number),
        "value": pivot.value,
        "reduce": pivot.reduce.to_string(),
        "goal": goal(sweep, &pivot.value),
        "row_axes": pivot.row_axes,
        "column_axes": pivot.column_axes,
        "header": pivot.grid(Format::Table).header,
        "rows": pivot.rows,
        "columns": pivot.columns,
        "cells": cells,
        "notes": pivot.notes,
    }))
}

/// Whether more of a value is better, where the plan says so.
pub(super) fn goal(sweep: &crate::store::Sweep, value: &str) -> Option<crate::record::Goal> {
    let plan = sweep.planned()?;
    plan.goal.filter(|_| plan.metric.as_ref().is_some_and(|(metric, _)| metric == value))
}
