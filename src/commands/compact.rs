//! `tessera compact`: merges many small files into a few large ones.

use crate::error::{Error, ExitCode};
use crate::record::counted;
use crate::store::Sweep;
use std::path::Path;

/// Move the rows of ended runs from many small files into few sorted ones
///
/// This happens by itself at the end of a sweep. It is safe at any time, also while the sweep runs.
#[derive(clap::Args)]
pub struct Compact {
    /// A sweep's name
    sweep: String,
    /// Skip files that cannot be read
    #[arg(long)]
    skip_damaged: bool,
}

impl Compact {
    /// Compacts, and says what was done.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let done = Sweep::open(results, &self.sweep)?.skip_damaged(self.skip_damaged).compact()?;
        let (segments, parts) = (counted(done.segments, "segment"), counted(done.parts, "part"));
        let moved = match done.segments {
            0 => "nothing to move".to_owned(),
            1 => format!("{segments} ({} rows) is now {parts}", done.rows),
            _ => format!("{segments} ({} rows) are now {parts}", done.rows),
        };
        let waiting = match done.waiting {
            0 => String::new(),
            1 => "; 1 segment waits for runs that are not over".to_owned(),
            n => format!("; {n} segments wait for runs that are not over"),
        };
        eprintln!("{moved}{waiting}");
        Ok(ExitCode::Success)
    }
}
