//! A pivot: one summary over any axes, a mean with its interval over the runs of each cell. What diverged, failed or
//! is missing is said in the cell, never left out in silence.

use super::axes::{LevelOrder, axes, level, passes};
use super::grid::{Cell, Grid};
use super::interval::{Interval, mean_interval};
use super::number::{significant, with_error};
use super::{AnalyseError, Format, values};
use crate::spec::{Filter, Reduce};
use crate::store::{Scope, Status, Sweep};
use indexmap::IndexSet;
use std::collections::HashMap;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct PivotRequest {
    /// A metric (or `seconds`, `peak_memory_mib` …); the spec's where not said.
    pub value: Option<String>,
    /// How a history becomes one number; as the spec says where not said.
    pub reduce: Option<Reduce>,
    /// Axes down.
    pub rows: Vec<String>,
    /// Axes across.
    pub columns: Vec<String>,
    /// Which runs.
    pub scope: Scope,
    /// Of those the ones that pass all of these.
    pub filters: Vec<Filter>,
}

/// The runs of one cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PivotCell {
    /// The values of the runs that finished.
    pub values: Vec<f64>,
    /// How many diverged.
    pub diverged: usize,
    /// How many failed.
    pub failed: usize,
    /// How many are not over.
    pub missing: usize,
    /// How many finished without recording the metric.
    pub without: usize,
}

impl PivotCell {
    /// Counts a run.
    pub(super) fn add(&mut self, status: Status, number: Option<f64>) {
        match (status, number) {
            (Status::Diverged, _) => self.diverged += 1,
            (Status::Failed, _) => self.failed += 1,
            (Status::Finished, Some(number)) => self.values.push(number),
            (Status::Finished, None) => self.without += 1,
            _ => self.missing += 1,
        }
    }

    /// Mean and 95% interval over the runs that finished.
    pub fn interval(&self) -> Option<Interval> {
        mean_interval(&self.values)
    }

    /// The cell in words: `11.2 ± 0.3 (n=5)`, with what is not in the mean after it.
    pub fn words(&self) -> String {
        let all = self.values.len() + self.diverged + self.failed + self.missing + self.without;
        let mut parts = Vec::new();
        match self.interval() {
            Some(interval) if interval.n == 1 => parts.push(format!("{} (n=1)", significant(interval.mean, 5))),
            Some(interval) => {
                let (mean, half) = with_error(interval.mean, interval.half_width());
                parts.push(format!("{mean} ± {half} (n={})", interval.n));
            }
            None => {}
        }
        let counts = [
            (self.diverged, "diverged"),
            (self.failed, "failed"),
            (self.missing, "missing"),
            (self.without, "without this metric"),
        ];
        parts.extend(counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} of {all} {what}")));
        parts.join(", ")
    }
}

/// A pivot, computed.
#[derive(Clone, Debug)]
pub struct Pivot {
    /// The metric.
    pub value: String,
    /// How it was reduced.
    pub reduce: Reduce,
    /// Axes down.
    pub row_axes: Vec<String>,
    /// Axes across.
    pub column_axes: Vec<String>,
    /// One level an axis down, in the order of the plan.
    pub rows: Vec<Vec<String>>,
    /// One level an axis across, in the order of the plan.
    pub columns: Vec<Vec<String>>,
    /// By row and column; where there is none, no run was asked for.
    pub cells: HashMap<(usize, usize), PivotCell>,
    /// What the reader must know: axes that were pooled.
    pub notes: Vec<String>,
}

