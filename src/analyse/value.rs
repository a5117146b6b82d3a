//! One number a run: a metric's summary, or what is known of the run itself.

use super::AnalyseError;
use crate::spec::Reduce;
use crate::store::{RunState, Sweep};

/// Numbers that every run has, beside its metrics.
const OWN: [&str; 4] = ["seconds", "peak_memory_mib", "attempt", "diverged_step"];

/// The value of each run, in their order: the metric's summary by `reduce`, or `seconds`, `peak_memory_mib`,
/// `attempt`, `diverged_step`. `None` where it is not known.
///
/// # Errors
/// Where no run has such a metric, or the store cannot be read.
pub fn values(sweep: &Sweep, runs: &[&RunState], name: &str, reduce: Reduce) -> Result<Vec<Option<f64>>, AnalyseError> {
    let metrics = sweep.metrics()?;
    if metrics.iter().any(|metric| metric == name) {
        let summaries = sweep.summaries(&[name], reduce, runs)?;
        return Ok(runs.iter().map(|run| summaries.get(&run.run)?.first().copied().flatten()).collect());
    }
    let own = |run: &&RunState| match name {
        "seconds" => run.seconds,
        "peak_memory_mib" => run.peak_memory_mib,
        "diverged_step" => run.diverged.as_ref().map(|(step, _)| *step as f64),
        _ => (run.attempt > 0).then_some(f64::from(run.attempt)),
    };
    if OWN.contains(&name) {
        return Ok(runs.iter().map(own).collect());
    }
    Err(AnalyseError::Unknown {
        what: "metric",
        name: name.to_owned(),
        sweep: sweep.name().to_owned(),
        known: metrics.into_iter().chain(OWN.map(str::to_owned)).collect(),
    })
}
