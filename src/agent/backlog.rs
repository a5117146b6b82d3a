//! The runs of a session, and those of them that wait.

use super::settings::QueuedRun;
use crate::presence::view::label;
use crate::record::{Failure, Resume, RunId};
use crate::schedule::{Class, FailureRecord, QueueEntry, RetryDecision, after_failure};
use crate::spec::OnFailure;
use std::collections::VecDeque;

/// The runs of a session, in their order, and the queue of those that wait. A run is named by its place in that order.
pub struct Backlog {
    runs: Vec<QueuedRun>,
    failures: Vec<FailureRecord>,
    classes: Vec<Class>,
    queue: VecDeque<QueueEntry>,
    /// Parameters that differ, for people.
    axes: Vec<String>,
}

impl Backlog {
    /// All runs wait. On cores memory classes do not count: every run is of one.
    pub fn new(runs: Vec<QueuedRun>, axes: Vec<String>, on_gpus: bool) -> Self {
        let classes: Vec<Class> = runs.iter().map(|queued| if on_gpus { queued.class() } else { 0 }).collect();
        let waiting = |(run, &class)| QueueEntry { run, class, alone: false, not_before: 0.0 };
        Self {
            queue: classes.iter().enumerate().map(waiting).collect(),
            failures: vec![FailureRecord::default(); runs.len()],
            classes,
            runs,
            axes,
        }
    }

    /// How many runs there are, waiting or not.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Those that wait, in their order.
    pub fn queue(&self) -> &VecDeque<QueueEntry> {
        &self.queue
    }

    /// A run.
    pub fn run(&self, place: usize) -> &QueuedRun {
        &self.runs[place]
    }

    /// The memory class of a run.
    pub fn class(&self, place: usize) -> Class {
        self.classes[place]
    }

    /// A run in words.
    pub fn label(&self, place: usize) -> String {
        label(&self.runs[place].planned, &self.axes)
    }

    /// Takes runs off the queue; they are near its front.
    pub fn take(&mut self, runs: &[usize]) {
        for run in runs {
            if let Some(place) = self.queue.iter().position(|waiting| waiting.run == *run) {
                self.queue.remove(place);
            }
        }
    }

    /// Puts runs back to the front of the queue, in their order.
    pub fn put_back(&mut self, runs: impl DoubleEndedIterator<Item = usize>) {
        for run in runs.rev() {
            let alone = self.failures[run].was_alone;
            self.queue.push_front(QueueEntry { run, class: self.classes[run], alone, not_before: 0.0 });
        }
    }

    /// Takes runs off the queue for good; how many of them waited.
    pub fn cancel(&mut self, runs: &[RunId]) -> usize {
        let before = self.queue.len();
        self.queue.retain(|waiting| !runs.contains(self.runs[waiting.run].id()));
        before - self.queue.len()
    }

    /// Counts a failed attempt, and queues the next one where the policy has one and `may_retry`. `now`: seconds since the
    /// session began.
    pub fn failed(
        &mut self,
        place: usize,
        failure: Failure,
        policy: &OnFailure,
        may_retry: bool,
        now: f64,
    ) -> RetryDecision {
        self.runs[place].attempt += 1;
        let decision = after_failure(policy, failure, &mut self.failures[place]);
        match decision {
            RetryDecision::Retry { alone, pause } if may_retry => {
                let class = self.classes[place];
                self.queue.push_back(QueueEntry { run: place, class, alone, not_before: now + pause });
                decision
            }
            _ => RetryDecision::GiveUp,
        }
    }

    /// Queues a run that had failed for good, as if it had not.
    pub fn try_again(&mut self, run: &RunId) {
        if let Some(place) = self.runs.iter().position(|queued| queued.id() == run) {
            self.failures[place] = FailureRecord::default();
            let class = self.classes[place];
            self.queue.push_back(QueueEntry { run: place, class, alone: false, not_before: 0.0 });
        }
    }

    /// The next attempt of a run goes on from this checkpoint.
    pub fn resume_from(&mut self, place: usize, resume: Resume) {
        self.runs[place].resume = Some(resume);
    }

    /// The attempt of a run that executes is void, and the same process goes on as the next one from `origin`. Gives the
    /// checkpoint that the void attempt had written.
    pub fn begin_anew(&mut self, place: usize, origin: Option<Resume>) -> Option<Resume> {
        let queued = &mut self.runs[place];
        let own = std::mem::replace(&mut queued.resume, origin).filter(|resume| resume.attempt == queued.attempt);
        queued.attempt += 1;
        own
    }

