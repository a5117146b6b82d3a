//! Where facts and numbers go: the trait that the store implements.

use crate::record::{Fact, Rows, RunId};

/// A named tensor of one step, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// `rate_per_neuron`, `c_z` …
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// What a store could not take, in words for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Takes what runs produce. Calls are cheap: numbers are kept in memory until `commit`, which makes them safe and
/// only then appends the `finished` lines of the runs they belong to. The loop calls `commit` at least once a second.
pub trait Sink {
    /// Takes a fact. `started` is appended at once; the others with the next commit, after the rows before them.
    fn fact(&mut self, fact: Fact) -> Result<(), SinkError>;
    /// Takes rows of a run's history.
    fn history(&mut self, run: &RunId, attempt: u32, rows: &Rows) -> Result<(), SinkError>;
    /// Takes arrays of a run at a step.
    fn arrays(&mut self, run: &RunId, attempt: u32, step: u64, arrays: Vec<Array>) -> Result<(), SinkError>;
    /// Makes everything taken so far safe.
    fn commit(&mut self) -> Result<(), SinkError>;
}
