//! The ratio of two levels' means, over the same pairs of runs as their difference.

use super::axes::{axes, level};
use super::compare::{Measured, group, measured};
use super::interval::{Interval, mean, quantile_95, standard_deviation};
use super::{AnalyseError, values};
use crate::spec::Reduce;
use crate::store::{RunState, Sweep};

/// Mean of `of` over mean of `to`, with a 95% interval by linearisation (Cochran, Sampling Techniques, 1977, §6.3): the
/// residuals of(i) − R·to(i) over the pairs, Student's t with one degree of freedom less than there are pairs; without
/// pairs the standard errors of both means, with the smaller sample's degrees of freedom. `None` where a group has no
/// number, or its divisor's mean is 0.
///
/// # Errors
/// Where no run has such a metric, or the store cannot be read.
pub fn ratio(
    sweep: &Sweep,
    runs: &[&RunState],
    (value, reduce): (&str, Reduce),
    by: &str,
    (of, to): (&str, &str),
) -> Result<Option<Interval>, AnalyseError> {
    let measured = measured(runs, values(sweep, runs, value, reduce)?);
    let varied = axes(runs.iter().copied());
    let both: Vec<&Measured> = measured.iter().filter(|one| [of, to].contains(&&*level(one.run, by))).collect();
    let common = |axis: &&String| **axis != by && both.iter().all(|one| one.run.parameters.contains_key(*axis));
    let shared: Vec<&String> = varied.keys().filter(common).collect();
    let (ours, theirs) = (group(by, &shared, of, &both).0, group(by, &shared, to, &both).0);
    let pairs: Vec<(f64, f64)> =
        ours.iter().filter_map(|(key, values)| Some((mean(values), mean(theirs.get(key)?)))).collect();
    let (a, b): (Vec<f64>, Vec<f64>) = match pairs.is_empty() {
        false => pairs.iter().copied().unzip(),
        true => (ours.values().flatten().copied().collect(), theirs.values().flatten().copied().collect()),
    };
    if a.is_empty() || b.is_empty() || mean(&b) == 0.0 {
        return Ok(None);
    }
    let (top, bottom) = (mean(&a), mean(&b));
    let ratio = top / bottom;
    let n = a.len().min(b.len());
    let error = if pairs.is_empty() {
        let part = |sample: &[f64]| standard_deviation(sample).powi(2) / sample.len() as f64;
        (part(&a) + ratio * ratio * part(&b)).sqrt() / bottom.abs()
    } else {
        let residuals: Vec<f64> = pairs.iter().map(|(a, b)| a - ratio * b).collect();
        standard_deviation(&residuals) / (n as f64).sqrt() / bottom.abs()
    };
    let half = if error == 0.0 { 0.0 } else { quantile_95(n as f64 - 1.0) * error };
    Ok(Some(Interval { mean: ratio, low: ratio - half, high: ratio + half, n }))
}
