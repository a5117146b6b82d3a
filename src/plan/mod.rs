//! Stage 2, plan: expands a checked spec into runs with their ids. Pure: no clocks or processes, and no files but
//! the data that the caller's function fingerprints.
//!
//! Values are interned: a cell is a row of numbers, one a parameter, so that a million cells stay small.

mod activity;
mod cells;
mod estimate;
mod expand;
mod identity;
mod resolve;
mod run;
mod values;
mod volume;

pub use estimate::{Estimate, Needed, class_of, estimate};
pub use expand::expand;
pub use identity::identity;
pub use run::{Cell, Plan, Run};
pub use volume::foreseen_bytes;
