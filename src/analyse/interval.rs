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
pub fn mean(sample: &[f64]) -> f64 {
    let first = sample.first().copied().unwrap_or(f64::NAN);
    let mean = first + sample.iter().map(|x| x - first).sum::<f64>() / sample.len() as f64;
    // Distances and sums may be more than a float holds where the mean is not.
    if mean.is_finite() { mean } else { sample.iter().map(|x| x / sample.len() as f64).sum() }
}

/// Standard deviation with n − 1 in the denominator; NaN below two values.
pub fn standard_deviation(sample: &[f64]) -> f64 {
    let n = sample.len() as f64;
    let mean = mean(sample);
    let deviation = (sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let largest = sample.iter().fold(0.0, |largest, x| f64::max(largest, x.abs()));
    if deviation.is_finite() || n < 2.0 || !largest.is_finite() {
        return deviation;
    }
    // Squares may be more than a float holds where the deviation is not.
    let share = |x: f64| x / largest - mean / largest;
    (sample.iter().map(|x| share(*x).powi(2)).sum::<f64>() / (n - 1.0)).sqrt() * largest
}

/// The factor that makes a standard error half a 95% interval: the 97.5% quantile of Student's t. NaN for no degrees
/// of freedom.
pub fn quantile_95(degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
}
