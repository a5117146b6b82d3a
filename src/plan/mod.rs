//! Stage 2, plan: takes a resolved spec, gives the runs with their ids. Pure: no clocks or processes, and of files only
//! what the caller's function says of the data that runs use.
//!
//! Values are interned: a cell is a row of numbers, one a parameter, so that a million of them stay small.

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
