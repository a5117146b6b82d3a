//! Ends of attempts: a result, a stop or a failure, and what follows from it.

use super::run_loop::Agent;
use super::settings::Trainer;
use super::summary::{FailedRun, RunError};
use super::worker::EndReason;
use crate::process::StopReason;
use crate::process::group::Ended;
use crate::process::{cause, host, room};
use crate::record::{Fact, Failure, Outcome};
use crate::schedule::{QueueEntry, RetryDecision, SlotState, after_failure};
use crate::spec::Place;
use std::path::PathBuf;
use std::time::Instant;

/// A run shorter than this (seconds) is not asked for its peak of memory: asking would cost as much as running.
const BRIEF: f64 = 0.2;
/// How many metrics are named at most.
const MANY: usize = 8;
/// How many results the rate is measured over.
const LATELY: usize = 64;

impl Agent<'_> {
    pub(super) fn finished(
        &mut self,
        slot: usize,
        place: usize,
        outcome: Outcome,
        at: Instant,
        peak: Option<f64>,
    ) -> Result<(), RunError> {
        let value = self.workers[slot].as_ref().and_then(|w| w.current.as_ref()).and_then(|c| c.value);
        let used = self.workers[slot].as_ref().is_some_and(|w| w.used);
        let pid = self.workers[slot].as_ref().map_or(0, |w| w.process.pid);
        let seconds = self.leave(slot, at);
        if let (Outcome::Done, None, Some(metric)) = (&outcome, value, &self.settings.metric) {
            return self.failed(place, Failure::Crash, self.without(slot, metric), seconds);
        }
        let measured = (seconds >= BRIEF && peak.is_none()).then(|| host::peak_memory_mib(pid)).flatten();
        let peak_is_bound = measured.is_some() && used && !host::reset_peak(pid);
        let class = self.classes[place];
        let (measured, peak_is_bound) = match self.graphics_peak(class) {
            Some(peak) => (Some(peak), true),
            None => (peak.or(measured), peak_is_bound),
        };
        let queued = &self.runs[place];
        let diverged = matches!(outcome, Outcome::Diverged { .. });
        let fact = Fact::Finished {
            time: host::unix_time(),
            run: queued.id().clone(),
            attempt: queued.attempt,
            seconds,
            outcome,
            peak_memory_mib: measured,
            peak_is_bound,
        };
        self.sink.fact(fact)?;
        self.summary.done += 1;
        self.summary.diverged += usize::from(diverged);
        self.seconds = Some(self.seconds.map_or(seconds, |mean| 0.8 * mean + 0.2 * seconds));
        self.results.push_back(at);
        if self.results.len() > LATELY {
            self.results.pop_front();
        }
        Ok(())
    }

    /// What is said of a run without a value of the sweep's metric: what it has instead, or where it should have been.
    fn without(&self, slot: usize, metric: &str) -> String {
        let line = format!("it ended without a value of the sweep's metric `{metric}`");
        let Some(pickup) = self.workers[slot].as_ref().and_then(|worker| worker.pickup.as_ref()) else { return line };
        let seen: Vec<&str> = pickup.metrics().collect();
        match seen.as_slice() {
            [] => {
                let trainer = &self.settings.trainer;
                let told = matches!(trainer, Trainer::Command { command, .. } if command.template.names(Place::RunDir));
                let help = if told { "" } else { "; the command has no `{run.dir}`" };
                format!("{line}: no numbers were found in its folder{help}")
            }
            seen if seen.len() > MANY => format!("{line}, but of {}, …", seen[..MANY].join(", ")),
            seen => format!("{line}, but of {}", seen.join(", ")),
        }
    }

    pub(super) fn stopped(&mut self, place: usize, seconds: f64) -> Result<(), RunError> {
        let queued = &self.runs[place];
        self.summary.stopped += 1;
        let fact =
            Fact::Stopped { time: host::unix_time(), run: queued.id().clone(), attempt: queued.attempt, seconds };
        Ok(self.sink.fact(fact)?)
    }

    /// Records a failure, and does what follows from it.
    pub(super) fn failed(
        &mut self,
        place: usize,
        failure: Failure,
        message: String,
        seconds: f64,
    ) -> Result<(), RunError> {
        // The program's own disk may be full; only where nothing can be written here would it be so for every run to come.
        if let Some(said) = cause::no_room(&message).filter(|_| failure == Failure::Crash)
            && room::is_full(self.settings.folders.root())
        {
            let said = said.trim().to_owned();
            self.stopped(place, seconds)?;
            return Err(RunError::Full(said));
        }
        let line = message.lines().next().unwrap_or_default().to_owned();
        let label = self.label(place);
        let queued = &mut self.runs[place];
        let log = self.settings.folders.log(queued.id(), queued.attempt);
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        queued.attempt += 1;
        let fact = Fact::Failed { time: host::unix_time(), run: run.clone(), attempt, seconds, failure, message };
        let same = failure == Failure::Crash && self.crashes.count(&self.settings.on_failure, &line);
        self.sink.fact(fact)?;
        if same && self.summary.stop_reason.is_none() {
            let times = self.settings.on_failure.stop_after.unwrap_or(1);
            self.watch.say(&format!("the same crash {times} times ({line}): nothing new is launched"));
            self.stop_all(StopReason::SameCrash(times));
        }
        match after_failure(&self.settings.on_failure, failure, &mut self.records[place]) {
            RetryDecision::Retry { alone, pause } if self.summary.stop_reason.is_none() => {
                let how = if alone { ", with its device to itself" } else { "" };
                self.watch.say(&format!("{label}: {failure}: {line}; it is tried again{how}"));
                let not_before = self.began.elapsed().as_secs_f64() + pause;
                self.queue.push_back(QueueEntry { run: place, class: self.classes[place], alone, not_before });
            }
            _ => {
                let log = if log.exists() { log } else { PathBuf::new() };
                let place = if log.as_os_str().is_empty() { String::new() } else { format!(" ({})", log.display()) };
                self.watch.say(&format!("{label}: {failure}: {line}{place}"));
                self.summary.failed.push(FailedRun { run, label, failure, message: line, log });
            }
        }
        Ok(())
    }

    /// A worker is gone.
    pub(super) fn ended(&mut self, slot: usize, ended: &Ended, at: Instant) -> Result<(), RunError> {
        if self.workers[slot].as_ref().is_some_and(|worker| worker.pickup.is_some()) {
            return self.command_ended(slot, ended, at);
        }
        let Some(mut worker) = self.workers[slot].take() else { return Ok(()) };
        self.machine.slots[slot].state = SlotState::Empty;
        let (last, trouble) = worker.process.last_words();
        trouble.iter().for_each(|trouble| self.watch.say(trouble));
        let current = worker.current.take();
        let began = current.as_ref().map(|current| current.began);
        let seconds = began.map_or(0.0, |began| at.saturating_duration_since(began).as_secs_f64());
        let why = worker.ending.map(|ending| ending.why);
        if current.is_none() {
            return self.ended_between(ended, why, worker.batch.into_iter(), &last);
        }
        let Some(place) = worker.batch.pop_front() else { return Ok(()) };
        self.requeue(worker.batch.into_iter());
        let (failure, line) = match why {
            Some(EndReason::Stop) => return self.stopped(place, seconds),
            // A scheduler that takes a task away tells every process of it, the worker perhaps before this one.
            None if self.settings.allotted.is_some() && ended.by_sigterm() => {
                return self.stopped(place, seconds);
            }
            Some(EndReason::Limit(failure, message)) => (failure, message),
            Some(EndReason::Fault(message)) => (Failure::Crash, format!("the worker is at fault: {message}")),
            _ => cause::of_end(ended, kernel_has_killed(ended, worker.kernel_kills), &last),
        };
        self.failed(place, failure, cause::message(line, &last), seconds)
    }

    /// A worker went while it executed nothing.
    fn ended_between(
        &mut self,
        ended: &Ended,
        why: Option<EndReason>,
        batch: impl DoubleEndedIterator<Item = usize>,
        last: &str,
    ) -> Result<(), RunError> {
        self.requeue(batch);
        if matches!(why, Some(EndReason::Dismissed | EndReason::Stop)) {
            return Ok(());
        }
        // It is not the fault of a run, so none fails; but a program that never gets as far ends the session.
        self.false_starts += 1;
        let (_, how) = cause::of_end(ended, false, last);
        let how = if let Some(EndReason::Fault(message)) = why { message } else { how };
        if self.false_starts >= super::run_loop::FALSE_STARTS {
            return Err(RunError::Worker { program: self.program(), message: cause::message(how, last) });
        }
        Ok(())
    }
}

/// Whether the kernel may have ended a process for want of memory: the command did not end well, and the kernel has
/// ended some since there were so many.
pub(super) fn kernel_has_killed(ended: &Ended, before: u64) -> bool {
    ended.code != Some(0) && host::out_of_memory_kills() > before
}
