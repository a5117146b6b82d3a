//! How often the 95% interval of a mean holds the true mean, for normal and for skewed data: a table in Markdown.
//! `tessera table` uses Student's t, `tessera compare` up to 15 differences too and the bootstrap above.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use rayon::prelude::*;
use tessera::analyse::{Interval, bootstrap_interval, mean_interval};

/// Samples a cell, by Student's t and by the bootstrap, which costs 20,000 means each.
const TRIALS: [u64; 2] = [100_000, 2_000];

/// A name, and a draw from a normal one.
type Distribution = (&'static str, fn(f64, f64) -> f64, f64);

/// Each with its true mean. Drawn from two normal numbers.
const DISTRIBUTIONS: [Distribution; 4] = [
    ("normal", |a, _| a, 0.0),
    // Half the square of a radius is exponential.
    ("exponential (skewness 2)", |a, b| (a * a + b * b) / 2.0, 1.0),
    ("log-normal, σ = 1 (skewness 6.2)", |a, _| a.exp(), 1.648_721_270_700_128_2),
    // (a − b)(a + b) / 2.
    ("product of two normal numbers (symmetric, kurtosis 9)", |a, b| (a * a - b * b) / 2.0, 0.0),
];

fn main() {
    println!("| data | n | Student's t | bootstrap |\n|---|---:|---:|---:|");
    for (name, draw, mean) in DISTRIBUTIONS {
        for n in [3, 5, 10, 15, 16, 20, 50] {
            let share = |interval: fn(&[f64]) -> Option<Interval>, trials: u64| {
                let holds = |trial: &u64| {
                    let mut counter = trial.wrapping_mul(0xd134_2543_de82_ef95);
                    let sample: Vec<f64> = (0..n)
                        .map(|_| {
                            let (a, b) = normals(&mut counter);
                            draw(a, b)
                        })
                        .collect();
                    let interval = interval(&sample).unwrap();
                    interval.low <= mean && mean <= interval.high
                };
                let held = (1..=trials).into_par_iter().filter(holds).count();
                format!("{:.1}%", 100.0 * held as f64 / trials as f64)
            };
            let by_t = share(mean_interval, TRIALS[0]);
            let by_bootstrap = if n > 15 { share(bootstrap_interval, TRIALS[1]) } else { String::new() };
            println!("| {name} | {n} | {by_t} | {by_bootstrap} |");
        }
    }
}

/// Two independent normal numbers (Box and Muller) from a counter (SplitMix64).
fn normals(counter: &mut u64) -> (f64, f64) {
    let mut uniform = || {
        *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*counter ^ (*counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
    (radius * angle.cos(), radius * angle.sin())
}
