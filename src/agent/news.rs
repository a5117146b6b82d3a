//! What workers tell of the runs that they execute: built-in ones in words, commands by the files that they write.

use super::sink::Array;
use crate::record::{Failure, Outcome, Rows};
use std::path::PathBuf;

/// Something that happened to the run that a worker executes.
#[derive(Debug, PartialEq)]
pub enum News {
    /// Its attempt began.
    Began,
    /// Rows of its history.
    Rows(Vec<Rows>),
    /// Arrays at a step.
    Arrays(u64, Vec<Array>),
    /// A checkpoint is kept.
    Checkpoint(KeptCheckpoint),
    /// What was told of this attempt is void, and its history follows again from the beginning.
    Restarted,
    /// A number that must be finite is not: the step, and which.
    Diverged(u64, String),
    /// Something that people should know, in words.
    Note(String),
    /// It is over. `rest_dropped`: the worker has dropped what else it was sent.
    Over {
        /// How it ended.
        end: AttemptEnd,
        /// Whether the other runs of its batch wait again.
        rest_dropped: bool,
    },
}

/// A checkpoint in its run's folder.
#[derive(Debug, PartialEq)]
pub struct KeptCheckpoint {
    /// Steps done.
    pub step: u64,
    /// Where it is.
    pub path: PathBuf,
    /// Its plain name.
    pub file: String,
    /// Whether the step is a guess.
    pub guessed: bool,
}

/// How an attempt ended.
#[derive(Debug, PartialEq)]
pub enum AttemptEnd {
    /// With a result.
    Finished(Outcome),
    /// As somebody wished.
    Stopped,
    /// Without a result: the class, and the message.
    Failed(Failure, String),
}
