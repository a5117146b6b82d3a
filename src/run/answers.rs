//! What the loop does with what workers say, and with their ends.

use super::agent::Agent;
use super::group::Ended;
use super::settings::Trainer;
use super::summary::{Early, FailedRun, RunError};
use super::worker::{Current, Ready, Why};
use super::{arrays, cause, host, launch};
use crate::record::{Answer, Fact, Failure, Outcome, PROTOCOL, Provenance, Resume, RunId};
use crate::schedule::{Next, State, Waiting, after_failure};
use crate::spec::Place;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Instant;

/// A run shorter than this (seconds) is not asked for its peak of memory: asking would cost as much as running.
const BRIEF: f64 = 0.2;
/// How many metrics are named at most.
const MANY: usize = 8;
/// How many results the rate is measured over.
const LATELY: usize = 64;

impl Agent<'_> {
    pub(super) fn answer(&mut self, slot: usize, answer: Answer, last: &str, at: Instant) -> Result<(), RunError> {
        if let Some(worker) = &mut self.workers[slot] {
            worker.last_news = at;
        }
        match answer {
            Answer::Ready { protocol, version, libtorch, .. } => self.ready(slot, protocol, version, libtorch),
            Answer::Started { run } => self.started(slot, &run, at),
            Answer::History { run, rows } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let length = rows.step.len();
                if rows.elapsed.len() != length || rows.metrics.values().any(|column| column.len() != length) {
                    self.fault(slot, "the columns of its rows have different lengths");
                    return Ok(());
                }
                self.sink.history(&run, self.tasks[place].attempt, &rows)?;
                let metric = self.settings.metric.as_deref();
                let values = metric.and_then(|metric| rows.metrics.get(metric));
                if let Some(current) = self.workers[slot].as_mut().and_then(|w| w.current.as_mut()) {
                    current.last_number = at;
                    current.step = rows.step.last().copied().unwrap_or(current.step);
                    current.value = values.and_then(|v| v.last()).map(|x| x.0).or(current.value);
                }
                Ok(())
            }
            Answer::Arrays { run, step, file } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let attempt = self.tasks[place].attempt;
                match arrays::take(&self.settings.folders.work(&run, attempt), &file) {
                    Ok(arrays) => self.sink.arrays(&run, attempt, step, arrays)?,
                    Err(error) => self.fault(slot, &error.to_string()),
                }
                Ok(())
            }
            Answer::Checkpoint { run, step, file } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let plain = !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\0']);
                if !plain || !self.settings.folders.checkpoints(&run).join(&file).is_file() {
                    self.fault(slot, &format!("the checkpoint `{file}` is not there"));
                    return Ok(());
                }
                let attempt = self.tasks[place].attempt;
                let checkpoint = self.settings.folders.checkpoints(&run).join(&file);
                self.tasks[place].resume = Some(Resume { attempt, step, checkpoint });
                let fact = Fact::Checkpoint { time: host::unix_time(), run, attempt, step, file };
                Ok(self.sink.fact(fact)?)
            }
            Answer::Finished { run, outcome } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                self.finished(slot, place, outcome, at, None)
            }
            Answer::Failed { run, failure, message } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let message = if last.is_empty() { message } else { format!("{message}\n{last}") };
                let seconds = self.leave(slot, at);
                self.failed(place, failure, message, seconds)
            }
            Answer::Stopped { run, .. } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let why = self.workers[slot].as_mut().and_then(|w| w.ending.take()).map(|ending| ending.why);
                let seconds = self.leave(slot, at);
                // The worker has dropped the rest of what it was sent.
                let rest = self.workers[slot].as_mut().map(|w| std::mem::take(&mut w.batch)).unwrap_or_default();
                self.requeue(rest.into_iter());
                // It stays up, and takes the next run where there is one.
                self.set_idle(slot);
                match why {
                    Some(Why::Limit(failure, message)) => self.failed(place, failure, message, seconds),
                    _ => self.stopped(place, seconds),
                }
            }
        }
    }

    fn ready(&mut self, slot: usize, theirs: u32, version: String, libtorch: String) -> Result<(), RunError> {
        if theirs != PROTOCOL {
            return Err(RunError::Protocol { program: self.program(), theirs, ours: PROTOCOL });
        }
        if let Some(worker) = &mut self.workers[slot] {
            worker.ready = Some(Ready { version, libtorch });
        }
        Ok(())
    }

    /// The program of the workers.
    fn program(&self) -> PathBuf {
        match &self.settings.trainer {
            Trainer::Lab { program, .. } => program.clone(),
            Trainer::Command { command, .. } => PathBuf::from(command.template.text()),
        }
    }

    fn started(&mut self, slot: usize, run: &RunId, at: Instant) -> Result<(), RunError> {
        let Some(worker) = &mut self.workers[slot] else { return Ok(()) };
        let next = worker.batch.front().copied().filter(|&place| self.tasks[place].id() == run);
        let Some(place) = next.filter(|_| worker.current.is_none()) else {
            self.fault(slot, &format!("it began run {run}, which is not its next"));
            return Ok(());
        };
        self.false_starts = 0;
        worker.current = Some(Current { task: place, began: at, last_number: at, step: 0, value: None });
        worker.kernel_kills = self.kernel_kills;
        self.record_start(slot, place)
    }

    /// Records that an attempt began.
    pub(super) fn record_start(&mut self, slot: usize, place: usize) -> Result<(), RunError> {
        let device = launch::device(&self.machine, slot).unwrap_or_else(|| "cpu".to_owned());
        let Some(worker) = &self.workers[slot] else { return Ok(()) };
        let ready = worker.ready.clone().unwrap_or_default();
        let provenance = Provenance {
            pid: worker.process.pid,
            group: worker.process.pid,
            start_time: worker.process.start_time,
            device,
            version: ready.version,
            libtorch: ready.libtorch,
            ..self.provenance.clone()
        };
        let task = &self.tasks[place];
        // A probe begins with a checkpoint and goes on from nothing.
        let resume = task.resume.as_ref().filter(|_| self.settings.probe.is_none());
        let fact = Fact::Started {
            time: host::unix_time(),
            run: task.id().clone(),
            attempt: task.attempt,
            resume: resume.map(|resume| (resume.attempt, resume.step)),
            provenance: Box::new(provenance),
        };
        Ok(self.sink.fact(fact)?)
    }

    /// The run that the worker executes, if it is the one that it speaks of; else the worker is at fault.
    fn executing(&mut self, slot: usize, run: &RunId) -> Option<usize> {
        let current = self.workers[slot].as_ref().and_then(|w| w.current.as_ref()).map(|c| c.task);
        let place = current.filter(|&place| self.tasks[place].id() == run);
        if place.is_none() {
            self.fault(slot, &format!("it speaks of run {run}, which it does not execute"));
        }
        place
    }

    /// The worker's run is over: how long it took. The worker is idle once its batch is empty.
    pub(super) fn leave(&mut self, slot: usize, at: Instant) -> f64 {
        let Some(worker) = &mut self.workers[slot] else { return 0.0 };
        let Some(current) = worker.current.take() else { return 0.0 };
        worker.batch.pop_front();
        worker.used = true;
        if worker.batch.is_empty() {
            self.set_idle(slot);
        }
        // The folder of an attempt that left nothing in it goes; one with files in it stays.
        let task = &self.tasks[current.task];
        let work = self.settings.folders.work(task.id(), task.attempt);
        if std::fs::remove_dir(&work).is_ok()
            && let Some(folder) = work.parent()
        {
            let _ = std::fs::remove_dir(folder);
        }
        at.saturating_duration_since(current.began).as_secs_f64()
    }

    fn set_idle(&mut self, slot: usize) {
        if let Some(worker) = &self.workers[slot] {
            self.machine.slots[slot].state = State::Idle(worker.class);
        }
    }

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
        let task = &self.tasks[place];
        let diverged = matches!(outcome, Outcome::Diverged { .. });
        let fact = Fact::Finished {
            time: host::unix_time(),
            run: task.id().clone(),
            attempt: task.attempt,
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
        let task = &self.tasks[place];
        self.summary.stopped += 1;
        let fact = Fact::Stopped { time: host::unix_time(), run: task.id().clone(), attempt: task.attempt, seconds };
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
        // It would be so for every run to come, and is the fault of none.
        if let Some(said) = cause::no_room(&message).filter(|_| failure == Failure::Crash) {
            let said = said.trim().to_owned();
            self.stopped(place, seconds)?;
            return Err(RunError::Full(said));
        }
        let line = message.lines().next().unwrap_or_default().to_owned();
        let label = self.label(place);
        let task = &mut self.tasks[place];
        let log = self.settings.folders.log(task.id(), task.attempt);
        let (run, attempt) = (task.id().clone(), task.attempt);
        task.attempt += 1;
        let fact = Fact::Failed { time: host::unix_time(), run: run.clone(), attempt, seconds, failure, message };
        let same = failure == Failure::Crash && self.crashes.count(&self.settings.on_failure, &line);
        self.sink.fact(fact)?;
        if same && self.summary.early.is_none() {
            let times = self.settings.on_failure.stop_after.unwrap_or(1);
            self.watch.say(&format!("the same crash {times} times ({line}): nothing new is launched"));
            self.stop_all(Early::SameCrash(times));
        }
        match after_failure(&self.settings.on_failure, failure, &mut self.records[place]) {
            Next::Again { alone, pause } if self.summary.early.is_none() => {
                let how = if alone { ", with its device to itself" } else { "" };
                self.watch.say(&format!("{label}: {failure}: {line}; it is tried again{how}"));
                let not_before = self.began.elapsed().as_secs_f64() + pause;
                self.queue.push_back(Waiting { run: place, class: self.classes[place], alone, not_before });
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

    /// The worker is at fault: it is killed, and its run fails.
    pub(super) fn fault(&mut self, slot: usize, message: &str) {
        if let Some(worker) = &mut self.workers[slot] {
            worker.end(Why::Fault(message.to_owned()), Instant::now());
            worker.process.signal(libc::SIGKILL);
        }
    }

    /// A worker is gone.
    pub(super) fn ended(&mut self, slot: usize, ended: &Ended, at: Instant) -> Result<(), RunError> {
        if self.workers[slot].as_ref().is_some_and(|worker| worker.pickup.is_some()) {
            return self.command_ended(slot, ended, at);
        }
        let Some(mut worker) = self.workers[slot].take() else { return Ok(()) };
        self.machine.slots[slot].state = State::Empty;
        let (last, trouble) = {
            let mut logs = worker.process.logs.lock().unwrap_or_else(PoisonError::into_inner);
            (logs.last_lines(), logs.trouble())
        };
        if let Some(trouble) = trouble {
            self.watch.say(&trouble);
        }
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
            Some(Why::Stop) => return self.stopped(place, seconds),
            // A scheduler that takes a task away tells every process of it, the worker perhaps before this one.
            None if self.settings.allotted.is_some() && ended.by_sigterm() => {
                return self.stopped(place, seconds);
            }
            Some(Why::Limit(failure, message)) => (failure, message),
            Some(Why::Fault(message)) => (Failure::Crash, format!("the worker is at fault: {message}")),
            _ => cause::of_end(ended, kernel_has_killed(ended, worker.kernel_kills), &last),
        };
        let message = if last.is_empty() { line } else { format!("{line}\n{last}") };
        self.failed(place, failure, message, seconds)
    }

    /// A worker went while it executed nothing.
    fn ended_between(
        &mut self,
        ended: &Ended,
        why: Option<Why>,
        batch: impl DoubleEndedIterator<Item = usize>,
        last: &str,
    ) -> Result<(), RunError> {
        self.requeue(batch);
        if matches!(why, Some(Why::Dismissed | Why::Stop)) {
            return Ok(());
        }
        // It is not the fault of a run, so none fails; but a program that never gets as far ends the session.
        self.false_starts += 1;
        let (_, how) = cause::of_end(ended, false, last);
        let how = if let Some(Why::Fault(message)) = why { message } else { how };
        if self.false_starts >= super::agent::FALSE_STARTS {
            let message = if last.is_empty() { how } else { format!("{how}\n{last}") };
            return Err(RunError::Worker { program: self.program(), message });
        }
        Ok(())
    }
}

/// Whether the kernel may have ended a process for want of memory: it was killed, and the kernel has ended some since
/// there were so many.
pub(super) fn kernel_has_killed(ended: &Ended, before: u64) -> bool {
    ended.signal == Some(libc::SIGKILL) && host::out_of_memory_kills() > before
}
