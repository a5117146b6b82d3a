//! What follows a failure: another attempt, when and how; or none, of this run or of any.

use crate::record::Failure;
use crate::spec::OnFailure;
use std::collections::HashMap;

/// The first pause before another attempt, seconds; it doubles each time.
const PAUSE: f64 = 1.0;
/// The longest pause, seconds.
const LONGEST_PAUSE: f64 = 300.0;

/// What happened to a run in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// How often it crashed.
    pub crashes: u32,
    /// Whether it has had its device to itself.
    pub was_alone: bool,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Another attempt.
    Again {
        /// Whether nothing else may be on its device.
        alone: bool,
        /// Seconds to wait first.
        pause: f64,
    },
    /// None.
    GiveUp,
}

/// What follows this failure of a run, its `record` of before included. What a person or a limit ended is not tried
/// again by itself.
pub fn after_failure(policy: &OnFailure, failure: Failure, record: &mut Record) -> Next {
    match failure {
        Failure::Crash if record.crashes < policy.crash_retries => {
            let pause = (PAUSE * f64::from(record.crashes).exp2()).min(LONGEST_PAUSE);
            record.crashes += 1;
            Next::Again { alone: record.was_alone, pause }
        }
        Failure::Oom if policy.oom_alone && !record.was_alone => {
            record.was_alone = true;
            Next::Again { alone: true, pause: 0.0 }
        }
        _ => Next::GiveUp,
    }
}

/// Counts equal crashes over all runs: a mistake that every run makes should not be made ten thousand times.
#[derive(Clone, Debug, Default)]
pub struct Crashes(HashMap<String, u32>);

impl Crashes {
    /// Counts a crash of a kind, and says whether it is the `stop_after`-th.
    pub fn count(&mut self, policy: &OnFailure, kind: String) -> bool {
        let count = self.0.entry(kind).or_insert(0);
        *count += 1;
        policy.stop_after.is_some_and(|most| *count >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_tried_again_with_growing_pauses() {
        let policy = OnFailure { crash_retries: 3, ..OnFailure::default() };
        let mut record = Record::default();
        let pauses: Vec<Next> = (0..4).map(|_| after_failure(&policy, Failure::Crash, &mut record)).collect();
        let again = |pause| Next::Again { alone: false, pause };
        assert_eq!(pauses, [again(1.0), again(2.0), again(4.0), Next::GiveUp]);
    }

    #[test]
    fn out_of_memory_gets_the_device_to_itself_once() {
        let mut record = Record::default();
        let policy = OnFailure::default();
        assert_eq!(after_failure(&policy, Failure::Oom, &mut record), Next::Again { alone: true, pause: 0.0 });
        assert_eq!(after_failure(&policy, Failure::Oom, &mut record), Next::GiveUp);
        let never = OnFailure { oom_alone: false, ..OnFailure::default() };
        assert_eq!(after_failure(&never, Failure::Oom, &mut Record::default()), Next::GiveUp);
    }

    #[test]
    fn limits_and_signals_are_not_tried_again() {
        let policy = OnFailure { crash_retries: 9, ..OnFailure::default() };
        for failure in [Failure::Timeout, Failure::Stalled, Failure::Killed, Failure::Lost] {
            assert_eq!(after_failure(&policy, failure, &mut Record::default()), Next::GiveUp);
        }
    }

    #[test]
    fn the_same_crash_again_and_again_stops_the_sweep() {
        let policy = OnFailure { stop_after: Some(3), ..OnFailure::default() };
        let mut crashes = Crashes::default();
        assert!(!crashes.count(&policy, "exit code".to_owned()));
        assert!(!crashes.count(&policy, "something else".to_owned()));
        assert!(!crashes.count(&policy, "exit code".to_owned()));
        assert!(crashes.count(&policy, "exit code".to_owned()));
    }
}
