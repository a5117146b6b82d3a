//! Stage 2, plan: takes a resolved spec, gives the runs with their ids. Pure: no files, clocks or processes.

mod run;

pub use run::{Cell, Plan, Run};
