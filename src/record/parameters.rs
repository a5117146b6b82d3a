//! The parameters of a run.

use super::Value;

/// The active parameters of a run by dotted name, defaults included; scalars and lists of numbers only.
pub type Parameters = std::collections::BTreeMap<String, Value>;
