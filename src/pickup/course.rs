//! How far a file's metrics have come. A metric whose step goes back says that the program was started again and went on
//! from an earlier state: what the file has at that step and after it is of weights that were thrown away.

use super::collector::{Collector, Tag};
use std::collections::HashMap;

/// The newest step of each metric of one file.
#[derive(Default)]
pub struct Course {
    newest: HashMap<Tag, u64>,
    /// Whether the file is read once, whole: values can still be taken back.
    whole: bool,
    /// Whether an earlier file of the same name has metrics that this one goes on with.
    follows: bool,
    /// How often steps went back.
    pub restarts: u64,
    /// Values that were taken back.
    pub void: u64,
    /// Whether values were handed on that should be taken back: the file must be read again.
    pub doubt: bool,
}

impl Course {
    /// Of a file that is read once when nothing writes any more (`whole`), or as it grows.
    pub fn new(whole: bool, follows: bool) -> Self {
        Self { whole, follows, ..Self::default() }
    }

    /// Begins at the top of the file again.
    pub fn rewind(&mut self) {
        self.newest.clear();
    }

    /// Takes the values of a row. `wall`: seconds since 1970; NaN where not known.
    pub fn push(&mut self, values: &[(Tag, f64)], step: u64, wall: f64, collector: &mut Collector) {
        if values.iter().any(|(tag, _)| self.newest.get(tag).is_some_and(|newest| *newest > step)) {
            self.restarts += 1;
            if self.whole {
                let own: Vec<Tag> = self.newest.keys().copied().collect();
                self.void += collector.void(&own, step);
            } else {
                self.doubt = true;
            }
            self.newest.retain(|_, newest| *newest < step);
        }
        for &(tag, value) in values {
            if self.newest.insert(tag, step).is_none() && self.follows {
                if self.whole {
                    self.void += collector.void(&[tag], step);
                } else {
                    self.doubt = true;
                }
            }
            collector.push(tag, step, value, wall);
        }
    }

    /// What was left out because steps went back, in words.
    pub fn note(&self, file: &str) -> Option<String> {
        (self.void > 0).then(|| {
            format!("{} values of {file} left out: the program was started again at an earlier step", self.void)
        })
    }
}
