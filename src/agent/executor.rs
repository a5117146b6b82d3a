//! Executes runs: starts what the decision says, follows what workers tell, ends attempts.

use super::backlog::Backlog;
use super::command::Output;
use super::graphics::Graphics;
use super::launch;
use super::limits::Limits;
use super::news::{AttemptEnd, News};
use super::outcomes::{Conclusion, Outcomes};
use super::recorder::{Peak, Ready};
use super::settings::{QueuedRun, Settings, Trainer};
use super::sink::Sink;
use super::slots::Slots;
use super::summary::{FailedRun, RunError};
use super::view::Snapshot;
use super::worker::{EndReason, Untrue, Worker};
use super::workers::Workers;
use crate::presence::reservation::Reservation;
use crate::presence::view::Watch;
use crate::process::cause;
use crate::process::group::Ended;
use crate::process::log::Log;
use crate::process::{Event, StopReason};
use crate::record::{Answer, Failure, Outcome, PROTOCOL, Reading, Resume, RunId};
use crate::schedule::{Class, Machine, Start, batch_size, decide};
use crate::spec::Command;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

/// How many workers in a row may end before they take a run.
const FALSE_STARTS: u32 = 3;

/// Executes the runs of a backlog in the slots of a machine.
pub struct Executor<'a> {
    settings: Settings,
    pub(super) backlog: Backlog,
    pub(super) slots: Slots,
    pub(super) workers: Workers,
    pub(super) outcomes: Outcomes<'a>,
    pub(super) watch: &'a mut dyn Watch,
    pub(super) began: Instant,
    /// Workers in a row that ended before they took a run.
    false_starts: u32,
}

impl<'a> Executor<'a> {
    /// Of these runs on this machine. `events`: where what workers say goes.
    pub fn new(
        settings: Settings,
        runs: Vec<QueuedRun>,
        (machine, graphics): (Machine, Option<Graphics>),
        (sink, watch): (&'a mut dyn Sink, &'a mut dyn Watch),
        events: SyncSender<Event>,
    ) -> Self {
        let limits = Limits { time: settings.resources.time, stall: settings.resources.stall, grace: settings.grace };
        Self {
            backlog: Backlog::new(runs, settings.axes.clone(), graphics.is_some()),
            workers: Workers::new(machine.slots.len(), limits, events),
            slots: Slots::new(&settings, machine, graphics),
            outcomes: Outcomes::new(&settings, sink),
            watch,
            began: Instant::now(),
            false_starts: 0,
            settings,
        }
    }

