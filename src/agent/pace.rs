//! How fast a session goes, and when it will be over.

use crate::presence::view::SlotView;
use std::collections::VecDeque;
use std::time::Instant;

/// How many results the rate is measured over.
const LATELY: usize = 64;
/// Below this share of its steps a run does not tell how long it takes.
const EARLY: f64 = 0.01;

/// How long runs take and how often results come, lately.
#[derive(Default)]
pub struct Pace {
    /// Mean seconds of a run.
    seconds: Option<f64>,
    results: VecDeque<Instant>,
}

impl Pace {
    /// Counts a result that took so many seconds.
    pub fn count(&mut self, seconds: f64, at: Instant) {
        self.seconds = Some(self.seconds.map_or(seconds, |mean| 0.8 * mean + 0.2 * seconds));
        self.results.push_back(at);
        if self.results.len() > LATELY {
            self.results.pop_front();
        }
    }

    /// Mean seconds of a run; none before the first result.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    /// Results a second.
    pub fn rate(&self) -> f64 {
        match (self.results.front(), self.results.back()) {
            (Some(first), Some(last)) if last > first => {
                (self.results.len() - 1) as f64 / (*last - *first).as_secs_f64()
            }
            _ => 0.0,
        }
    }

    /// Seconds until all is done: what executes goes on at its own pace, and the `waiting` runs take as long as others did,
    /// on so many `usable` slots.
    pub fn left(&self, slots: &[SlotView], waiting: usize, usable: usize) -> Option<f64> {
        let told = |slot: &SlotView| slot.fraction.filter(|fraction| *fraction > EARLY);
        let rest = |slot: &SlotView| match told(slot) {
            Some(fraction) => Some(slot.seconds * (1.0 - fraction) / fraction),
            None => self.seconds.map(|mean| (mean - slot.seconds).max(0.0)),
        };
        let executing: Vec<f64> = slots.iter().filter(|slot| !slot.run.is_empty()).filter_map(rest).collect();
        let whole: Vec<f64> =
            slots.iter().filter_map(|slot| told(slot).map(|fraction| slot.seconds / fraction)).collect();
        let guess = (!whole.is_empty()).then(|| whole.iter().sum::<f64>() / whole.len() as f64);
        let mean = self.seconds.or(guess)?;
        let longest = executing.iter().copied().fold(0.0, f64::max);
        Some(longest.max((executing.iter().sum::<f64>() + waiting as f64 * mean) / usable.max(1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn slot(seconds: f64, fraction: Option<f64>) -> SlotView {
        SlotView { run: "a".to_owned(), seconds, fraction, ..SlotView::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_results() {
        let (mut pace, began) = (Pace::default(), Instant::now());
        assert_eq!((pace.rate(), pace.seconds()), (0.0, None));
        for second in 0..200 {
            let at = if second < 100 { second * 10 } else { 1000 + second };
            pace.count(2.0, began + Duration::from_secs(at));
        }
        assert_eq!((pace.rate(), pace.seconds()), (1.0, Some(2.0)));
    }

    #[test]
    fn what_is_left_follows_the_runs_that_execute() {
        let mut pace = Pace::default();
        assert_eq!(pace.left(&[slot(10.0, None)], 3, 1), None);
        // A quarter in ten seconds: thirty more, then three runs of forty on two slots.
        assert_eq!(pace.left(&[slot(10.0, Some(0.25))], 3, 2), Some((30.0 + 120.0) / 2.0));
        assert_eq!(pace.left(&[slot(10.0, Some(0.25))], 0, 8), Some(30.0), "never less than the longest");
        pace.count(16.0, Instant::now());
        assert_eq!(pace.left(&[slot(10.0, Some(0.001))], 1, 1), Some(6.0 + 16.0));
        assert_eq!(pace.left(&[slot(20.0, None)], 0, 0), Some(0.0));
    }
}