    /// Runs that are tried again later: id, and seconds until then.
    pub fn paused(&self, now: f64) -> Vec<(String, f64)> {
        let paused = self.queue.iter().filter(|waiting| waiting.not_before > now);
        paused.map(|waiting| (self.runs[waiting.run].id().to_string(), waiting.not_before - now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{PlannedRun, Value};

    fn backlog(count: usize) -> Backlog {
        let run = |place: usize| {
            let parameters = [("width".to_owned(), Value::from(place as i64 % 2))].into_iter().collect();
            let planned = PlannedRun { run: RunId::of(&place.to_string()), seed: 7, parameters };
            QueuedRun { planned, attempt: 1, resume: None }
        };
        Backlog::new((0..count).map(run).collect(), vec!["width".to_owned()], true)
    }

    fn order(backlog: &Backlog) -> Vec<usize> {
        backlog.queue().iter().map(|waiting| waiting.run).collect()
    }

    #[test]
    fn runs_leave_the_queue_and_come_back_in_their_order() {
        let mut backlog = backlog(5);
        backlog.take(&[0, 1, 2]);
        assert_eq!(order(&backlog), [3, 4]);
        backlog.put_back([1, 2].into_iter());
        assert_eq!(order(&backlog), [1, 2, 3, 4]);
        assert_eq!(backlog.label(1), "width 1 · seed 7");
        assert_eq!((backlog.class(0), backlog.class(1)), (backlog.class(2), backlog.class(3)));
        assert_ne!(backlog.class(0), backlog.class(1));
    }

    #[test]
    fn cancelled_runs_are_counted_where_they_waited() {
        let mut backlog = backlog(3);
        backlog.take(&[0]);
        assert_eq!(backlog.cancel(&[RunId::of("0"), RunId::of("2")]), 1);
        assert_eq!((order(&backlog), backlog.len()), (vec![1], 3));
    }

    #[test]
    fn a_failure_queues_the_next_attempt_once_the_pause_is_over() {
        let mut backlog = backlog(2);
        let policy = OnFailure { crash_retries: 1, ..OnFailure::default() };
        backlog.take(&[0, 1]);
        let decision = backlog.failed(0, Failure::Crash, &policy, true, 10.0);
        assert_eq!(decision, RetryDecision::Retry { alone: false, pause: 1.0 });
        assert_eq!((backlog.run(0).attempt, backlog.queue()[0].not_before), (2, 11.0));
        assert_eq!(backlog.paused(10.5), [(RunId::of("0").to_string(), 0.5)]);
        assert!(backlog.paused(11.0).is_empty());
        assert_eq!(backlog.failed(1, Failure::Crash, &policy, false, 10.0), RetryDecision::GiveUp);
        assert_eq!(order(&backlog), [0]);
        backlog.try_again(&RunId::of("1"));
        assert_eq!(order(&backlog), [0, 1]);
        let again = backlog.failed(1, Failure::Crash, &policy, true, 10.0);
        assert_ne!(again, RetryDecision::GiveUp, "the failures before count no more");
    }

    #[test]
    fn a_run_that_had_a_device_to_itself_keeps_that_when_it_is_put_back() {
        let mut backlog = backlog(1);
        backlog.take(&[0]);
        backlog.failed(0, Failure::Oom, &OnFailure::default(), true, 0.0);
        assert!(backlog.queue()[0].alone);
        backlog.take(&[0]);
        backlog.put_back([0].into_iter());
        assert!(backlog.queue()[0].alone);
    }

    #[test]
    fn an_attempt_begins_anew_from_where_its_process_did() {
        let mut backlog = backlog(1);
        let origin = Resume { attempt: 1, step: 3, checkpoint: "a".into() };
        backlog.resume_from(0, origin.clone());
        assert_eq!(backlog.begin_anew(0, Some(origin.clone())), Some(origin.clone()), "this attempt wrote it");
        assert_eq!((backlog.run(0).attempt, backlog.run(0).resume.clone()), (2, Some(origin.clone())));
        assert_eq!(backlog.begin_anew(0, Some(origin)), None, "an earlier attempt wrote it");
    }
}
