//! Decides what follows a failure: another attempt, when and how, or none.

use crate::record::Failure;
use crate::spec::OnFailure;
use regex::{Captures, Regex};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The first pause before another attempt, seconds; it doubles each time.
const PAUSE: f64 = 1.0;
/// The longest pause, seconds.
const LONGEST_PAUSE: f64 = 300.0;

/// The failures of a run in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureRecord {
    /// How often it crashed.
    pub crashes: u32,
    /// Whether it has had its device to itself.
    pub was_alone: bool,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryDecision {
    /// Another attempt.
    Retry {
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
pub fn after_failure(policy: &OnFailure, failure: Failure, record: &mut FailureRecord) -> RetryDecision {
    match failure {
        Failure::Crash if record.crashes < policy.crash_retries => {
            let pause = (PAUSE * f64::from(record.crashes).exp2()).min(LONGEST_PAUSE);
            record.crashes += 1;
            RetryDecision::Retry { alone: record.was_alone, pause }
        }
        Failure::Oom if policy.oom_alone && !record.was_alone => {
            record.was_alone = true;
            RetryDecision::Retry { alone: true, pause: 0.0 }
        }
        _ => RetryDecision::GiveUp,
    }
}

/// Counts equal crashes over all runs: a mistake that every run makes should not be made ten thousand times.
#[derive(Clone, Debug, Default)]
pub struct Crashes(HashMap<String, u32>);

impl Crashes {
    /// Counts a crash, and says whether it is the `stop_after`-th of its kind.
    pub fn count(&mut self, policy: &OnFailure, message: &str) -> bool {
        let count = self.0.entry(failure_kind(message)).or_insert(0);
        *count += 1;
        policy.stop_after.is_some_and(|most| *count >= most)
    }
}

/// What may differ between equal failures: paths, addresses, hashes, numbers.
static DIFFERING: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        // A path, or an address of the web: from a slash, a tilde, a drive or a scheme on.
        r#"(?P<path>(?:[A-Za-z][\w+.-]*://|[A-Za-z]:[\\/]|\.{0,2}/|~/)[^\s'"`<>,;:()\[\]]+|[\w.-]+/[\w.-]+/[^\s'"`<>,;:()\[\]]*)"#,
        // An address in memory.
        r"(?P<address>\b0[xX][0-9a-fA-F]+)",
        // A hash or a UUID: with a digit in it, else it may be a word.
        r"(?P<hash>\b[0-9a-fA-F][0-9a-fA-F-]{6,}[0-9a-fA-F]\b)",
        r"(?P<number>[+-]?\d+(?:[.,_]\d+)*(?:[eE][+-]?\d+)?)",
    ];
    Regex::new(&parts.join("|")).expect("the pattern is one: the tests try it")
});

/// A failure's kind: its message's first line with numbers, addresses and paths left out. Failures of one kind count as
/// equal.
pub fn failure_kind(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let left_out = DIFFERING.replace_all(line, |found: &Captures| match found.name("hash") {
        Some(hash) if !hash.as_str().contains(|c: char| c.is_ascii_digit()) => hash.as_str().to_owned(),
        _ => "#".to_owned(),
    });
    // Lists of numbers may be of different lengths.
    let mut kind = left_out.into_owned();
    while kind.contains("#, #") {
        kind = kind.replace("#, #", "#");
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_tried_again_with_growing_pauses() {
        let policy = OnFailure { crash_retries: 3, ..OnFailure::default() };
        let mut record = FailureRecord::default();
        let pauses: Vec<RetryDecision> = (0..4).map(|_| after_failure(&policy, Failure::Crash, &mut record)).collect();
        let again = |pause| RetryDecision::Retry { alone: false, pause };
        assert_eq!(pauses, [again(1.0), again(2.0), again(4.0), RetryDecision::GiveUp]);
    }

    #[test]
    fn out_of_memory_gets_the_device_to_itself_once() {
        let mut record = FailureRecord::default();
        let policy = OnFailure::default();
        assert_eq!(after_failure(&policy, Failure::Oom, &mut record), RetryDecision::Retry { alone: true, pause: 0.0 });
        assert_eq!(after_failure(&policy, Failure::Oom, &mut record), RetryDecision::GiveUp);
        let never = OnFailure { oom_alone: false, ..OnFailure::default() };
        assert_eq!(after_failure(&never, Failure::Oom, &mut FailureRecord::default()), RetryDecision::GiveUp);
    }

    #[test]
    fn limits_and_signals_are_not_tried_again() {
        let policy = OnFailure { crash_retries: 9, ..OnFailure::default() };
        for failure in [Failure::Timeout, Failure::Stalled, Failure::Killed, Failure::Lost] {
            assert_eq!(after_failure(&policy, failure, &mut FailureRecord::default()), RetryDecision::GiveUp);
        }
    }

    #[test]
    fn equal_failures_differ_in_numbers_addresses_and_paths_alone() {
        for (a, b) in [
            (
                "TypeError: <net.Block object at 0x7f9c2c9c> is not callable",
                "TypeError: <net.Block object at 0x7fa12ca1> is not callable",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file: '/r/work/ab12/1/x.pt'",
                "FileNotFoundError: [Errno 2] No such file: '/r/work/beef/2/x.pt'",
            ),
            ("OSError: results/case/work/0f/1/a", "OSError: results/case/work/ffee/2/b"),
            ("ValueError: shape (3, 4)", "ValueError: shape (3, 4, 1e-5)"),
            ("KeyError: run 9f3c2ab14d5e6f70", "KeyError: run 0a1b2c3d4e5f6a7b"),
            ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-0000-0000-0000-00000000abcd"),
            ("E: C:\\runs\\a\\b.csv: gone", "E: D:\\runs\\c: gone"),
        ] {
            assert_eq!(failure_kind(a), failure_kind(b));
        }
        for (a, b) in [
            ("KeyError: 'lr'", "KeyError: 'width'"),
            ("ValueError: x", "TypeError: x"),
            ("KeyError: 'encoder/weight'", "KeyError: 'decoder/weight'"),
            ("bad facade", "bad decade"),
            ("bad deadbeef", "bad feedface"),
        ] {
            assert_ne!(failure_kind(a), failure_kind(b));
        }
    }

    #[test]
    fn the_same_crash_again_and_again_stops_the_sweep() {
        let policy = OnFailure { stop_after: Some(3), ..OnFailure::default() };
        let mut crashes = Crashes::default();
        assert!(!crashes.count(&policy, "exit code 1 after 10 steps\nlog"));
        assert!(!crashes.count(&policy, "something else"));
        assert!(!crashes.count(&policy, "exit code 1 after 20 steps"));
        assert!(crashes.count(&policy, "exit code 1 after 31 steps"));
    }
}
