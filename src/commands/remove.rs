//! `tessera remove`: moves files to the trash.

use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::store::{Removal, Sweep};
use std::path::Path;

/// Move a sweep, or files of some of its runs, to `.trash` in the results folder
///
/// With one of the first three options only checkpoints, logs and work folders go; the numbers in Parquet stay.
#[derive(clap::Args)]
pub struct Remove {
    /// A sweep's name
    sweep: String,
    /// Move files of runs that the newest spec does not ask for
    #[arg(long, group = "what")]
    no_longer_asked_for: bool,
    /// Move files of failed runs
    #[arg(long, group = "what")]
    failed: bool,
    /// Move checkpoints of all runs that are over
    #[arg(long, group = "what")]
    checkpoints: bool,
    /// Show what would be moved, and stop
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    /// Moves them, and says where they are now.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let what = match self {
            Self { no_longer_asked_for: true, .. } => Removal::NoLongerAskedFor,
            Self { failed: true, .. } => Removal::Failed,
            Self { checkpoints: true, .. } => Removal::Checkpoints,
            _ => Removal::Everything,
        };
        let active = sweep.states().iter().filter(|run| run.attempt > 0 && !run.status.is_over()).count();
        if what == Removal::Everything && active > 0 {
            return Err(Error::usage(format!("{active} runs of `{}` are not over", sweep.name()))
                .with_help(format!("`tessera stop {}` stops them", sweep.name())));
        }
        let paths = sweep.to_remove(what);
        if paths.is_empty() {
            eprintln!("there is nothing of that kind");
        } else if self.dry_run {
            answer(&paths.iter().map(|path| format!("{}\n", path.display())).collect::<String>())?;
            eprintln!("{} would be moved to {}", paths.len(), sweep.layout().trash().display());
        } else {
            eprintln!("{} moved to {}", paths.len(), sweep.remove(&paths)?.display());
        }
        Ok(ExitCode::Success)
    }
}
