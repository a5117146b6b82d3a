//! `tessera stop`: asks the agent of a sweep to stop.

use crate::error::{Error, ExitCode};
use crate::session::stop::stop;
use std::path::Path;

/// Stop a running sweep and its probes, or some of its runs; they write a checkpoint first
#[derive(clap::Args)]
pub struct Stop {
    /// A sweep's name
    sweep: String,
    /// Runs, by (the beginning of) their ids [default: all]
    runs: Vec<String>,
    /// Kill them at once, without a checkpoint
    #[arg(long)]
    kill: bool,
}

impl Stop {
    /// Leaves the request and says what was asked.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        for line in stop(results, &self.sweep, &self.runs, self.kill)? {
            eprintln!("{line}");
        }
        Ok(ExitCode::Success)
    }
}
