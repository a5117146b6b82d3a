//! A sample as its mean and the band around it.

use crate::analyse::{mean, quantile_95, standard_deviation};
use crate::spec::Band;
use std::collections::HashMap;

/// Means and bands; Student's quantiles are computed once for each size of sample.
pub struct Spread {
    band: Band,
    quantiles: HashMap<usize, f64>,
}

impl Spread {
    /// For one kind of band.
    pub fn new(band: Band) -> Self {
        Self { band, quantiles: HashMap::new() }
    }

    /// Mean, low and high; low and high are NaN where one value has no spread. NaN for no values.
    pub fn of(&mut self, sample: &[f64]) -> (f64, f64, f64) {
        let n = sample.len();
        let sum = sample.iter().sum::<f64>();
        let mean = if sum.is_finite() { sum / n as f64 } else { mean(sample) };
        let half = match self.band {
            Band::MinMax => {
                let low = sample.iter().copied().fold(f64::INFINITY, f64::min);
                return (mean, low, sample.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
            Band::Each => f64::NAN,
            _ if n < 2 => f64::NAN,
            Band::Sd => standard_deviation(sample),
            Band::Ci95 => {
                let quantile = *self.quantiles.entry(n).or_insert_with(|| quantile_95(n as f64 - 1.0));
                quantile * standard_deviation(sample) / (n as f64).sqrt()
            }
        };
        (mean, mean - half, mean + half)
    }

    /// What the band is, for a note.
    pub fn words(&self) -> &'static str {
        match self.band {
            Band::Ci95 => "bands: 95% interval of the mean over seeds",
            Band::Sd => "bands: standard deviation over seeds",
            Band::MinMax => "bands: smallest to largest seed",
            Band::Each => "thin lines: single seeds",
        }
    }
}

/// A running mean over a window of a share of the rows; the ends have smaller windows.
pub fn smooth(trace: &[(f64, f64)], share: f64) -> Vec<(f64, f64)> {
    let half = ((trace.len() as f64 * share / 2.0).round() as usize).max(1);
    let mut sums = Vec::with_capacity(trace.len() + 1);
    sums.push(0.0);
    for (_, y) in trace {
        sums.push(sums.last().copied().unwrap_or(0.0) + y);
    }
    let mean = |i: usize| {
        let half = half.min(i).min(trace.len() - 1 - i);
        let (from, to) = (i - half, i + half + 1);
        (sums[to] - sums[from]) / (to - from) as f64
    };
    trace.iter().enumerate().map(|(i, (x, _))| (*x, mean(i))).collect()
}

/// The value below which a share of a sorted sample lies.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().saturating_sub(1)) as f64;
    let (low, rest) = (place.floor() as usize, place.fract());
    match (sorted.get(low), sorted.get(low + 1)) {
        (Some(a), Some(b)) if (b - a).is_finite() => a + (b - a) * rest,
        (Some(a), Some(b)) => a * (1.0 - rest) + b * rest,
        (Some(a), None) => *a,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_mean_keeps_a_line() {
        let line: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        for ((_, before), (_, after)) in line.iter().zip(smooth(&line, 0.1)) {
            assert!((before - after).abs() < 1e-9);
        }
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
