//! `tessera compare`: differences between the levels of an axis.

use super::scoped::Scoped;
use crate::analyse::{CompareRequest, Format, compare};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::record::Goal;
use crate::spec::Reduce;
use std::path::Path;

/// Compare the levels of an axis: differences with 95% intervals and n
///
/// Runs are paired by their seed and all other axes where they match. The interval is Student's t of the paired differences up to n = 15, and the bias-corrected bootstrap (expanded for small samples) above; where nothing matches it is Welch's. `detectable` is the smallest true difference that this many runs would show 4 times in 5.
#[derive(clap::Args)]
pub struct Compare {
    /// A sweep's name
    sweep: String,
    /// The axis to compare
    #[arg(long, value_name = "AXIS")]
    by: String,
    /// Compare all others with this level [default: every pair]
    #[arg(long, value_name = "LEVEL")]
    baseline: Option<String>,
    /// A metric, or seconds, peak_memory_mib [default: the spec's metric]
    #[arg(long, value_name = "NAME")]
    value: Option<String>,
    /// last, min, max, "mean_last 5%" or "at 1000" [default: as the spec says]
    #[arg(long, value_name = "HOW")]
    reduce: Option<Reduce>,
    /// Whether more or less is better, for the warning about the best learning rate [default: as the spec says of its
    /// metric; less of seconds and memory]
    #[arg(long, value_enum)]
    goal: Option<Goal>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    scoped: Scoped,
}

impl Compare {
    /// Prints the differences.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = self.scoped.open(results, &self.sweep)?;
        let request = CompareRequest {
            by: self.by,
            value: self.value,
            reduce: self.reduce,
            baseline: self.baseline,
            goal: self.goal,
            scope: self.scoped.scope(),
            filters: Vec::new(),
        };
        let comparison = compare(&sweep, &request)?;
        answer(&comparison.grid(self.format).render(self.format))?;
        for warning in &comparison.warnings {
            eprintln!("warning: {warning}");
        }
        Ok(ExitCode::Success)
    }
}
