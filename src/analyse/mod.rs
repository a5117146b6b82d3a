//! Stage 7, analyse: takes stored sweeps, gives the numbers that people ask for: summaries of runs, means with
//! intervals, pivots, comparisons. Writes nothing.

mod interval;

pub use interval::{Interval, mean_interval, quantile_95, standard_deviation};
