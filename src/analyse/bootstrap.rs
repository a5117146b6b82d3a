//! The bias-corrected and accelerated bootstrap (Efron 1987) for a mean: an interval that follows the data's skewness,
//! expanded as small samples need it (Hesterberg 2015): samples drawn from a sample vary less than the sample itself did
//! by √((n−1)/n), and their own variation is an estimate, so Student's t stands where the normal distribution would.
//! Without that, intervals of 16 normal values hold the mean 92 times in 100.

use super::interval::{Interval, quantile_95};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

/// How many samples are drawn; the ends then move by about a hundredth of the interval from one seed to another.
const RESAMPLES: u64 = 20_000;

/// The mean with its 95% interval; `None` below two values. The same data give the same interval: every draw is a
/// function of its number alone, whatever the number of threads.
pub fn bootstrap_interval(sample: &[f64]) -> Option<Interval> {
    let n = sample.len();
    if n < 2 {
        return None;
    }
    let mean_of = |values: &mut dyn Iterator<Item = f64>, n: usize| values.sum::<f64>() / n as f64;
    let mean = mean_of(&mut sample.iter().copied(), n);
    let draw = |i: u64| mean_of(&mut (0..n as u64).map(|j| sample[index(i * n as u64 + j, n)]), n);
    let mut means: Vec<f64> = (0..RESAMPLES).into_par_iter().map(draw).collect();
    means.sort_unstable_by(f64::total_cmp);
    let normal = Normal::standard();
    // Ties count half: equal values must not look like bias.
    let below = means.partition_point(|&x| x < mean) + means.partition_point(|&x| x <= mean);
    let bias = normal.inverse_cdf(below as f64 / (2.0 * RESAMPLES as f64));
    // Of a mean the jackknife's deviations are those of the data, turned round.
    let (squares, cubes) = sample.iter().fold((0.0, 0.0), |(squares, cubes), x| {
        let d = x - mean;
        (squares + d * d, cubes + d * d * d)
    });
    let acceleration = if squares > 0.0 { cubes / (6.0 * f64::powf(squares, 1.5)) } else { 0.0 };
    let wide = quantile_95(n as f64 - 1.0) * (n as f64 / (n as f64 - 1.0)).sqrt();
    let end = |z: f64| {
        let z = bias + z;
        quantile(&means, normal.cdf(bias + z / (1.0 - acceleration * z)))
    };
    Some(Interval { mean, low: end(-wide), high: end(wide), n })
}

/// A number below `n` that is a function of the draw alone (SplitMix64).
fn index(draw: u64, n: usize) -> usize {
    let mut z = draw.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    ((u128::from(z) * n as u128) >> 64) as usize
}

fn quantile(sorted: &[f64], level: f64) -> f64 {
    let place = level.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
