//! `tessera agent`: executes one task. The script of a Slurm job calls it.

use crate::error::{Error, ExitCode};
use crate::session::slurm::execute_task;
use std::path::Path;

/// Execute the runs of a task of a Slurm job; the job's script calls it
#[derive(clap::Args)]
pub struct Agent {
    /// A sweep's name
    sweep: String,
    /// The name of the job
    submission: String,
}

impl Agent {
    /// Executes the task that the environment names.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        execute_task(results, &self.sweep, &self.submission)
    }
}
