//! Stage 7, analyse: takes stored sweeps, gives the numbers that people ask for: summaries of runs, means with
//! intervals, pivots, comparisons. Writes nothing.

mod axes;
mod error;
mod grid;
mod interval;
mod number;
mod pivot;
mod value;

pub use axes::{axes, level};
pub use error::AnalyseError;
pub use grid::{Cell, Format, Grid};
pub use interval::{Interval, mean_interval, quantile_95, standard_deviation};
pub use number::{significant, with_error};
pub use pivot::{Pivot, PivotCell, PivotRequest, pivot};
pub use value::values;
