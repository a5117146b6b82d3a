//! The workers of an agent, one a slot: starts them, sends them runs, ends them.

use super::command::Output;
use super::current_run::CurrentRun;
use super::limits::Limits;
use super::worker::{EndReason, Worker};
use crate::presence::reservation::Reservation;
use crate::process::child::Process;
use crate::process::host;
use crate::process::log::Log;
use crate::process::{Event, WorkerEvent};
use crate::record::{Instruction, RunId};
use crate::schedule::Class;
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::process::Command;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// How long the wait for the end of killed workers sleeps at a time.
const TICK: Duration = Duration::from_millis(100);

/// The workers, by slot.
pub struct Workers {
    slots: Vec<Option<Worker>>,
    limits: Limits,
    events: SyncSender<Event>,
    /// The number of the newest worker.
    number: u64,
    /// How often the kernel had ended processes for want of memory when it was last asked.
    kernel_kills: u64,
}

impl Workers {
    /// None yet, in so many slots. `events`: where what they say goes.
    pub fn new(slots: usize, limits: Limits, events: SyncSender<Event>) -> Self {
        let slots = (0..slots).map(|_| None).collect();
        Self { slots, limits, events, number: 0, kernel_kills: host::out_of_memory_kills() }
    }

    /// Starts a built-in worker in a slot.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(
        &mut self,
        slot: usize,
        command: Command,
        class: Class,
        reservation: Reservation,
    ) -> std::io::Result<()> {
        self.number += 1;
        let process = Process::worker(command, self.number, self.events.clone())?;
        self.slots[slot] = Some(Worker::new(process, class, reservation, None, self.kernel_kills));
        Ok(())
    }

    /// Starts the command of a run in a slot; it executes from now on.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start_command(
        &mut self,
        slot: usize,
        (command, log, output): (Command, Log, Output),
        place: usize,
        class: Class,
        reservation: Reservation,
    ) -> std::io::Result<()> {
        self.number += 1;
        let process = Process::command(command, log, self.number, self.events.clone())?;
        let mut worker = Worker::new(process, class, reservation, Some(output), self.kernel_kills);
        worker.batch.push_back(place);
        worker.begin(place, Instant::now(), self.kernel_kills);
        self.slots[slot] = Some(worker);
        Ok(())
    }

    /// Sends runs of a class to the built-in worker in a slot. `logs`: where what it says of each goes.
    pub fn send(
        &mut self,
        slot: usize,
        (places, class): (&[usize], Class),
        instruction: &Instruction,
        logs: impl Iterator<Item = (RunId, PathBuf)>,
    ) {
        let Some(worker) = &mut self.slots[slot] else { return };
        {
            let mut expected = worker.process.logs.lock().unwrap_or_else(PoisonError::into_inner);
            logs.for_each(|(run, log)| expected.expect(run, log));
        }
        worker.batch.extend(places);
        worker.class = class;
        worker.process.send(instruction);
    }

    /// The run that a worker was told of begins.
    pub fn begin(&mut self, slot: usize, at: Instant) {
        let kills = self.kernel_kills;
        if let Some(worker) = &mut self.slots[slot]
            && let Some(&place) = worker.batch.front()
        {
            worker.begin(place, at, kills);
        }
    }

    /// The worker in a slot.
    pub fn get(&self, slot: usize) -> Option<&Worker> {
        self.slots[slot].as_ref()
    }

    /// The worker in a slot.
    pub fn get_mut(&mut self, slot: usize) -> Option<&mut Worker> {
        self.slots[slot].as_mut()
    }

    /// Takes the worker out of a slot: it is gone.
    pub fn take(&mut self, slot: usize) -> Option<Worker> {
        self.slots[slot].take()
    }

    /// What the worker in a slot executes.
    pub fn current(&self, slot: usize) -> Option<&CurrentRun> {
        self.slots[slot].as_ref()?.current.as_ref()
    }

    /// The slot of the worker with this number.
    pub fn slot_of(&self, number: u64) -> Option<usize> {
        self.slots.iter().position(|worker| worker.as_ref().is_some_and(|worker| worker.process.number == number))
    }

    /// All slots in their order, each with its worker.
    pub fn by_slot(&self) -> impl Iterator<Item = Option<&Worker>> {
        self.slots.iter().map(Option::as_ref)
    }

    /// Whether no worker is there.
    pub fn are_gone(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// How many runs were sent and have not ended.
    pub fn sent(&self) -> usize {
        self.slots.iter().flatten().map(|worker| worker.batch.len()).sum()
    }

    /// Ends the worker in a slot, which has nothing to do.
    pub fn dismiss(&mut self, slot: usize) {
        let deadline = Instant::now() + self.limits.grace;
        if let Some(worker) = &mut self.slots[slot] {
            worker.process.close();
            worker.end(EndReason::Dismissed, deadline);
        }
    }

    /// Ends all workers that have nothing to do.
    pub fn dismiss_idle(&mut self) {
        for slot in 0..self.slots.len() {
            let idle = |worker: &Worker| worker.batch.is_empty() && worker.ending.is_none();
            if self.slots[slot].as_ref().is_some_and(idle) {
                self.dismiss(slot);
            }
        }
    }

    /// Tells all workers to stop; with `kill` they are killed.
    pub fn stop(&mut self, kill: bool) {
        for worker in self.slots.iter_mut().flatten() {
            if kill {
                worker.end(EndReason::Stop, Instant::now());
                worker.process.signal(Signal::SIGKILL);
            } else if worker.ending.is_none() && !worker.batch.is_empty() {
                worker.end(EndReason::Stop, Instant::now() + 3 * self.limits.grace);
                worker.ask_to_stop();
                // What it has not begun it drops; then the end of its input ends it.
                worker.process.close();
            }
        }
    }

    /// Tells the workers that execute such runs, by their places, to stop; with `kill` they are killed.
    pub fn stop_runs(&mut self, is_meant: impl Fn(usize) -> bool, kill: bool) {
        let deadline = Instant::now() + 3 * self.limits.grace;
        for worker in self.slots.iter_mut().flatten() {
            if !worker.current.as_ref().is_some_and(|current| is_meant(current.place)) {
                continue;
            }
            worker.end(EndReason::Stop, deadline);
            if kill {
                worker.process.signal(Signal::SIGKILL);
            } else {
                worker.ask_to_stop();
            }
        }
    }

    /// The worker in a slot is at fault: it is killed, and its run fails.
    pub fn fault(&mut self, slot: usize, message: String) {
        if let Some(worker) = &mut self.slots[slot] {
            worker.end(EndReason::Fault(message), Instant::now());
            worker.process.signal(Signal::SIGKILL);
        }
    }

    /// The run of a command has a number that must be finite and is not: it ends.
    pub fn diverged(&mut self, slot: usize, step: u64, quantity: String) {
        let deadline = Instant::now() + self.limits.grace;
        if let Some(worker) = &mut self.slots[slot] {
            worker.end(EndReason::Diverged(step, quantity), deadline);
            worker.ask_to_stop();
        }
    }

    /// Ends what is over a limit, and kills what was told to end and did not.
    pub fn check_limits(&mut self) {
        self.kernel_kills = host::out_of_memory_kills();
        let now = Instant::now();
        self.slots.iter_mut().flatten().for_each(|worker| worker.check(&self.limits, now));
    }

    /// Kills all workers, and waits a while for their end.
    pub fn abandon(&mut self, events: &Receiver<Event>) {
        for worker in self.slots.iter_mut().flatten() {
            worker.process.close();
            worker.process.signal(Signal::SIGKILL);
        }
        let deadline = Instant::now() + self.limits.grace;
        while !self.are_gone() && Instant::now() < deadline {
            if let Ok(Event::Worker(number, _, WorkerEvent::Ended(_))) = events.recv_timeout(TICK)
                && let Some(slot) = self.slot_of(number)
            {
                self.slots[slot] = None;
            }
        }
    }
}
