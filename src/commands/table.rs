//! `tessera table`: one summary over any axes.

use super::scoped::Scoped;
use crate::analyse::{Format, PivotRequest, pivot};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::spec::Reduce;
use std::path::Path;

/// Print a table of one summary over any axes: mean ± 95% interval over the seeds of each cell, with n
///
/// A cell says what diverged, failed or is missing. Runs that lost rows to damaged files have no numbers, and a warning names them. Without --rows and --cols every axis of the sweep is shown.
#[derive(clap::Args)]
pub struct Table {
    /// A sweep's name
    sweep: String,
    /// Axes down
    #[arg(long, value_name = "AXIS", value_delimiter = ',')]
    rows: Vec<String>,
    /// Axes across
    #[arg(long, value_name = "AXIS", value_delimiter = ',')]
    cols: Vec<String>,
    /// A metric, or seconds, peak_memory_mib, attempt, diverged_step [default: the spec's metric]
    #[arg(long, value_name = "NAME")]
    value: Option<String>,
    /// last, min, max, "mean_last 5%" or "at 1000" [default: as the spec says]
    #[arg(long, value_name = "HOW")]
    reduce: Option<Reduce>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    scoped: Scoped,
}

impl Table {
    /// Prints the table.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = self.scoped.open_readable(results, &self.sweep)?;
        let request = PivotRequest {
            value: self.value,
            reduce: self.reduce,
            rows: self.rows,
            columns: self.cols,
            scope: self.scoped.scope(),
            filters: Vec::new(),
        };
        let pivot = pivot(&sweep, &request);
        // Said where there is no answer too: it may be missing by what is damaged.
        let damage = sweep.damage().words(&self.sweep);
        if pivot.is_err() {
            damage.iter().for_each(|words| eprintln!("warning: {words}"));
        }
        let pivot = pivot?;
        answer(&pivot.grid(self.format).render(self.format))?;
        for note in &pivot.notes {
            eprintln!("note: {note}");
        }
        damage.iter().for_each(|words| eprintln!("warning: {words}"));
        Ok(ExitCode::Success)
    }
}
