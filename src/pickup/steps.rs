//! The steps at which a metric has a value: counting series take the place of single steps, so that a million regular
//! ones cost a few bytes.

use std::collections::BTreeSet;

/// A set of steps.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// Ascending and apart from each other.
    series: Vec<Series>,
    /// What came after a larger one.
    odd: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Series {
    first: u64,
    last: u64,
    stride: u64,
}

impl Steps {
    /// Adds a step; false if it was there.
    pub fn insert(&mut self, step: u64) -> bool {
        match self.series.last_mut() {
            Some(series) if step <= series.last => {
                if self.contains(step) {
                    return false;
                }
                self.odd.insert(step)
            }
            // After a cut the odd ones may lie beyond the series.
            _ if self.odd.contains(&step) => false,
            Some(series) if series.first == series.last || step - series.last == series.stride => {
                series.stride = step - series.last;
                series.last = step;
                true
            }
            _ => {
                self.series.push(Series { first: step, last: step, stride: 1 });
                true
            }
        }
    }

    /// Forgets a step and all after it.
    pub fn truncate(&mut self, from: u64) {
        self.odd.split_off(&from);
        while self.series.last().is_some_and(|series| series.first >= from) {
            self.series.pop();
        }
        if let Some(series) = self.series.last_mut().filter(|series| series.last >= from) {
            series.last = series.first + (from - 1 - series.first) / series.stride * series.stride;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let regular: u64 = self.series.iter().map(|series| (series.last - series.first) / series.stride + 1).sum();
        regular + self.odd.len() as u64
    }

    /// The smallest.
    pub fn first(&self) -> Option<u64> {
        self.series.first().map(|series| series.first).into_iter().chain(self.odd.first().copied()).min()
    }

    fn contains(&self, step: u64) -> bool {
        let after = self.series.partition_point(|series| series.first <= step);
        let regular = after.checked_sub(1).and_then(|i| self.series.get(i));
        regular.is_some_and(|s| step <= s.last && (step - s.first).is_multiple_of(s.stride)) || self.odd.contains(&step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(steps in proptest::collection::vec(0_u64..50, 0..200)) {
            let (mut set, mut plain) = (Steps::default(), BTreeSet::new());
            for step in steps {
                prop_assert_eq!(set.insert(step), plain.insert(step));
                prop_assert_eq!((set.count(), set.first()), (plain.len() as u64, plain.first().copied()));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_forgotten_is_new_again(steps in proptest::collection::vec(0_u64..50, 0..200), from in 0_u64..50) {
            let (mut set, mut plain) = (Steps::default(), BTreeSet::new());
            for step in &steps {
                set.insert(*step);
                plain.insert(*step);
            }
            set.truncate(from);
            plain.split_off(&from);
            for step in steps.iter().rev().copied().chain(0..50) {
                prop_assert_eq!(set.insert(step), plain.insert(step));
            }
        }
    }

    #[test]
    fn regular_steps_are_one_series() {
        let mut set = Steps::default();
        (0..1_000_000).for_each(|i| assert!(set.insert(i * 10)));
        assert_eq!(set.series.len(), 1);
        assert!(!set.insert(500));
    }
}
