//! `tessera show`: everything known of one run.

use crate::analyse::{Format, account, find_run};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use std::path::Path;

/// Show everything known of one run: status, parameters, summaries, where it ran, failures, checkpoints, logs
#[derive(clap::Args)]
pub struct Show {
    /// The beginning of a run's id, or SWEEP/RUN
    run: String,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Skip files that cannot be read
    #[arg(long)]
    skip_damaged: bool,
}

impl Show {
    /// Prints the account.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (sweep, run) = find_run(results, &self.run)?;
        let sweep = sweep.skip_damaged(self.skip_damaged);
        answer(&account(&sweep, &run)?.render(self.format))?;
        Ok(ExitCode::Success)
    }
}
