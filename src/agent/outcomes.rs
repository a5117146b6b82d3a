//! What becomes of attempts: results, stops and failures, and what follows from them.

use super::backlog::Backlog;
use super::news::AttemptEnd;
use super::pace::Pace;
use super::recorder::{Peak, Recorder};
use super::settings::Settings;
use super::sink::Sink;
use super::summary::{FailedRun, RunError, Summary};
use crate::presence::view::Watch;
use crate::process::{StopReason, cause, room};
use crate::record::{Failure, Layout, Outcome};
use crate::schedule::{Crashes, RetryDecision};
use crate::spec::OnFailure;
use std::path::PathBuf;
use std::time::Instant;

/// Records how attempts end, and counts it.
pub struct Outcomes<'a> {
    /// Where facts and numbers go.
    pub recorder: Recorder<'a>,
    /// How many ended how.
    pub summary: Summary,
    /// How fast.
    pub pace: Pace,
    crashes: Crashes,
    policy: OnFailure,
    layout: Layout,
}

/// An attempt that is over.
pub struct Conclusion {
    /// The run's place in the backlog.
    pub place: usize,
    /// How it ended.
    pub end: AttemptEnd,
    /// How long it took.
    pub seconds: f64,
    /// The most memory that it had.
    pub peak: Peak,
    /// When it ended.
    pub at: Instant,
}

impl<'a> Outcomes<'a> {
    /// None yet.
    pub fn new(settings: &Settings, sink: &'a mut dyn Sink) -> Self {
        Self {
            recorder: Recorder::new(settings, sink),
            summary: Summary::default(),
            pace: Pace::default(),
            crashes: Crashes::default(),
            policy: settings.on_failure.clone(),
            layout: settings.folders.clone(),
        }
    }

    /// Records an attempt's end, and queues the next attempt where one follows. `now`: seconds since the session began.
    /// Gives whether the sweep stops, since the same crash has come too often.
    ///
    /// # Errors
    /// Where the store takes nothing more, or the run found no room to write.
    pub fn conclude(
        &mut self,
        attempt: Conclusion,
        backlog: &mut Backlog,
        watch: &mut dyn Watch,
        now: f64,
    ) -> Result<bool, RunError> {
        let Conclusion { place, end, seconds, peak, at } = attempt;
        let queued = backlog.run(place);
        // The folder of an attempt that left nothing in it goes; one with files in it stays.
        let work = self.layout.work(queued.id(), queued.attempt);
        if std::fs::remove_dir(&work).is_ok()
            && let Some(folder) = work.parent()
        {
            let _ = std::fs::remove_dir(folder);
        }
        match end {
            AttemptEnd::Finished(outcome) => {
                let diverged = matches!(outcome, Outcome::Diverged { .. });
                self.recorder.finished(queued, outcome, seconds, peak)?;
                self.summary.done += 1;
                self.summary.diverged += usize::from(diverged);
                self.pace.count(seconds, at);
                Ok(false)
            }
            AttemptEnd::Stopped => {
                self.summary.stopped += 1;
                self.recorder.stopped(queued, seconds)?;
                Ok(false)
            }
            AttemptEnd::Failed(failure, message) => {
                self.failed((place, seconds), failure, message, backlog, watch, now)
            }
        }
    }

    fn failed(
        &mut self,
        (place, seconds): (usize, f64),
        failure: Failure,
        message: String,
        backlog: &mut Backlog,
        watch: &mut dyn Watch,
        now: f64,
    ) -> Result<bool, RunError> {
        let queued = backlog.run(place);
        // The program's own disk may be full; only where nothing can be written here would it be so for every run to come.
        if let Some(said) = cause::no_room(&message).filter(|_| failure == Failure::Crash)
            && room::is_full(self.layout.root())
        {
            self.summary.stopped += 1;
            self.recorder.stopped(queued, seconds)?;
            return Err(RunError::Full(said.trim().to_owned()));
        }
        let line = message.lines().next().unwrap_or_default().to_owned();
        let log = self.layout.log(queued.id(), queued.attempt);
        let (run, label) = (queued.id().clone(), backlog.label(place));
        self.recorder.failed(queued, failure, message, seconds)?;
        let same = failure == Failure::Crash && self.crashes.count(&self.policy, &line);
        let stops = same && self.summary.stop_reason.is_none();
        if stops {
            let times = self.policy.stop_after.unwrap_or(1);
            watch.say(&format!("the same crash {times} times ({line}): nothing new is launched"));
            self.summary.stop_reason = Some(StopReason::SameCrash(times));
        }
        let may_retry = self.summary.stop_reason.is_none();
        match backlog.failed(place, failure, &self.policy, may_retry, now) {
            RetryDecision::Retry { alone, .. } => {
                let how = if alone { ", with its device to itself" } else { "" };
                watch.say(&format!("{label}: {failure}: {line}; it is tried again{how}"));
            }
            RetryDecision::GiveUp => {
                let log = if log.exists() { log } else { PathBuf::new() };
                let file = if log.as_os_str().is_empty() { String::new() } else { format!(" ({})", log.display()) };
                watch.say(&format!("{label}: {failure}: {line}{file}"));
                self.summary.failed.push(FailedRun { run, label, failure, message: line, log });
            }
        }
        Ok(stops)
    }
}
