//! The outcome of a session.

use crate::process::StopReason;
use crate::record::{Failure, RunId};
use std::path::PathBuf;

/// How a session of a sweep ended.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs that got a result.
    pub done: usize,
    /// Of these, runs that diverged.
    pub diverged: usize,
    /// Runs that failed for good, in the order of their failing.
    pub failed: Vec<FailedRun>,
    /// Runs that were stopped.
    pub stopped: usize,
    /// Runs that did not start.
    pub left: usize,
    /// Why it ended before all was done.
    pub stop_reason: Option<StopReason>,
    /// How long it took.
    pub seconds: f64,
}

/// A run that failed for good.
#[derive(Clone, Debug)]
pub struct FailedRun {
    /// Its id.
    pub run: RunId,
    /// In words.
    pub label: String,
    /// The class.
    pub failure: Failure,
    /// One line.
    pub message: String,
    /// Where its log is, if it said something.
    pub log: PathBuf,
}

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The trainer's program cannot be started.
    #[error("cannot start {}: {cause}", program.display())]
    Program {
        /// Which.
        program: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A worker that does not get as far as its first run.
    #[error("the worker {} ends before it takes a run: {message}", program.display())]
    Worker {
        /// Which program.
        program: PathBuf,
        /// How it ended, and its last words.
        message: String,
    },
    /// It speaks another protocol.
    #[error("{} speaks version {theirs} of the worker protocol; this tessera speaks {ours}", program.display())]
    Protocol {
        /// Which program.
        program: PathBuf,
        /// What it speaks.
        theirs: u32,
        /// What is spoken here.
        ours: u32,
    },
    /// A GPU is named that is not there.
    #[error("{0}")]
    Gpu(String),
    /// The store takes nothing more.
    #[error("{0}")]
    Sink(#[from] super::SinkError),
    /// A run found no room to write.
    #[error("the sweep stops, since a run found no room to write: {0}")]
    Full(String),
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}
