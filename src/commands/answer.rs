//! What commands that answer questions share: which sweep and runs, how the answer is written, how errors are passed on.

use crate::analyse::AnalyseError;
use crate::error::{Error, printable};
use crate::store::{Scope, StoreError, Sweep};
use std::io::Write;
use std::path::Path;

/// Which runs of the sweep.
#[derive(clap::Args, Default)]
pub(super) struct Scoped {
    /// Every run that was ever asked for, not only those of the current spec
    #[arg(long, conflicts_with = "spec")]
    all: bool,
    /// The runs of an earlier version of the spec, by (the beginning of) its hash
    #[arg(long, value_name = "HASH")]
    spec: Option<String>,
    /// Pass over files that cannot be read
    #[arg(long)]
    skip_damaged: bool,
}

impl Scoped {
    /// Opens the sweep that is asked about.
    pub(super) fn open(&self, results: &Path, name: &str) -> Result<Sweep, Error> {
        Ok(Sweep::open(results, name)?.skip_damaged(self.skip_damaged))
    }

    /// The runs that are meant.
    pub(super) fn scope(&self) -> Scope {
        match &self.spec {
            Some(hash) => Scope::Spec(hash.clone()),
            None if self.all => Scope::All,
            None => Scope::Current,
        }
    }
}

/// Writes the answer to standard output; whoever closed it has read enough.
pub(super) fn answer(text: &str) -> Result<(), Error> {
    match std::io::stdout().write_all(printable(text).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failure(format!("cannot write the answer: {error}")))
        }
        _ => Ok(()),
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let help = error.help();
        let shown = match error {
            StoreError::NoSweep { .. } | StoreError::NoRun(_) | StoreError::Query(_) => Self::usage(error.to_string()),
            _ => Self::failure(error.to_string()),
        };
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}

impl From<AnalyseError> for Error {
    fn from(error: AnalyseError) -> Self {
        let help = error.help();
        let shown = match error {
            AnalyseError::Store(error) => return error.into(),
            AnalyseError::Unwritten(_) => Self::failure(error.to_string()),
            error => Self::usage(error.to_string()),
        };
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}
