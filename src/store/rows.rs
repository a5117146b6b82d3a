//! The rows of one run's history, one after another, for whoever writes them elsewhere.

use super::{RunState, StoreError, Sweep};
use polars::prelude::*;

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

impl Sweep {
    /// The history of a run by step.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn rows_of(&self, run: &RunState) -> Result<Vec<Row>, StoreError> {
        let wrong = StoreError::table(self.layout.root());
        let sorted = self.history_of([run])?.sort(["step"], SortMultipleOptions::default()).collect();
        sorted.and_then(|frame| rows(&frame)).map_err(wrong)
    }
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
    let step = frame.column("step")?.cast(&DataType::UInt64)?;
    let elapsed = frame.column("elapsed")?.cast(&DataType::Float64)?;
    let times = step.u64()?.iter().zip(elapsed.f64()?.iter());
    let mut rows: Vec<Row> = times
        .map(|(step, elapsed)| Row { step: step.unwrap_or(0), elapsed: elapsed.unwrap_or(f64::NAN), metrics: vec![] })
        .collect();
    for column in frame.columns() {
        if ["sweep", "run", "attempt", "step", "elapsed"].contains(&column.name().as_str()) {
            continue;
        }
        let values = column.cast(&DataType::Float64)?;
        for (row, value) in rows.iter_mut().zip(values.f64()?.iter()) {
            row.metrics.extend(value.map(|value| (column.name().to_string(), value)));
        }
    }
    Ok(rows)
}
