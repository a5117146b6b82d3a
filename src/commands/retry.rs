//! `tessera retry`: executes runs again that have no result.

use crate::error::{Error, ExitCode};
use crate::session::execution::On;
use crate::session::retry::Again;
use std::path::Path;

/// Execute failed runs again
#[derive(clap::Args)]
pub struct Retry {
    /// A sweep's name
    sweep: String,
    /// Runs, by (the beginning of) their ids [default: all that failed]
    runs: Vec<String>,
    /// Also count runs on another machine as lost, which cannot be seen from here: only you can know that it is gone
    #[arg(long)]
    lost: bool,
    /// Where runs are executed [default: on Slurm if the sweep was last executed there, else here]
    #[arg(long, value_enum)]
    on: Option<On>,
}

impl Retry {
    /// Asks the agent, or executes them where there is none.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        Again { sweep: self.sweep, runs: self.runs, lost: self.lost, on: self.on }.execute(results)
    }
}
