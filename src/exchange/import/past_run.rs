//! A past run: its files, and what is known of it beside them.

use crate::record::{Failure, Parameters};
use crate::spec::Metrics;
use std::path::PathBuf;

/// A past run.
pub struct Old {
    /// Where its files are.
    pub folder: PathBuf,
    /// Its path below the folder that is imported, without `.csv`.
    pub name: String,
    /// Which of the folder's files are its.
    pub metrics: Metrics,
    /// What a table beside it says of it.
    pub parameters: Parameters,
    /// How it ended, as that table says.
    pub ended: Ended,
}

/// How a past run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// With a result, as far as is known.
    #[default]
    Well,
    /// A quantity was not finite after so many steps.
    Diverged(u64),
    /// Without a result.
    Failed(Failure),
    /// It was stopped, or had not come to its end when the table was written.
    Early,
}
