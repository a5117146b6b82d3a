//! The arguments that say which runs of a sweep are meant.

use crate::error::Error;
use crate::store::{Scope, Sweep};
use std::path::Path;

/// Which runs of the sweep.
#[derive(clap::Args, Default)]
pub(super) struct Scoped {
    /// Include every run that was ever planned, not only those of the current spec
    #[arg(long, conflicts_with = "spec")]
    all: bool,
    /// Take the runs of an earlier version of the spec, by (the beginning of) its hash
    #[arg(long, value_name = "HASH")]
    spec: Option<String>,
    /// Skip damaged files; runs that lost rows have no numbers
    #[arg(long)]
    skip_damaged: bool,
}

impl Scoped {
    /// Opens the sweep that is asked about.
    pub(super) fn open(&self, results: &Path, name: &str) -> Result<Sweep, Error> {
        Ok(if self.skip_damaged { Sweep::open_readable(results, name)? } else { Sweep::open(results, name)? })
    }

    /// Opens the sweep that is asked about, as far as it can be read.
    pub(super) fn open_readable(&self, results: &Path, name: &str) -> Result<Sweep, Error> {
        Ok(Sweep::open_readable(results, name)?)
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