/// Computes a pivot. Where no axes are named, the last axis by which the runs differ runs across, all others down.
///
/// # Errors
/// Where a metric, an axis or the scope is unknown, or the store cannot be read.
pub fn pivot(sweep: &Sweep, request: &PivotRequest) -> Result<Pivot, AnalyseError> {
    let mut runs = sweep.scoped(&request.scope)?;
    runs.retain(|run| request.filters.iter().all(|filter| passes(run, filter)));
    let varied = axes(runs.iter().copied());
    for axis in request.rows.iter().chain(&request.columns) {
        if axis != "seed" && !runs.iter().any(|run| run.parameters.contains_key(axis)) {
            return Err(AnalyseError::Unknown {
                what: "parameter",
                name: axis.clone(),
                sweep: sweep.name().to_owned(),
                known: varied.keys().cloned().chain(["seed".to_owned()]).collect(),
            });
        }
    }
    let (row_axes, column_axes) = chosen(request, varied.keys());
    let value = match (&request.value, sweep.planned().and_then(|plan| plan.metric.as_ref())) {
        (Some(value), _) => value.clone(),
        (None, Some((metric, _))) => metric.clone(),
        (None, None) => {
            return Err(AnalyseError::Question {
                message: format!("the spec of `{}` names no metric", sweep.name()),
                help: format!("say which with --value; there are: {}", sweep.metrics()?.join(", ")),
            });
        }
    };
    let reduce = request.reduce.unwrap_or_else(|| sweep.reduce());
    let numbers = values(sweep, &runs, &value, reduce)?;
    let key =
        |run: &crate::store::RunState, axes: &[String]| axes.iter().map(|axis| level(run, axis)).collect::<Vec<_>>();
    let mut rows = IndexSet::new();
    let mut columns = IndexSet::new();
    let mut cells: HashMap<(usize, usize), PivotCell> = HashMap::new();
    let mut places = Vec::with_capacity(runs.len());
    for (run, number) in runs.iter().zip(numbers) {
        let row = rows.insert_full(key(run, &row_axes)).0;
        let column = columns.insert_full(key(run, &column_axes)).0;
        places.push((row, column));
        cells.entry((row, column)).or_default().add(run.status, number);
    }
    // An axis that has one level in each cell is told by the cell: what moves with an axis shown, or is active for some.
    let is_pooled = |axis: &String| {
        let mut seen: HashMap<(usize, usize), String> = HashMap::new();
        let mut levels = places.iter().zip(&runs).map(|(place, run)| (*place, level(run, axis)));
        levels.any(|(place, level)| *seen.entry(place).or_insert_with(|| level.clone()) != level)
    };
    let pooled = varied.iter().filter(|(axis, _)| is_pooled(axis));
    let notes = pooled.map(|(axis, levels)| {
        let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
        format!("pooled over {axis} ({}): n counts these too", levels.join(", "))
    });
    let notes = notes.collect();
    let order = LevelOrder::of(sweep);
    let (rows, new_rows) = ordered(rows, &row_axes, &order);
    let (columns, new_columns) = ordered(columns, &column_axes, &order);
    let cells = cells.into_iter().map(|((row, column), cell)| ((new_rows[row], new_columns[column]), cell)).collect();
    Ok(Pivot { value, reduce, row_axes, column_axes, rows, columns, cells, notes })
}

/// Levels of some axes in the order of the plan, and the new place of each.
fn ordered(met: IndexSet<Vec<String>>, axes: &[String], order: &LevelOrder) -> (Vec<Vec<String>>, Vec<usize>) {
    let mut levels: Vec<(usize, Vec<String>)> = met.into_iter().enumerate().collect();
    levels.sort_by_cached_key(|(_, levels)| {
        axes.iter().zip(levels).map(|(axis, level)| order.place(axis, level)).collect::<Vec<_>>()
    });
    let mut places = vec![0; levels.len()];
    levels.iter().enumerate().for_each(|(place, (met, _))| places[*met] = place);
    (levels.into_iter().map(|(_, levels)| levels).collect(), places)
}

fn chosen<'a>(request: &PivotRequest, varied: impl Iterator<Item = &'a String>) -> (Vec<String>, Vec<String>) {
    if !request.rows.is_empty() || !request.columns.is_empty() {
        return (request.rows.clone(), request.columns.clone());
    }
    let mut rows: Vec<String> = varied.cloned().collect();
    let columns = if rows.len() > 1 { rows.split_off(rows.len() - 1) } else { Vec::new() };
    (rows, columns)
}

impl Pivot {
    /// As a table: for people one line a row and one column a column, else one line a cell with numbers in full.
    pub fn grid(&self, format: Format) -> Grid {
        if format.is_for_people() { self.wide() } else { self.long() }
    }

    fn wide(&self) -> Grid {
        let across = |levels: &Vec<String>| {
            let pairs = self.column_axes.iter().zip(levels).map(|(axis, level)| format!("{axis} {level}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        let mut header = self.row_axes.clone();
        if self.column_axes.is_empty() {
            header.push(self.value.clone());
        } else {
            header.extend(self.columns.iter().map(across));
        }
        let row = |(place, levels): (usize, &Vec<String>)| {
            let mut row: Vec<Cell> = levels.iter().map(|level| Cell::Text(level.clone())).collect();
            row.extend((0..self.columns.len()).map(|column| {
                self.cells.get(&(place, column)).map_or(Cell::Text("–".to_owned()), |cell| Cell::Text(cell.words()))
            }));
            row
        };
        Grid { header, rows: self.rows.iter().enumerate().map(row).collect() }
    }

    fn long(&self) -> Grid {
        let mut header: Vec<String> = self.row_axes.iter().chain(&self.column_axes).cloned().collect();
        let fixed = ["metric", "mean", "low", "high", "n", "diverged", "failed", "missing", "without"];
        header.extend(fixed.map(str::to_owned));
        let mut rows = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            for (other, column) in self.columns.iter().enumerate() {
                let Some(cell) = self.cells.get(&(place, other)) else { continue };
                let interval = cell.interval();
                let end = |end: f64| if end.is_nan() { Cell::Missing } else { end.into() };
                let mut cells: Vec<Cell> = row.iter().chain(column).map(|level| Cell::Text(level.clone())).collect();
                cells.extend([
                    Cell::Text(self.value.clone()),
                    interval.map(|interval| interval.mean).into(),
                    interval.map_or(Cell::Missing, |interval| end(interval.low)),
                    interval.map_or(Cell::Missing, |interval| end(interval.high)),
                    cell.values.len().into(),
                    cell.diverged.into(),
                    cell.failed.into(),
                    cell.missing.into(),
                    cell.without.into(),
                ]);
                rows.push(cells);
            }
        }
        Grid { header, rows }
    }
}
