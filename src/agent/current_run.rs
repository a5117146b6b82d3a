//! The run that a worker executes.

use std::time::Instant;

/// The run that executes.
pub struct CurrentRun {
    /// Its place in the backlog.
    pub place: usize,
    /// When it began.
    pub began: Instant,
    /// When its last number came.
    pub last_number: Instant,
    /// Steps done.
    pub step: u64,
    /// Last value of the sweep's metric.
    pub value: Option<f64>,
    /// Whether the process's peak of memory may be that of an earlier run.
    pub peak_is_bound: bool,
}

impl CurrentRun {
    /// A run that begins in a new process.
    pub fn new(place: usize, at: Instant) -> Self {
        Self { place, began: at, last_number: at, step: 0, value: None, peak_is_bound: false }
    }
}
