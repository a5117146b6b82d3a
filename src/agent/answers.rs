//! Handles what workers say.

use super::run_loop::Agent;
use super::settings::Trainer;
use super::summary::RunError;
use super::worker::{CurrentRun, EndReason, Ready};
use super::{arrays, launch};
use crate::process::{cause, host};
use crate::record::{Answer, Fact, PROTOCOL, Provenance, Resume, RunId};
use crate::schedule::SlotState;
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Instant;

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
                self.sink.history(&run, self.runs[place].attempt, &rows)?;
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
                let attempt = self.runs[place].attempt;
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
                let attempt = self.runs[place].attempt;
                let checkpoint = self.settings.folders.checkpoints(&run).join(&file);
                self.runs[place].resume = Some(Resume { attempt, step, checkpoint });
                let fact = Fact::Checkpoint { time: host::unix_time(), run, attempt, step, guessed: false, file };
                Ok(self.sink.fact(fact)?)
            }
            Answer::Finished { run, outcome } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                self.finished(slot, place, outcome, at, None)
            }
            Answer::Failed { run, failure, message } => {
                let Some(place) = self.executing(slot, &run) else { return Ok(()) };
                let seconds = self.leave(slot, at);
                self.failed(place, failure, cause::message(message, last), seconds)
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
                    Some(EndReason::Limit(failure, message)) => self.failed(place, failure, message, seconds),
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
    pub(super) fn program(&self) -> PathBuf {
        match &self.settings.trainer {
            Trainer::Lab { program, .. } => program.clone(),
            Trainer::Command { command, .. } => PathBuf::from(command.template.text()),
        }
    }

    fn started(&mut self, slot: usize, run: &RunId, at: Instant) -> Result<(), RunError> {
        let Some(worker) = &mut self.workers[slot] else { return Ok(()) };
        let next = worker.batch.front().copied().filter(|&place| self.runs[place].id() == run);
        let Some(place) = next.filter(|_| worker.current.is_none()) else {
            self.fault(slot, &format!("it began run {run}, which is not its next"));
            return Ok(());
        };
        self.false_starts = 0;
        worker.current = Some(CurrentRun { place, began: at, last_number: at, step: 0, value: None });
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
        let queued = &self.runs[place];
        // A probe begins with a checkpoint and goes on from nothing.
        let resume = queued.resume.as_ref().filter(|_| self.settings.probe.is_none());
        let fact = Fact::Started {
            time: host::unix_time(),
            run: queued.id().clone(),
            attempt: queued.attempt,
            resume: resume.map(|resume| (resume.attempt, resume.step)),
            provenance: Box::new(provenance),
        };
        Ok(self.sink.fact(fact)?)
    }

    /// The run that the worker executes, if it is the one that it speaks of; else the worker is at fault.
    fn executing(&mut self, slot: usize, run: &RunId) -> Option<usize> {
        let current = self.workers[slot].as_ref().and_then(|w| w.current.as_ref()).map(|c| c.place);
        let place = current.filter(|&place| self.runs[place].id() == run);
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
        let queued = &self.runs[current.place];
        let work = self.settings.folders.work(queued.id(), queued.attempt);
        if std::fs::remove_dir(&work).is_ok()
            && let Some(folder) = work.parent()
        {
            let _ = std::fs::remove_dir(folder);
        }
        at.saturating_duration_since(current.began).as_secs_f64()
    }

    fn set_idle(&mut self, slot: usize) {
        if let Some(worker) = &self.workers[slot] {
            self.machine.slots[slot].state = SlotState::Idle(worker.class);
        }
    }

    /// The worker is at fault: it is killed, and its run fails.
    pub(super) fn fault(&mut self, slot: usize, message: &str) {
        if let Some(worker) = &mut self.workers[slot] {
            worker.end(EndReason::Fault(message.to_owned()), Instant::now());
            worker.process.signal(Signal::SIGKILL);
        }
    }
}
