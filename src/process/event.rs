//! Events of workers and signals, in one channel.

use super::group::Ended;
use crate::record::Answer;
use std::time::Instant;

/// What the loop waits for.
pub enum Event {
    /// Something about a worker, and when.
    Worker(u64, Instant, WorkerEvent),
    /// A signal to this process, and what it means.
    Signal(StopReason),
}

/// Something about a worker.
pub enum WorkerEvent {
    /// It said something; of a failure with the last lines of the log.
    Answer(Answer, String),
    /// It said something that the protocol does not have.
    Garbage(String),
    /// It is gone, and everything that it said has been handed on.
    Ended(Ended),
}

/// Why a session ended before all was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A person or a signal.
    Stopped,
    /// A scheduler warned that time runs out.
    Warned,
    /// The same crash so many times.
    SameCrash(u32),
}
