//! All sweeps of the results folder: what each asks, how it stands, its best cell.

use super::PageError;
use super::map::goal;
use super::overview::{about, counts};
use super::shelf::{Shelf, View};
use crate::analyse::{PivotRequest, axes, pivot};
use crate::record::{Goal, Real, layout};
use crate::report::Form;
use crate::store::sweeps;
use serde_json::{Value, json};
use std::time::SystemTime;

/// Above so many runs the best cell is told on the sweep's own page alone.
const FEW: usize = 20_000;

/// The sweeps, the newest change first, and the names of the reports.
pub(super) fn home(shelf: &Shelf) -> Result<Value, PageError> {
    let mut found = Vec::new();
    for name in sweeps(shelf.results())? {
        // One that cannot be read says so in its place.
        match shelf.look(&name) {
            Ok(view) => found.push(line(shelf, &name, &view)),
            Err(error) => found.push(json!({"name": name, "error": error.to_string(), "age": null})),
        }
    }
    found.sort_by(|a, b| {
        let age = |line: &Value| line["age"].as_f64().unwrap_or(f64::INFINITY);
        age(a).total_cmp(&age(b))
    });
    let folder = shelf.results().canonicalize().unwrap_or_else(|_| shelf.results().to_owned());
    Ok(json!({"results": folder.display().to_string(), "sweeps": found, "reports": reports(shelf)}))
}

/// The names of the reports that have a page.
fn reports(shelf: &Shelf) -> Vec<String> {
    let folders = std::fs::read_dir(layout::reports(shelf.results())).into_iter().flatten().flatten();
    let pages = folders.filter(|entry| entry.path().join(Form::Html.file()).is_file());
    let mut names: Vec<String> = pages.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The page of a report, by its name; a name that is no report's is never made a path.
pub(super) fn report(shelf: &Shelf, name: &str) -> Option<String> {
    let known = reports(shelf).into_iter().find(|known| known == name)?;
    std::fs::read_to_string(layout::reports(shelf.results()).join(known).join(Form::Html.file())).ok()
}

fn line(shelf: &Shelf, name: &str, view: &View) -> Value {
    let sweep = &view.sweep;
    let runs = sweep.states().iter().filter(|run| run.current).count();
    let left = view.beats.first().and_then(|beat| beat.view.left);
    json!({
        "name": name,
        "about": about(sweep),
        "runs": runs,
        "counts": counts(sweep),
        "executed": view.is_executed(),
        "left": left,
        "age": age(view),
        "metric": sweep.planned().and_then(|plan| plan.metric.as_ref()).map(|(metric, _)| metric),
        "best": shelf.once(name, view, |view| json!(if runs <= FEW { best(view) } else { None })),
    })
}

/// Seconds since its journals were last written to.
fn age(view: &View) -> Option<f64> {
    let files = std::fs::read_dir(view.sweep.layout().journals()).ok()?.flatten();
    let newest = files.filter_map(|file| file.metadata().ok()?.modified().ok()).max()?;
    Some(SystemTime::now().duration_since(newest).unwrap_or_default().as_secs_f64())
}

/// The best cell over all axes, in the words of `tessera table`. None where no metric or goal is named.
fn best(view: &View) -> Option<Value> {
    let sweep = &view.sweep;
    let rows = axes(sweep.states().iter().filter(|run| run.current)).into_keys().collect();
    let pivot = pivot(sweep, &PivotRequest { rows, ..PivotRequest::default() }).ok()?;
    let sign = match goal(sweep, &pivot.value)? {
        Goal::Max => 1.0,
        Goal::Min => -1.0,
    };
    let cells = pivot.cells.iter().filter_map(|((row, _), cell)| Some((*row, cell, cell.interval()?.mean)));
    let (row, cell, mean) = cells
        .filter(|(.., mean)| mean.is_finite())
        .max_by(|a, b| (sign * a.2).total_cmp(&(sign * b.2)).then(b.0.cmp(&a.0)))?;
    let levels: Vec<(&String, &String)> = pivot.row_axes.iter().zip(&pivot.rows[row]).collect();
    Some(json!({"value": pivot.value, "words": cell.words(), "mean": Real(mean), "at": levels}))
}
