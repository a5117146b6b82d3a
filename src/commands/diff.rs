//! `tessera diff`: two runs side by side.

use crate::analyse::{Format, diff, find_run};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use std::path::Path;

/// Show what differs between two runs, in parameters and in results
#[derive(clap::Args)]
pub struct Diff {
    /// The beginning of a run's id, or SWEEP/RUN
    first: String,
    /// The same, of the other run
    second: String,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Diff {
    /// Prints the differences.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (first, second) = (find_run(results, &self.first)?, find_run(results, &self.second)?);
        let grid = diff((&first.0, &first.1), (&second.0, &second.1))?;
        if grid.rows.is_empty() {
            eprintln!("nothing differs");
        }
        if !grid.rows.is_empty() || !self.format.is_for_people() {
            answer(&grid.render(self.format))?;
        }
        Ok(ExitCode::Success)
    }
}
