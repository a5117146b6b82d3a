//! What the runs of a sweep are made of: base values, axes, exclusions, seeds. `plan` expands it.

use super::{Condition, Expression, Origin};
use std::sync::Arc;

/// A parameter is given something, somewhere.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Dotted name.
    pub name: Arc<str>,
    /// What it is given.
    pub expression: Expression,
    /// Where that was written.
    pub origin: Origin,
}

/// One value of an axis, or one of a group that moves together: what it assigns.
pub type Level = Vec<Assignment>;

/// An axis, a group of axes that move together, or the samples of all random axes.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// The axes, in the order written.
    pub names: Vec<Arc<str>>,
    /// What each place along it assigns.
    pub levels: Vec<Level>,
}

/// A product of dimensions over base values of its own.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Base values of this block alone.
    pub base: Vec<Assignment>,
    /// The first varies slowest.
    pub dimensions: Vec<Dimension>,
}

/// Cells that match all of `keys` are left out.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// Each a parameter and the values that match, any of them.
    pub keys: Vec<(Arc<str>, Vec<Expression>)>,
    /// Where it was written.
    pub origin: Origin,
}

/// One cell more.
#[derive(Clone, Debug)]
pub struct Include {
    /// What it assigns; the rest has base or default.
    pub level: Level,
    /// Where it was written.
    pub origin: Origin,
}

/// A further condition for a parameter to be active.
#[derive(Clone, Debug)]
pub struct When {
    /// Dotted name.
    pub name: Arc<str>,
    /// Elsewhere the parameter is not passed and not part of the run id.
    pub condition: Condition,
}

/// What the runs of a sweep are made of.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Parameters that all runs share, unless an axis says otherwise.
    pub base: Vec<Assignment>,
    /// A union of products; one without axes where the spec has no grid.
    pub blocks: Vec<Block>,
    /// Further conditions.
    pub when: Vec<When>,
    /// Cells left out.
    pub exclude: Vec<Exclude>,
    /// Cells added.
    pub include: Vec<Include>,
    /// The replicates.
    pub seeds: Vec<u64>,
    /// The whole sweep, for what has no better place.
    pub origin: Origin,
}