    /// The parts that people see.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            settings: &self.settings,
            backlog: &self.backlog,
            slots: &self.slots,
            workers: &self.workers,
            summary: &self.outcomes.summary,
            pace: &self.outcomes.pace,
        }
    }

    /// Whether nothing executes and nothing will.
    pub fn is_over(&self) -> bool {
        self.workers.are_gone() && (self.backlog.queue().is_empty() || self.outcomes.summary.stop_reason.is_some())
    }

    /// Starts what can start, and ends the workers that nothing is left for.
    pub fn start_what_can(&mut self) -> Result<(), RunError> {
        if self.outcomes.summary.stop_reason.is_none() && !self.backlog.queue().is_empty() {
            let now = self.began.elapsed().as_secs_f64();
            let machine = self.slots.machine();
            let batch = match self.settings.trainer {
                Trainer::Lab { .. } => {
                    batch_size(self.backlog.queue().len(), machine.usable(), self.outcomes.pace.seconds())
                }
                Trainer::Command { .. } => 1,
            };
            for start in decide(self.backlog.queue(), machine, batch, now) {
                self.start(&start)?;
            }
        }
        if self.outcomes.summary.stop_reason.is_some() || self.backlog.queue().is_empty() {
            self.workers.dismiss_idle();
        }
        Ok(())
    }

    fn start(&mut self, start: &Start) -> Result<(), RunError> {
        if start.replace {
            // The slot is empty once the old worker is gone; the runs stay in the queue until then.
            self.workers.dismiss(start.slot);
            self.slots.occupy(start.slot, start.class, start.alone, false);
            return Ok(());
        }
        let mut reservation = None;
        if self.workers.get(start.slot).is_none() {
            reservation = self.slots.reserve(start.slot);
            if reservation.is_none() {
                return Ok(());
            }
        }
        self.backlog.take(&start.runs);
        self.slots.occupy(start.slot, start.class, start.alone, reservation.is_some());
        let device = self.slots.device(start.slot);
        match self.settings.trainer.clone() {
            Trainer::Lab { program, name } => {
                if let Some(reservation) = reservation {
                    let command = launch::worker(&program, &self.settings, device.clone());
                    let started = self.workers.start(start.slot, command, start.class, reservation);
                    started.map_err(|cause| RunError::Program { program, cause })?;
                }
                let runs = start.runs.iter().map(|&place| self.backlog.run(place));
                let instruction = launch::instruction(&self.settings, &name, device, runs.clone());
                let folders = &self.settings.folders;
                let logs = runs.map(|queued| (queued.id().clone(), folders.log(queued.id(), queued.attempt)));
                self.workers.send(start.slot, (&start.runs, start.class), &instruction, logs);
            }
            Trainer::Command { command, folder, version } => {
                for &place in &start.runs {
                    let reservation = reservation.take().unwrap_or_default();
                    self.start_command((&command, &folder, &version), (start.slot, start.class), place, reservation)?;
                }
            }
        }
        Ok(())
    }

    /// Starts the command of a run in a slot.
    fn start_command(
        &mut self,
        (command, folder, version): (&Arc<Command>, &Path, &str),
        (slot, class): (usize, Class),
        place: usize,
        reservation: Reservation,
    ) -> Result<(), RunError> {
        let (queued, folders) = (self.backlog.run(place), &self.settings.folders);
        let work = folders.work(queued.id(), queued.attempt);
        let log = Log::new(folders.log(queued.id(), queued.attempt));
        let started = std::fs::create_dir_all(&work)
            .map_err(|error| format!("cannot make {}: {error}", work.display()))
            .and_then(|()| launch::command(command, folder, queued, &self.settings, self.slots.device(slot)))
            .and_then(|prepared| {
                let program = prepared.get_program().to_string_lossy().into_owned();
                let checkpoints = folders.checkpoints(queued.id());
                let output = Output::new(command, &work, checkpoints, queued.attempt, queued.resume.clone());
                let workers = &mut self.workers;
                let started = workers.start_command(slot, (prepared, log, output), place, class, reservation);
                started.map_err(|error| format!("cannot start `{program}`: {error}"))
            });
        if let Err(message) = started {
            // The run fails as if it had begun, so that the record says why.
            self.slots.empty(slot);
            let end = AttemptEnd::Failed(Failure::Crash, message);
            return self.conclude(place, end, 0.0, Peak::default(), Instant::now());
        }
        if let Some(worker) = self.workers.get_mut(slot) {
            worker.ready = Ready { version: version.to_owned(), libtorch: String::new() };
        }
        self.record_start(slot, place)
    }

    /// Takes what a built-in worker says. `last`: the last lines of its log.
    pub fn answer(&mut self, slot: usize, answer: Answer, last: &str, at: Instant) -> Result<(), RunError> {
        let Some(worker) = self.workers.get_mut(slot) else { return Ok(()) };
        match worker.hear(answer, last, &self.backlog, &self.settings.folders) {
            Ok(Some(News::Began)) => {
                self.false_starts = 0;
                self.workers.begin(slot, at);
                self.take(slot, News::Began, at)
            }
            Ok(Some(news)) => self.take(slot, news, at),
            Ok(None) => Ok(()),
            Err(Untrue::Protocol(theirs)) => {
                Err(RunError::Protocol { program: self.program(), theirs, ours: PROTOCOL })
            }
            Err(Untrue::Fault(message)) => {
                self.workers.fault(slot, message);
                Ok(())
            }
        }
    }

    /// Takes what commands have written.
    pub fn look_at_commands(&mut self) -> Result<(), RunError> {
        for slot in 0..self.slots.machine().slots.len() {
            let Some(worker) = self.workers.get_mut(slot) else { continue };
            let step = worker.current.as_ref().map_or(0, |current| current.step);
            let news = worker.output.as_mut().map(|output| output.look(step)).unwrap_or_default();
            for news in news {
                self.take(slot, news, Instant::now())?;
            }
        }
        Ok(())
    }

    /// Takes news of the run that the worker in a slot executes.
    fn take(&mut self, slot: usize, news: News, at: Instant) -> Result<(), RunError> {
        let Some(place) = self.workers.current(slot).map(|current| current.place) else { return Ok(()) };
        let queued = self.backlog.run(place);
        match news {
            News::Began => self.record_start(slot, place)?,
            News::Rows(rows) => {
                for rows in &rows {
                    self.outcomes.recorder.history(queued, rows)?;
                }
                if let Some(worker) = self.workers.get_mut(slot) {
                    worker.saw(&rows, self.settings.metric.as_deref(), at);
                }
            }
            News::Arrays(step, arrays) => self.outcomes.recorder.arrays(queued, step, arrays)?,
            News::Checkpoint(kept) => {
                let attempt = queued.attempt;
                self.backlog.resume_from(place, Resume { attempt, step: kept.step, checkpoint: kept.path });
                self.outcomes.recorder.checkpoint(self.backlog.run(place), kept.step, kept.guessed, kept.file)?;
            }
            News::Restarted => self.begin_anew(slot, place)?,
            News::Diverged(step, quantity) => self.workers.diverged(slot, step, quantity),
            News::Note(note) => self.watch.say(&note),
            News::Over { end, rest_dropped } => self.leave(slot, end, rest_dropped, at)?,
        }
        Ok(())
    }

    /// What was handed on of this attempt is void, and its history follows again: rows are never taken back, so it
    /// follows as the next attempt, which the same process executes. It goes on from where the process did, and the
    /// process's newest checkpoint is its own.
    fn begin_anew(&mut self, slot: usize, place: usize) -> Result<(), RunError> {
        let output = self.workers.get(slot).and_then(|worker| worker.output.as_ref());
        let (origin, guessed) = output.map_or((None, false), |output| (output.origin.clone(), output.is_guessed()));
        self.outcomes.recorder.stopped(self.backlog.run(place), 0.0)?;
        let own = self.backlog.begin_anew(place, origin);
        self.record_start(slot, place)?;
        if let Some(own) = own {
            let step = own.step;
            let file = own.checkpoint.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let attempt = self.backlog.run(place).attempt;
            self.backlog.resume_from(place, Resume { attempt, ..own });
            self.outcomes.recorder.checkpoint(self.backlog.run(place), step, guessed, file)?;
        }
        Ok(())
    }

    /// Records that an attempt began.
    fn record_start(&mut self, slot: usize, place: usize) -> Result<(), RunError> {
        let device = self.slots.device(slot).unwrap_or_else(|| "cpu".to_owned());
        let Some(worker) = self.workers.get(slot) else { return Ok(()) };
        Ok(self.outcomes.recorder.started(self.backlog.run(place), &worker.process, &worker.ready, device)?)
    }

    /// The run of a built-in worker is over; the worker stays, and executes the next of its batch or waits.
    fn leave(&mut self, slot: usize, end: AttemptEnd, rest_dropped: bool, at: Instant) -> Result<(), RunError> {
        let Some(worker) = self.workers.get_mut(slot) else { return Ok(()) };
        let Some(run) = worker.leave() else { return Ok(()) };
        if rest_dropped {
            self.backlog.put_back(std::mem::take(&mut worker.batch).into_iter());
        }
        if worker.batch.is_empty() {
            self.slots.idle(slot, worker.class);
        }
        let seconds = at.saturating_duration_since(run.began).as_secs_f64();
        let end = judged(end, run.value, self.settings.metric.as_deref(), None);
        let peak = if let AttemptEnd::Finished(_) = end { worker.peak(&run, seconds) } else { Peak::default() };
        self.conclude(run.place, end, seconds, peak, at)
    }

    /// A worker is gone.
    pub fn ended(&mut self, slot: usize, ended: &Ended, at: Instant) -> Result<(), RunError> {
        self.take_rest(slot, ended, at)?;
        let Some(mut worker) = self.workers.take(slot) else { return Ok(()) };
        self.slots.empty(slot);
        let (last, trouble) = worker.process.last_words();
        trouble.iter().for_each(|trouble| self.watch.say(trouble));
        let Some(run) = worker.leave() else { return self.ended_between(worker, ended, &last) };
        self.backlog.put_back(std::mem::take(&mut worker.batch).into_iter());
        self.record_reading(run.place, &mut worker)?;
        let end = worker.end_of(ended, &last, self.settings.allotted.is_some());
        let end = judged(end, run.value, self.settings.metric.as_deref(), worker.output.as_ref());
        let seconds = at.saturating_duration_since(run.began).as_secs_f64();
        let peak = Peak { mib: Some(ended.peak_memory_mib), is_bound: false };
        self.conclude(run.place, end, seconds, peak, at)
    }

    /// The last numbers and checkpoints of a command that has ended.
    fn take_rest(&mut self, slot: usize, ended: &Ended, at: Instant) -> Result<(), RunError> {
        let well = ended.code == Some(0);
        if let Some(output) = self.output(slot) {
            output.end(well);
        }
        while let Some((news, more)) = self.output(slot).map(Output::rest) {
            for news in news {
                self.take(slot, news, at)?;
            }
            if !more {
                break;
            }
        }
        let told_to_end = self.workers.get(slot).is_some_and(|worker| worker.ending.is_some());
        if !well || told_to_end {
            let step = self.workers.current(slot).map_or(0, |current| current.step);
            for news in self.output(slot).map(|output| output.last_checkpoint(step)).unwrap_or_default() {
                self.take(slot, news, at)?;
            }
        }
        Ok(())
    }

    fn output(&mut self, slot: usize) -> Option<&mut Output> {
        self.workers.get_mut(slot)?.output.as_mut()
    }

    /// Records what the files of a command gave, and says it in the log and to people.
    fn record_reading(&mut self, place: usize, worker: &mut Worker) -> Result<(), RunError> {
        let Some(output) = &mut worker.output else { return Ok(()) };
        let (queued, folders) = (self.backlog.run(place), &self.settings.folders);
        let log = folders.log(queued.id(), queued.attempt);
        // Attempts that one process executed have one log.
        if queued.attempt != output.first_attempt {
            let _ = std::fs::hard_link(folders.log(queued.id(), output.first_attempt), &log);
        }
        let reading = output.reading();
        for note in &reading.notes {
            self.watch.say(&format!("{}: {note}", self.backlog.label(place)));
            // Who reads the log later must find it too; a log that cannot be written says so by itself.
            let file = OpenOptions::new().create(true).append(true).open(&log);
            let _ = file.and_then(|mut file| writeln!(file, "tessera: {note}"));
        }
        if reading != Reading::default() {
            self.outcomes.recorder.read(queued, reading)?;
        }
        Ok(())
    }

    /// A worker went while it executed nothing.
    fn ended_between(&mut self, worker: Worker, ended: &Ended, last: &str) -> Result<(), RunError> {
        self.backlog.put_back(worker.batch.into_iter());
        let why = worker.ending.map(|ending| ending.why);
        if matches!(why, Some(EndReason::Dismissed | EndReason::Stop)) {
            return Ok(());
        }
        // It is not the fault of a run, so none fails; but a program that never gets as far ends the session.
        self.false_starts += 1;
        let (_, how) = cause::of_end(ended, false, last);
        let how = if let Some(EndReason::Fault(message)) = why { message } else { how };
        if self.false_starts >= FALSE_STARTS {
            return Err(RunError::Worker { program: self.program(), message: cause::message(how, last) });
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

    /// An attempt is over. `peak`: its memory as its process tells it; what a GPU tells counts more.
    fn conclude(
        &mut self,
        place: usize,
        end: AttemptEnd,
        seconds: f64,
        peak: Peak,
        at: Instant,
    ) -> Result<(), RunError> {
        let on_gpu = self.slots.peak(self.backlog.class(place));
        let peak = on_gpu.map_or(peak, |peak| Peak { mib: Some(peak), is_bound: true });
        let now = self.began.elapsed().as_secs_f64();
        let attempt = Conclusion { place, end, seconds, peak, at };
        if self.outcomes.conclude(attempt, &mut self.backlog, self.watch, now)? {
            self.workers.stop(false);
        }
        Ok(())
    }

    /// Nothing new starts and workers are told to stop; with `kill` they are killed.
    pub fn stop(&mut self, why: StopReason, kill: bool) {
        self.outcomes.summary.stop_reason.get_or_insert(why);
        self.workers.stop(kill);
    }

    /// These runs are stopped, whether they wait or execute; with `kill` they are killed.
    pub fn stop_runs(&mut self, runs: &[RunId], kill: bool) {
        self.outcomes.summary.stopped += self.backlog.cancel(runs);
        let backlog = &self.backlog;
        self.workers.stop_runs(|place| runs.contains(backlog.run(place).id()), kill);
    }

    /// These runs are tried again where they failed for good; none: all that did.
    pub fn retry(&mut self, runs: &[RunId]) {
        let is_meant = |failed: &mut FailedRun| runs.is_empty() || runs.contains(&failed.run);
        for failed in self.outcomes.summary.failed.extract_if(.., is_meant) {
            self.backlog.try_again(&failed.run);
        }
    }
}

/// An end with a result needs a value of the sweep's metric. `output`: what there is instead, of a command.
fn judged(end: AttemptEnd, value: Option<f64>, metric: Option<&str>, output: Option<&Output>) -> AttemptEnd {
    match (&end, value, metric) {
        (AttemptEnd::Finished(Outcome::Done), None, Some(metric)) => {
            let instead = output.map(Output::instead).unwrap_or_default();
            let line = format!("it ended without a value of the sweep's metric `{metric}`{instead}");
            AttemptEnd::Failed(Failure::Crash, line)
        }
        _ => end,
    }
}
