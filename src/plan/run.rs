//! One cell of the grid with one seed, and all of them.

use crate::spec::{Problem, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// 16 hex digits; `record::RunId` once it is recorded.
    pub id: String,
    /// The replicate.
    pub seed: u64,
    /// All active parameters by dotted name, defaults included. Runs of one cell share it.
    pub parameters: Arc<BTreeMap<String, Value>>,
}

/// All runs of a spec.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order of expansion; seeds innermost.
    pub runs: Vec<Run>,
    /// Names of the parameters that more than one value was asked for, in the order of the spec.
    pub axes: Vec<String>,
    /// Equal cells that were folded into one.
    pub folded: usize,
    /// What the user should know: an exclude that matches nothing is an error, a base value never used a warning.
    pub problems: Vec<Problem>,
}
