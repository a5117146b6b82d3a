//! Executes commands: one process a run. Its numbers are picked up from the files that it writes.

use super::command::{newest, retain};
use super::ends::kernel_has_killed;
use super::run_loop::Agent;
use super::summary::RunError;
use super::worker::{CurrentRun, EndReason, Ready, Worker};
use super::{arrays, launch};
use crate::pickup::{Picked, Pickup, Said};
use crate::presence::reservation::Reservation;
use crate::process::child::Process;
use crate::process::group::Ended;
use crate::process::log::Log;
use crate::process::{cause, host};
use crate::record::{Fact, Failure, Outcome, Reading, Resume};
use crate::schedule::{Class, SlotState};
use crate::spec::Command;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// A checkpoint that nothing has written to for so long is whole.
const SETTLED: Duration = Duration::from_secs(1);

impl Agent<'_> {
    /// Starts the command of a run in a slot.
    pub(super) fn start_command(
        &mut self,
        slot: usize,
        place: usize,
        command: &Command,
        folder: &Path,
        class: Class,
        reservation: Reservation,
    ) -> Result<(), RunError> {
        let queued = &self.runs[place];
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        let work = self.settings.folders.work(&run, attempt);
        let log = Log::new(self.settings.folders.log(&run, attempt));
        let prepared = std::fs::create_dir_all(&work)
            .map_err(|error| format!("cannot make {}: {error}", work.display()))
            .and_then(|()| launch::command(command, folder, queued, &self.settings, &self.machine, slot));
        let number = self.next_number();
        let started = prepared.and_then(|prepared| {
            let program = prepared.get_program().to_string_lossy().into_owned();
            Process::command(prepared, log, number, self.sender.clone())
                .map_err(|error| format!("cannot start `{program}`: {error}"))
        });
        let process = match started {
            Ok(process) => process,
            Err(message) => {
                // The run fails as if it had begun, so that the record says why.
                self.machine.slots[slot].state = SlotState::Empty;
                return self.failed(place, Failure::Crash, message, 0.0);
            }
        };
        let pickup = Pickup::new(&work, &command.metrics, Some(host::unix_time()));
        let now = Instant::now();
        let mut worker = Worker::new(process, class, reservation);
        worker.pickup = Some(pickup);
        worker.batch.push_back(place);
        worker.first_attempt = attempt;
        worker.origin = self.runs[place].resume.clone();
        worker.kernel_kills = self.kernel_kills;
        worker.current = Some(CurrentRun { place, began: now, last_number: now, step: 0, value: None });
        if let super::Trainer::Command { version, .. } = &self.settings.trainer {
            worker.ready = Some(Ready { version: version.clone(), libtorch: String::new() });
        }
        self.workers[slot] = Some(worker);
        self.record_start(slot, place)
    }

    /// Picks up what commands have written.
    pub(super) fn pick_up_all(&mut self) -> Result<(), RunError> {
        for slot in 0..self.workers.len() {
            self.pick_up(slot, false)?;
        }
        Ok(())
    }

    fn pick_up(&mut self, slot: usize, finish: bool) -> Result<(), RunError> {
        self.retain_checkpoints(slot);
        loop {
            let Some(worker) = &mut self.workers[slot] else { return Ok(()) };
            let Some(pickup) = &mut worker.pickup else { return Ok(()) };
            let picked = if finish { pickup.finish() } else { pickup.poll() };
            match picked {
                Ok(picked) => {
                    let more = picked.more;
                    self.take_picked(slot, picked)?;
                    if !finish {
                        return self.keep_newest(slot, SETTLED);
                    }
                    if !more {
                        return Ok(());
                    }
                }
                Err(error) => {
                    // At the end it is a note of the run, which is said with the others.
                    if finish {
                        worker.unread = Some(error.to_string());
                    } else {
                        self.watch.say(&error.to_string());
                    }
                    return Ok(());
                }
            }
        }
    }

    fn take_picked(&mut self, slot: usize, picked: Picked) -> Result<(), RunError> {
        let Some(place) = self.workers[slot].as_ref().and_then(|w| w.current.as_ref()).map(|c| c.place) else {
            return Ok(());
        };
        let run = self.runs[place].id().clone();
        if picked.restarted {
            self.begin_anew(slot, place)?;
        }
        let attempt = self.runs[place].attempt;
        let metric = self.settings.metric.clone();
        let newest = picked.rows.iter().filter_map(|rows| rows.step.last().copied()).max();
        for rows in &picked.rows {
            self.sink.history(&run, attempt, rows)?;
            let values = metric.as_ref().and_then(|metric| rows.metrics.get(metric));
            if let Some(current) = self.workers[slot].as_mut().and_then(|w| w.current.as_mut()) {
                current.last_number = Instant::now();
                current.step = newest.unwrap_or(current.step);
                current.value = values.and_then(|v| v.last()).map(|x| x.0).or(current.value);
            }
        }
        for said in picked.arrays {
            let file = said.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match arrays::take(said.path.parent().unwrap_or(Path::new(".")), &file) {
                Ok(arrays) => self.sink.arrays(&run, attempt, said.step, arrays)?,
                Err(error) => self.watch.say(&error.to_string()),
            }
        }
        for said in picked.checkpoints {
            self.keep_checkpoint(slot, place, &said, false)?;
        }
        if let (Some((step, quantity)), Some(worker)) = (picked.diverged, &mut self.workers[slot]) {
            worker.end(EndReason::Diverged(step, quantity), Instant::now() + self.settings.grace);
            worker.ask_to_stop();
        }
        Ok(())
    }

    /// Keeps a file that a program wrote as a checkpoint of its run. `guessed`: its step is not known for certain.
    fn keep_checkpoint(&mut self, slot: usize, place: usize, said: &Said, guessed: bool) -> Result<(), RunError> {
        let (run, attempt) = (self.runs[place].id().clone(), self.runs[place].attempt);
        let name = said.path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("step-{}-{name}", said.step);
        let folder = self.settings.folders.checkpoints(&run);
        let kept = folder.join(&file);
        // A link costs no room; where the file systems differ it is copied. An older link goes first: copying onto
        // it would write to the file itself.
        let _ = std::fs::remove_file(&kept);
        let outcome = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::hard_link(&said.path, &kept))
            .or_else(|_| std::fs::copy(&said.path, &kept).map(|_| ()));
        if let Err(error) = outcome {
            self.watch.say(&format!("cannot keep the checkpoint {}: {error}", said.path.display()));
            return Ok(());
        }
        if let Some(worker) = &mut self.workers[slot] {
            worker.guessed = guessed;
        }
        self.runs[place].resume = Some(Resume { attempt, step: said.step, checkpoint: kept });
        self.sink.fact(Fact::Checkpoint { time: host::unix_time(), run, attempt, step: said.step, guessed, file })?;
        Ok(())
    }

    /// What was handed on of this attempt is void, and its history follows again: rows are never taken back, so it
    /// follows as the next attempt, which the same process executes. It goes on from where the process did, and the
    /// process's newest checkpoint is its own.
    fn begin_anew(&mut self, slot: usize, place: usize) -> Result<(), RunError> {
        let (origin, guessed) = match &self.workers[slot] {
            Some(worker) => (worker.origin.clone(), worker.guessed),
            None => (None, false),
        };
        let queued = &mut self.runs[place];
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        let own = std::mem::replace(&mut queued.resume, origin).filter(|resume| resume.attempt == attempt);
        queued.attempt += 1;
        let attempt = queued.attempt;
        self.sink.fact(Fact::Stopped {
            time: host::unix_time(),
            run: run.clone(),
            attempt: attempt - 1,
            seconds: 0.0,
        })?;
        self.record_start(slot, place)?;
        if let Some(own) = own {
            let (time, step) = (host::unix_time(), own.step);
            let file = own.checkpoint.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.runs[place].resume = Some(Resume { attempt, ..own });
            self.sink.fact(Fact::Checkpoint { time, run, attempt, step, guessed, file })?;
        }
        Ok(())
    }

    /// Keeps the newest checkpoint that matches the spec's pattern, once nothing has written to it for a while: the next
    /// attempt goes on from it, after a power cut too.
    fn keep_newest(&mut self, slot: usize, wait: Duration) -> Result<(), RunError> {
        let super::Trainer::Command { command, .. } = &self.settings.trainer else { return Ok(()) };
        // Without a template to go on with, a program would begin at its first step again.
        let (Some(checkpoints), Some(_)) = (&command.checkpoints, &command.resume) else { return Ok(()) };
        let Some(worker) = &mut self.workers[slot] else { return Ok(()) };
        let (Some(pickup), Some(current)) = (&worker.pickup, &worker.current) else { return Ok(()) };
        let place = current.place;
        match newest(pickup.folder(), checkpoints) {
            Ok(Some(found)) if worker.kept.as_ref() != Some(&found) => {
                // A name that does not tell the step: it holds what had been recorded when it was first seen.
                let sighted = worker.sighted.take().filter(|(seen, _)| *seen == found).map(|(_, step)| step);
                let step = sighted.or(pickup.newest()).unwrap_or(current.step);
                if !found.is_settled(wait) {
                    worker.sighted = Some((found, step));
                    return Ok(());
                }
                let said = Said { step: found.step.unwrap_or(step + 1), path: found.path.clone() };
                let (keep, guessed) = (checkpoints.keep.unwrap_or(1).max(1) as usize, found.step.is_none());
                worker.kept = Some(found);
                self.keep_checkpoint(slot, place, &said, guessed)?;
                self.drop_older(slot, keep);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.watch.say(&format!("cannot look for checkpoints: {error}"));
                Ok(())
            }
        }
    }

    /// Lets go of kept checkpoints but the newest, so that what the program deletes takes no room.
    fn drop_older(&mut self, slot: usize, keep: usize) {
        let Some(current) = self.workers[slot].as_ref().and_then(|worker| worker.current.as_ref()) else { return };
        let folder = self.settings.folders.checkpoints(self.runs[current.place].id());
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        // By time, as the program wrote them: a program that was started again counts its steps anew.
        let age = |file: std::fs::DirEntry| {
            let step = kept_step(&file.file_name())?;
            Some((file.metadata().ok()?.modified().ok()?, step, file.path()))
        };
        let mut kept: Vec<_> = entries.filter_map(age).collect();
        kept.sort();
        kept.truncate(kept.len().saturating_sub(keep));
        for (_, _, path) in kept {
            if let Err(error) = std::fs::remove_file(&path) {
                self.watch.say(&format!("cannot delete {}: {error}", path.display()));
            }
        }
    }

    /// Deletes older checkpoints that the spec does not keep.
    fn retain_checkpoints(&mut self, slot: usize) {
        let super::Trainer::Command { command, .. } = &self.settings.trainer else { return };
        let Some(checkpoints) = command.checkpoints.as_ref().filter(|c| c.keep.is_some()) else { return };
        let Some(pickup) = self.workers[slot].as_ref().and_then(|w| w.pickup.as_ref()) else { return };
        if let Err(error) = retain(pickup.folder(), checkpoints) {
            self.watch.say(&format!("cannot delete older checkpoints: {error}"));
        }
    }

    /// A command has ended: its last numbers, then its result.
    pub(super) fn command_ended(&mut self, slot: usize, ended: &Ended, at: Instant) -> Result<(), RunError> {
        if let Some(pickup) = self.workers[slot].as_mut().and_then(|worker| worker.pickup.as_mut()) {
            pickup.end(ended.code == Some(0));
        }
        self.pick_up(slot, true)?;
        let told_to_end = self.workers[slot].as_ref().is_some_and(|worker| worker.ending.is_some());
        if ended.code != Some(0) || told_to_end {
            self.keep_newest(slot, Duration::ZERO)?;
        }
        let Some(worker) = &mut self.workers[slot] else { return Ok(()) };
        let Some(place) = worker.batch.front().copied() else { return Ok(()) };
        let mut reading = worker.pickup.as_ref().map(Pickup::reading).unwrap_or_default();
        reading.notes.extend(worker.unread.take());
        reading.first = reading.first.filter(|_| worker.origin.is_some());
        let why = worker.ending.take().map(|ending| ending.why);
        let kernel_oom = kernel_has_killed(ended, worker.kernel_kills);
        // Attempts that one process executed have one log.
        let (queued, folders) = (&self.runs[place], &self.settings.folders);
        if queued.attempt != worker.first_attempt {
            let first = folders.log(queued.id(), worker.first_attempt);
            let _ = std::fs::hard_link(first, folders.log(queued.id(), queued.attempt));
        }
        let (last, trouble) = worker.process.last_words();
        trouble.iter().for_each(|trouble| self.watch.say(trouble));
        let log = self.settings.folders.log(self.runs[place].id(), self.runs[place].attempt);
        for note in &reading.notes {
            let label = self.label(place);
            self.watch.say(&format!("{label}: {note}"));
            // Who reads the log later must find it too; a log that cannot be written says so by itself.
            let _ = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&log)
                .and_then(|mut f| writeln!(f, "tessera: {note}"));
        }
        if reading != Reading::default() {
            let (run, attempt) = (self.runs[place].id().clone(), self.runs[place].attempt);
            self.sink.fact(Fact::Read { time: host::unix_time(), run, attempt, reading })?;
        }
        let peak = Some(ended.peak_memory_mib);
        let outcome = match why {
            Some(EndReason::Diverged(step, quantity)) => {
                self.finished(slot, place, Outcome::Diverged { step, quantity }, at, peak)
            }
            Some(EndReason::Stop) => {
                let seconds = self.leave(slot, at);
                self.stopped(place, seconds)
            }
            Some(EndReason::Limit(failure, line)) => {
                let seconds = self.leave(slot, at);
                self.failed(place, failure, cause::message(line, &last), seconds)
            }
            // A scheduler that takes a task away tells every process of it, the worker perhaps before this one.
            None if self.settings.allotted.is_some() && ended.by_sigterm() => {
                let seconds = self.leave(slot, at);
                self.stopped(place, seconds)
            }
            _ if ended.code == Some(0) => self.finished(slot, place, Outcome::Done, at, peak),
            _ => {
                let seconds = self.leave(slot, at);
                let (failure, line) = cause::of_end(ended, kernel_oom, &last);
                self.failed(place, failure, cause::message(line, &last), seconds)
            }
        };
        self.workers[slot] = None;
        self.machine.slots[slot].state = SlotState::Empty;
        outcome
    }
}

/// The step in the name under which a checkpoint is kept: `step-50-last.pt`.
fn kept_step(name: &std::ffi::OsStr) -> Option<u64> {
    name.to_str()?.strip_prefix("step-")?.split('-').next()?.parse().ok()
}
