//! The rows of runs' histories, one run after another, for whoever writes them elsewhere.

use super::rows_file::RowsFile;
use super::summary::KEYS;
use super::table::Lineages;
use super::{RunState, StoreError, Sweep};
use crate::record::RunId;
use polars::prelude::*;
use std::collections::HashMap;

/// About so many values are held.
const VALUES_AT_ONCE: u64 = 1 << 21;

/// One row of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Steps done.
    pub step: u64,
    /// Seconds since the run began; NaN where not known.
    pub elapsed: f64,
    /// The metrics recorded on this step.
    pub metrics: Vec<(String, f64)>,
}

/// The histories of a sweep, to be asked for one run after another: footers are read once, and runs that lie beside
/// each other in a part (in the order of their ids) are read together.
pub struct Histories<'s> {
    files: Vec<RowsFile>,
    lineages: Lineages<'s>,
    /// Where the spans of a run are.
    places: HashMap<RunId, Vec<Place>>,
    held: Option<Held>,
}

/// A span: which file, its number there, its first row.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    number: usize,
    offset: u64,
}

/// Rows of one file.
struct Held {
    file: usize,
    offset: u64,
    rows: DataFrame,
}

impl Sweep {
    /// The histories of all runs.
    ///
    /// # Errors
    /// Where a footer cannot be read.
    pub fn histories(&self) -> Result<Histories<'_>, StoreError> {
        self.histories_of(self.states())
    }

    fn histories_of<'s>(&'s self, runs: impl IntoIterator<Item = &'s RunState>) -> Result<Histories<'s>, StoreError> {
        let table = self.table("history")?;
        let mut lineages = Lineages::of(runs, &table);
        let lost = self.changed_runs(&table.files, None, |span| lineages.below(span).is_some())?;
        lineages.leave_out(&lost);
        let files = table.files;
        let mut places: HashMap<RunId, Vec<Place>> = HashMap::new();
        for (file, found) in files.iter().enumerate() {
            let mut offset = 0;
            for (number, span) in found.footer.spans.iter().enumerate() {
                places.entry(span.run.clone()).or_default().push(Place { file, number, offset });
                offset += span.rows;
            }
        }
        Ok(Histories { files, lineages, places, held: None })
    }

    /// The history of a run by step.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn rows_of(&self, run: &RunState) -> Result<Vec<Row>, StoreError> {
        self.histories_of([run])?.of(run)
    }
}

impl Histories<'_> {
    /// The history of a run by step.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn of(&mut self, run: &RunState) -> Result<Vec<Row>, StoreError> {
        let mut all = Vec::new();
        for place in self.places.get(&run.run).cloned().unwrap_or_default() {
            let file = &self.files[place.file];
            let Some(below) = self.lineages.below(&file.footer.spans[place.number]) else { continue };
            let frame = self.read(place)?;
            let found = rows(&frame).map_err(StoreError::table(&self.files[place.file].path))?;
            all.extend(found.into_iter().filter(|row| row.step < below));
        }
        all.sort_by_key(|row| row.step);
        Ok(all)
    }

    /// The rows of a span, from those that are held if they are among them.
    fn read(&mut self, Place { file, number, offset }: Place) -> Result<DataFrame, StoreError> {
        let found = &self.files[file];
        let rows = found.footer.spans[number].rows;
        let within = |held: &&Held| {
            held.file == file && held.offset <= offset && offset + rows <= held.offset + held.rows.height() as u64
        };
        if self.held.as_ref().filter(within).is_none() {
            let at_once = VALUES_AT_ONCE / found.schema.len().max(1) as u64;
            let mut count = rows;
            for span in &found.footer.spans[number + 1..] {
                if count >= at_once {
                    break;
                }
                count += span.rows;
            }
            self.held = Some(Held { file, offset, rows: found.read(None, offset, count)? });
        }
        let held = self.held.as_ref().map(|held| held.rows.slice((offset - held.offset) as i64, rows as usize));
        Ok(held.unwrap_or_default())
    }
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
    let step = frame.column("step")?.cast(&DataType::UInt64)?;
    let elapsed = frame.column("elapsed")?.cast(&DataType::Float64)?;
    let times = step.u64()?.iter().zip(elapsed.f64()?.iter());
    let mut rows: Vec<Row> = times
        .map(|(step, elapsed)| Row { step: step.unwrap_or(0), elapsed: elapsed.unwrap_or(f64::NAN), metrics: vec![] })
        .collect();
    for column in frame.columns().iter().filter(|column| !KEYS.contains(&column.name().as_str())) {
        let values = column.cast(&DataType::Float64)?;
        for (row, value) in rows.iter_mut().zip(values.f64()?.iter()) {
            row.metrics.extend(value.map(|value| (column.name().to_string(), value)));
        }
    }
    Ok(rows)
}
