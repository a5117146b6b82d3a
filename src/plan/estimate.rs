//! Estimates the time and disk that the remaining runs need, from runs that are done.
//!
//! Runs are compared by class: those that agree in whole numbers, words and lists need about the same. Learning
//! rates and the like cost nothing. Where no run of a class is done, runs of other classes are scaled by their
//! iterations.

use super::Run;
use crate::record::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a finished run needed.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// Its class, of [`class_of`].
    pub class: u64,
    /// Its `iterations`, where it has that parameter.
    pub iterations: Option<f64>,
    /// How long it took.
    pub seconds: f64,
    /// What it left on disk, where that was looked at.
    pub bytes: Option<f64>,
}

/// What the runs that are left will need.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Seconds of work for one slot.
    pub seconds: Option<f64>,
    /// Bytes.
    pub bytes: Option<f64>,
}

/// Runs of one class agree in every parameter but real numbers. In no order, so that it does not matter which
/// parameters all runs share.
pub fn class_of<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a Value)>) -> u64 {
    let entry = |(name, value): (&str, &Value)| {
        let mut hasher = DefaultHasher::new();
        (name, value.to_string()).hash(&mut hasher);
        hasher.finish()
    };
    let whole = parameters.into_iter().filter(|(_, value)| !matches!(value, Value::Number(_)));
    whole.map(entry).fold(0, u64::wrapping_add)
}

/// Judges the runs that are left by those that are done; what nothing is known of by `foreseen` (bytes), if anything.
pub fn estimate<'a>(
    left: impl IntoIterator<Item = &'a Run>,
    common: &BTreeMap<String, Value>,
    done: &[Needed],
    foreseen: impl Fn(&Run) -> Option<f64>,
) -> Estimate {
    let shared = class_of(common.iter().map(|(name, value)| (name.as_str(), value)));
    let mut classes: HashMap<u64, Vec<&Needed>> = HashMap::new();
    for needed in done {
        classes.entry(needed.class).or_default().push(needed);
    }
    let classes: HashMap<u64, Rates> = classes.into_iter().map(|(class, done)| (class, Rates::of(&done))).collect();
    let all = Rates::of(&done.iter().collect::<Vec<_>>());
    let mut total = Estimate { seconds: Some(0.0), bytes: Some(0.0) };
    let mut any = false;
    for run in left {
        any = true;
        let own = run.own();
        let class = shared.wrapping_add(class_of(own.iter().map(|(name, value)| (name.as_str(), value))));
        let iterations = run.get("iterations").and_then(Value::as_f64);
        let known = classes.get(&class);
        let seconds = known.and_then(|rates| rates.seconds.mean).or_else(|| all.seconds.of_run(iterations));
        let bytes = known.and_then(|rates| rates.bytes.mean);
        let bytes = bytes.or_else(|| foreseen(run)).or_else(|| all.bytes.of_run(iterations));
        total.seconds = total.seconds.zip(seconds).map(|(sum, x)| sum + x);
        total.bytes = total.bytes.zip(bytes).map(|(sum, x)| sum + x);
    }
    if any { total } else { Estimate::default() }
}

/// Means over some runs.
struct Rates {
    seconds: Mean,
    bytes: Mean,
}

impl Rates {
    fn of(done: &[&Needed]) -> Self {
        Self {
            seconds: Mean::of(done.iter().map(|needed| (needed.seconds, needed.iterations))),
            bytes: Mean::of(done.iter().filter_map(|needed| Some((needed.bytes?, needed.iterations)))),
        }
    }
}

/// A mean a run, and one an iteration where all runs have iterations.
struct Mean {
    mean: Option<f64>,
    an_iteration: Option<f64>,
}

impl Mean {
    fn of(values: impl Iterator<Item = (f64, Option<f64>)>) -> Self {
        let (mut sum, mut count, mut iterations) = (0.0, 0.0, Some(0.0));
        for (value, steps) in values {
            sum += value;
            count += 1.0;
            iterations = iterations.zip(steps).map(|(sum, steps)| sum + steps);
        }
        let over = |n: f64| (n > 0.0).then(|| sum / n);
        Self { mean: over(count), an_iteration: iterations.and_then(over) }
    }

    /// What a run of so many iterations needs.
    fn of_run(&self, iterations: Option<f64>) -> Option<f64> {
        self.an_iteration.zip(iterations).map(|(each, iterations)| each * iterations).or(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(class: u64, iterations: f64, seconds: f64) -> Needed {
        Needed { class, iterations: Some(iterations), seconds, bytes: Some(10.0 * seconds) }
    }

    #[test]
    fn classes_differ_in_whole_numbers_and_words() {
        let class = |neurons: i64, method: &str, rate: f64| {
            let values = [("neurons", Value::from(neurons)), ("method", method.into()), ("rate", rate.into())];
            class_of(values.iter().map(|(name, value)| (*name, value)))
        };
        assert_eq!(class(300, "gamma", 0.1), class(300, "gamma", 0.01));
        assert_ne!(class(300, "gamma", 0.1), class(100, "gamma", 0.1));
        assert_ne!(class(300, "gamma", 0.1), class(300, "none", 0.1));
    }

    #[test]
    fn a_mean_is_scaled_by_iterations() {
        let done = [needed(1, 100.0, 2.0), needed(2, 300.0, 6.0)];
        let rates = Rates::of(&done.iter().collect::<Vec<_>>());
        assert_eq!(rates.seconds.of_run(Some(50.0)), Some(1.0));
        assert_eq!(rates.seconds.of_run(None), Some(4.0));
        assert_eq!(Rates::of(&[]).bytes.of_run(Some(1.0)), None);
    }
}
