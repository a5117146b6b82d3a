//! A run: one cell of the grid with one seed; and the plan of all runs.

use crate::record::{RunId, Value};
use crate::spec::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One run. Runs of one cell share it, and cells share their values, so that a million of them stay small.
#[derive(Clone, Debug)]
pub struct Run {
    /// What its results are kept under.
    pub id: RunId,
    /// The replicate.
    pub seed: u64,
    /// The parameters.
    pub cell: Arc<Cell>,
}

impl Run {
    /// All active parameters by dotted name, defaults included; scalars and lists of numbers.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let own = self.cell.own().map(|(name, value)| (name.to_owned(), value.clone()));
        self.cell.shared.common.clone().into_iter().chain(own).collect()
    }

    /// The parameters that not all runs share.
    pub fn own(&self) -> BTreeMap<String, Value> {
        self.cell.own().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// The value of an active parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let own = self.cell.own().find(|(own, _)| *own == name).map(|(_, value)| value);
        own.or_else(|| self.cell.shared.common.get(name))
    }
}

/// The active parameters of one cell.
#[derive(Clone, Debug)]
pub struct Cell {
    pub(super) shared: Arc<Shared>,
    /// Places in `shared.entries`, in the order of names.
    pub(super) picks: Box<[u32]>,
}

impl Cell {
    fn own(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.picks.iter().filter_map(|&pick| {
            let (name, value) = self.shared.entries.get(pick as usize)?;
            Some((&**name, value))
        })
    }
}

/// What the cells of a plan are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    /// Parameters that are active with one value in all cells.
    pub common: BTreeMap<String, Value>,
    /// Every other parameter with every value that it takes.
    pub entries: Vec<(Arc<str>, Value)>,
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
    /// What the user should know; warnings only, errors end `expand`.
    pub problems: Vec<Problem>,
    pub(super) shared: Arc<Shared>,
}

impl Plan {
    /// The parameters that all runs share.
    pub fn common(&self) -> &BTreeMap<String, Value> {
        &self.shared.common
    }
}
