//! The limits of a run: the longest time, and the longest time without a number.

use super::current_run::CurrentRun;
use crate::presence::view::duration;
use crate::record::Failure;
use std::time::{Duration, Instant};

/// A worker that is stopped (SIGSTOP) for so long is stalled, whatever `stall:` says.
const FROZEN: Duration = Duration::from_secs(10);

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub time: Option<Duration>,
    /// Without a number.
    pub stall: Option<Duration>,
    /// How long a worker that is told to end may take before it is killed.
    pub grace: Duration,
}

/// Which limit a run is over, and what is said of it. `frozen`: since when its process has been stopped.
pub fn over(run: &CurrentRun, frozen: Option<Instant>, limits: &Limits, now: Instant) -> Option<(Failure, String)> {
    let words = |limit: Duration| duration(limit.as_secs_f64());
    if frozen.is_some_and(|since| now - since >= limits.stall.unwrap_or(FROZEN).min(FROZEN).min(limits.grace)) {
        return Some((Failure::Stalled, "its process is stopped (SIGSTOP)".to_owned()));
    }
    match (limits.time, limits.stall) {
        (Some(limit), _) if now.saturating_duration_since(run.began) > limit => {
            Some((Failure::Timeout, format!("over its time limit of {}", words(limit))))
        }
        (_, Some(limit)) if now.saturating_duration_since(run.last_number) > limit => {
            Some((Failure::Stalled, format!("no new number within {}", words(limit))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_that_is_passed_is_said() {
        let (began, seconds) = (Instant::now(), Duration::from_secs);
        let run = CurrentRun::new(0, began);
        let limits = |time, stall| Limits { time, stall, grace: seconds(30) };
        let at = |after, limits: &Limits| over(&run, None, limits, began + seconds(after));
        assert_eq!(at(1000, &limits(None, None)), None);
        assert_eq!(at(60, &limits(Some(seconds(60)), Some(seconds(60)))), None);
        let timeout = (Failure::Timeout, "over its time limit of 1 min 0 s".to_owned());
        assert_eq!(at(61, &limits(Some(seconds(60)), Some(seconds(10)))), Some(timeout));
        let stalled = (Failure::Stalled, "no new number within 10 s".to_owned());
        assert_eq!(at(11, &limits(Some(seconds(60)), Some(seconds(10)))), Some(stalled));
    }

    #[test]
    fn a_stopped_process_is_stalled_after_the_shortest_of_three_times() {
        let (began, seconds) = (Instant::now(), Duration::from_secs);
        let run = CurrentRun::new(0, began);
        for (stall, grace, after) in [(None, 30, 10), (None, 3, 3), (Some(5), 30, 5), (Some(50), 30, 10)] {
            let limits = Limits { time: None, stall: stall.map(seconds), grace: seconds(grace) };
            assert_eq!(over(&run, Some(began), &limits, began + seconds(after - 1)), None);
            let (failure, _) = over(&run, Some(began), &limits, began + seconds(after)).unwrap();
            assert_eq!(failure, Failure::Stalled);
        }
    }
}
