//! Stage 7, analyse: takes stored sweeps, gives the numbers that people ask for: summaries of runs, means with
//! intervals, pivots, comparisons. Writes nothing.

mod account;
mod axes;
mod bootstrap;
mod compare;
mod error;
mod grid;
mod interval;
mod mistake;
mod names;
mod number;
mod pivot;
mod probed;
mod query;
mod ratio;
mod selection;
mod stream;
mod value;

pub use account::{account, diff, find_run};
pub use axes::{LevelOrder, axes, level, level_value, passes};
pub use bootstrap::bootstrap_interval;
pub use compare::{CompareRequest, Comparison, Difference, compare, detectable, welch};
pub use error::AnalyseError;
pub use grid::{Cell, Format, Grid};
pub use interval::{Interval, mean, mean_interval, quantile_95, standard_deviation};
pub use number::{significant, with_error};
pub use pivot::{Pivot, PivotCell, PivotRequest, pivot};
pub use probed::Measured;
pub use query::{Answer, Files, Said, query};
pub use ratio::ratio;
pub use selection::{Sample, check_axis, levels_of, sample, select};
pub use stream::{Outlet, Streamed, query_to};
pub use value::values;
