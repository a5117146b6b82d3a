//! The request for a session: what a command wants executed, and how.

use crate::record::RunId;
use std::path::PathBuf;

/// What is executed, and how.
#[derive(Default)]
pub struct Execution {
    /// The spec.
    pub spec: PathBuf,
    /// `--set`.
    pub sets: Vec<String>,
    /// Only say what would be executed.
    pub dry_run: bool,
    /// How many runs at once.
    pub slots: Option<usize>,
    /// GPUs to use.
    pub gpus: Vec<String>,
    /// Busy ones too.
    pub share_busy: bool,
    /// How many runs in all.
    pub limit: Option<usize>,
    /// What an older trainer executed too.
    pub stale: bool,
    /// Only these runs.
    pub only: Option<Vec<RunId>>,
    /// Attempts on other machines count as over.
    pub lost: bool,
    /// However much disk it will take.
    pub yes: bool,
    /// Whoever asks draws the figures and writes a page himself.
    pub without_page: bool,
    /// Where.
    pub on: On,
    /// Whether to submit and not to wait, on Slurm.
    pub detach: bool,
}

/// Where runs are executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum On {
    /// On this machine.
    #[default]
    Local,
    /// In job arrays of the cluster that this machine can submit to.
    Slurm,
}
