//! The mean of a sample and the interval that holds the true mean 95 times in 100.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The sample's mean.
    pub mean: f64,
    /// Lower end; NaN where `n` is 1.
    pub low: f64,
    /// Upper end; NaN where `n` is 1.
    pub high: f64,
    /// Size of the sample.
    pub n: usize,
}

impl Interval {
    /// Half the interval's width: what stands after `±`. NaN where `n` is 1.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// Mean and 95% interval by Student's t with n − 1 degrees of freedom; `None` for an empty sample.
pub fn mean_interval(sample: &[f64]) -> Option<Interval> {
    let n = sample.len();
    if n == 0 {
        return None;
    }
    let mean = mean(sample);
    let half = quantile_95(n as f64 - 1.0) * standard_deviation(sample) / (n as f64).sqrt();
    Some(Interval { mean, low: mean - half, high: mean + half, n })
}

/// The mean, by distances from the first value: that of equal values is exactly theirs.
pub(super) fn mean(sample: &[f64]) -> f64 {
    let first = sample.first().copied().unwrap_or(f64::NAN);
    first + sample.iter().map(|x| x - first).sum::<f64>() / sample.len() as f64
}

/// Standard deviation with n − 1 in the denominator; NaN below two values.
pub fn standard_deviation(sample: &[f64]) -> f64 {
    let n = sample.len() as f64;
    let mean = mean(sample);
    (sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// The factor that makes a standard error half a 95% interval: the 97.5% quantile of Student's t. NaN for no degrees
/// of freedom.
pub fn quantile_95(degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
}
