//! A worker in its slot: what it was sent, what it executes, what its words and its end mean.

use super::arrays;
use super::backlog::Backlog;
use super::command::Output;
use super::current_run::CurrentRun;
use super::limits::{Limits, over};
use super::news::{AttemptEnd, KeptCheckpoint, News};
use super::recorder::{Peak, Ready};
use crate::presence::reservation::Reservation;
use crate::process::child::Process;
use crate::process::group::Ended;
use crate::process::{cause, host};
use crate::record::{Answer, Failure, Instruction, Layout, Outcome, PROTOCOL, Rows, RunId};
use crate::schedule::Class;
use nix::sys::signal::Signal;
use std::collections::VecDeque;
use std::time::Instant;

/// A run shorter than this (seconds) is not asked for its peak of memory: asking would cost as much as running.
const BRIEF: f64 = 0.2;

/// A worker in its slot.
pub struct Worker {
    /// Its process.
    pub process: Process,
    /// What it is.
    pub ready: Ready,
    /// Runs that it was sent and has not ended, in its order; the first executes or is next.
    pub batch: VecDeque<usize>,
    /// The memory class of its runs.
    pub class: Class,
    /// The run that it executes.
    pub current: Option<CurrentRun>,
    /// Why it was told to end, and when it is killed.
    pub ending: Option<Ending>,
    /// When it was started.
    pub began: Instant,
    /// What it writes, of a command.
    pub output: Option<Output>,
    /// Whether it has executed a run since the kernel last forgot its peak of memory.
    has_peaked: bool,
    /// Since when its process has been stopped (SIGSTOP).
    frozen: Option<Instant>,
    /// How often the kernel had ended processes for want of memory when the run began.
    kernel_kills: u64,
    /// What of the machine it holds.
    #[expect(dead_code, reason = "held as long as the worker is there")]
    reservation: Reservation,
}

/// That a worker was told to end.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Why.
    pub why: EndReason,
    /// When it is killed.
    pub deadline: Instant,
    /// Whether it was.
    pub killed: bool,
}

/// Why a worker was told to end.
#[derive(Clone, Debug, PartialEq)]
pub enum EndReason {
    /// A person or a signal.
    Stop,
    /// A limit, with what is said of it.
    Limit(Failure, String),
    /// It said something that the protocol does not have, or that is not true.
    Fault(String),
    /// A number that must be finite is not: the step, and which.
    Diverged(u64, String),
    /// There is nothing more to do, or its memory class is not wanted any more.
    Dismissed,
}

/// Why a worker is not believed.
#[derive(Debug, PartialEq)]
pub enum Untrue {
    /// It speaks another version of the protocol.
    Protocol(u32),
    /// What it says is not so, in words.
    Fault(String),
}

impl Worker {
    /// A worker that has just been started, a command with what it will write. `kernel_kills`: how often the kernel has
    /// ended processes for want of memory so far.
    pub fn new(
        process: Process,
        class: Class,
        reservation: Reservation,
        output: Option<Output>,
        kernel_kills: u64,
    ) -> Self {
        Self {
            process,
            ready: Ready::default(),
            batch: VecDeque::new(),
            class,
            current: None,
            ending: None,
            began: Instant::now(),
            output,
            has_peaked: false,
            frozen: None,
            kernel_kills,
            reservation,
        }
    }

    /// A run of its batch begins.
    pub fn begin(&mut self, place: usize, at: Instant, kernel_kills: u64) {
        self.current = Some(CurrentRun { peak_is_bound: self.has_peaked, ..CurrentRun::new(place, at) });
        self.kernel_kills = kernel_kills;
    }

    /// Asks for a checkpoint and an end: a built-in worker in words, a command (a stopped one too) by SIGTERM.
    pub fn ask_to_stop(&self) {
        if self.output.is_none() {
            self.process.send(&Instruction::Stop);
        } else {
            self.process.signal(Signal::SIGTERM);
            self.process.signal(Signal::SIGCONT);
        }
    }

    /// Tells why it ends; the first reason stays.
    pub fn end(&mut self, why: EndReason, deadline: Instant) {
        self.ending.get_or_insert(Ending { why, deadline, killed: false });
    }

    /// Ends it where it is over a limit, and kills it where it was told to end and did not.
    pub fn check(&mut self, limits: &Limits, now: Instant) {
        if let Some(ending) = &mut self.ending {
            if now >= ending.deadline && !ending.killed {
                ending.killed = true;
                self.process.signal(Signal::SIGKILL);
            }
            return;
        }
        let frozen = host::process(self.process.pid).is_some_and(|(state, _)| matches!(state, 'T' | 't'));
        self.frozen = frozen.then(|| self.frozen.unwrap_or(now));
        let Some(current) = &self.current else { return };
        let Some((failure, message)) = over(current, self.frozen, limits, now) else { return };
        self.end(EndReason::Limit(failure, message), now + limits.grace);
        self.ask_to_stop();
    }

    /// What an answer tells of the run that it executes; none where it tells of the worker alone.
    ///
    /// # Errors
    /// Where it cannot be believed.
    pub fn hear(
        &mut self,
        answer: Answer,
        last: &str,
        backlog: &Backlog,
        layout: &Layout,
    ) -> Result<Option<News>, Untrue> {
        let news = match answer {
            Answer::Ready { protocol: PROTOCOL, version, libtorch, .. } => {
                self.ready = Ready { version, libtorch };
                return Ok(None);
            }
            Answer::Ready { protocol, .. } => return Err(Untrue::Protocol(protocol)),
            Answer::Started { run } => {
                let next = self.batch.front().filter(|&&place| *backlog.run(place).id() == run);
                if next.is_none() || self.current.is_some() {
                    return Err(Untrue::Fault(format!("it began run {run}, which is not its next")));
                }
                News::Began
            }
            Answer::History { run, rows } => {
                self.executes(&run, backlog)?;
                let length = rows.step.len();
                if rows.elapsed.len() != length || rows.metrics.values().any(|column| column.len() != length) {
                    return Err(Untrue::Fault("the columns of its rows have different lengths".to_owned()));
                }
                News::Rows(vec![rows])
            }
            Answer::Arrays { run, step, file } => {
                let attempt = backlog.run(self.executes(&run, backlog)?).attempt;
                let arrays = arrays::take(&layout.work(&run, attempt), &file);
                News::Arrays(step, arrays.map_err(|error| Untrue::Fault(error.to_string()))?)
            }
            Answer::Checkpoint { run, step, file } => {
                self.executes(&run, backlog)?;
                let plain = !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\0']);
                let path = layout.checkpoints(&run).join(&file);
                if !plain || !path.is_file() {
                    return Err(Untrue::Fault(format!("the checkpoint `{file}` is not there")));
                }
                News::Checkpoint(KeptCheckpoint { step, path, file, guessed: false })
            }
            Answer::Finished { run, outcome } => {
                self.executes(&run, backlog)?;
                News::Over { end: AttemptEnd::Finished(outcome), rest_dropped: false }
            }
            Answer::Failed { run, failure, message } => {
                self.executes(&run, backlog)?;
                let end = AttemptEnd::Failed(failure, cause::message(message, last));
                News::Over { end, rest_dropped: false }
            }
            Answer::Stopped { run, .. } => {
                self.executes(&run, backlog)?;
                // It stays up, and takes the next run where there is one.
                let end = match self.ending.take().map(|ending| ending.why) {
                    Some(EndReason::Limit(failure, message)) => AttemptEnd::Failed(failure, message),
                    _ => AttemptEnd::Stopped,
                };
                News::Over { end, rest_dropped: true }
            }
        };
        Ok(Some(news))
    }

    /// The place of the run that it executes, if it is the one that it speaks of.
    fn executes(&self, run: &RunId, backlog: &Backlog) -> Result<usize, Untrue> {
        let current = self.current.as_ref().map(|current| current.place);
        let place = current.filter(|&place| backlog.run(place).id() == run);
        place.ok_or_else(|| Untrue::Fault(format!("it speaks of run {run}, which it does not execute")))
    }

    /// Its run has new rows.
    pub fn saw(&mut self, rows: &[Rows], metric: Option<&str>, at: Instant) {
        let Some(current) = &mut self.current else { return };
        let newest = rows.iter().filter_map(|rows| rows.step.last().copied()).max();
        let mut values = rows.iter().filter_map(|rows| rows.metrics.get(metric?)?.last());
        current.value = values.next_back().map(|value| value.0).or(current.value);
        current.step = newest.unwrap_or(current.step);
        if !rows.is_empty() {
            current.last_number = at;
        }
    }

    /// Its run is over: which that was. The next of its batch follows.
    pub fn leave(&mut self) -> Option<CurrentRun> {
        let current = self.current.take()?;
        self.batch.pop_front();
        self.has_peaked = true;
        Some(current)
    }

    /// What the end of its process means for the run that it executed. `last`: the last lines of the log; `allotted`:
    /// whether a scheduler gave the machine, and may take it away.
    pub fn end_of(&self, ended: &Ended, last: &str, allotted: bool) -> AttemptEnd {
        match self.ending.as_ref().map(|ending| &ending.why) {
            Some(EndReason::Diverged(step, quantity)) => {
                AttemptEnd::Finished(Outcome::Diverged { step: *step, quantity: quantity.clone() })
            }
            Some(EndReason::Stop) => AttemptEnd::Stopped,
            Some(EndReason::Limit(failure, line)) => AttemptEnd::Failed(*failure, cause::message(line.clone(), last)),
            // A scheduler that takes a task away tells every process of it, the worker perhaps before this one.
            None if allotted && ended.by_sigterm() => AttemptEnd::Stopped,
            Some(EndReason::Fault(fault)) => {
                let line = format!("the worker is at fault: {fault}");
                AttemptEnd::Failed(Failure::Crash, cause::message(line, last))
            }
            _ if self.output.is_some() && ended.code == Some(0) => AttemptEnd::Finished(Outcome::Done),
            _ => {
                // The kernel may have ended it for want of memory: it has ended some since the run began.
                let kernel_oom = ended.code != Some(0) && host::out_of_memory_kills() > self.kernel_kills;
                let (failure, line) = cause::of_end(ended, kernel_oom, last);
                AttemptEnd::Failed(failure, cause::message(line, last))
            }
        }
    }

    /// The most memory that a run had which has just left, as its process tells it.
    pub fn peak(&mut self, run: &CurrentRun, seconds: f64) -> Peak {
        if seconds < BRIEF {
            return Peak::default();
        }
        let mib = host::peak_memory_mib(self.process.pid);
        self.has_peaked = !host::reset_peak(self.process.pid);
        Peak { mib, is_bound: mib.is_some() && run.peak_is_bound }
    }
}
