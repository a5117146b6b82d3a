//! Carries out decisions: reserves slots, starts workers, hands runs to them.

use super::launch;
use super::run_loop::Agent;
use super::settings::{Probing, Trainer};
use super::summary::RunError;
use super::worker::{EndReason, Worker};
use crate::presence::reservation::Reservation;
use crate::process::child::Process;
use crate::record::{Job, ProbeJob, Request};
use crate::schedule::{QueueEntry, SlotState, Start, batch_size, decide};
use std::sync::PoisonError;
use std::time::Instant;

impl Agent<'_> {
    /// Starts what the decision says.
    pub(super) fn start_what_can(&mut self) -> Result<(), RunError> {
        if self.queue.is_empty() {
            return Ok(());
        }
        let now = self.began.elapsed().as_secs_f64();
        let batch = match self.settings.trainer {
            Trainer::Lab { .. } => batch_size(self.queue.len(), self.machine.usable(), self.seconds),
            Trainer::Command { .. } => 1,
        };
        for start in decide(&self.queue, &self.machine, batch, now) {
            self.start(start)?;
        }
        Ok(())
    }

    fn start(&mut self, start: Start) -> Result<(), RunError> {
        if start.replace {
            if let Some(worker) = &mut self.workers[start.slot] {
                worker.process.close();
                worker.end(EndReason::Dismissed, Instant::now() + self.settings.grace);
                self.machine.slots[start.slot].state = SlotState::Busy { class: start.class, alone: start.alone };
            }
            // The slot is empty once the old worker is gone; the runs stay in the queue until then.
            return Ok(());
        }
        let mut reservation = None;
        if self.workers[start.slot].is_none() {
            match self.reserve(start.slot) {
                Ok(held) => reservation = Some(held),
                Err(who) => {
                    self.machine.slots[start.slot].state = SlotState::Held(who);
                    return Ok(());
                }
            }
        }
        self.unqueue(&start.runs);
        self.machine.slots[start.slot].state = SlotState::Busy { class: start.class, alone: start.alone };
        // Until the next look nobody knows what a new worker takes.
        if reservation.is_some() && self.graphics.is_some() {
            for &gpu in &self.machine.slots[start.slot].gpus {
                self.machine.gpus[gpu].settling_until = Some(f64::INFINITY);
            }
        }
        match self.settings.trainer.clone() {
            Trainer::Lab { program, name } => {
                if let Some(reservation) = reservation {
                    let number = self.next_number();
                    let command = launch::worker(&program, &self.settings, &self.machine, start.slot);
                    let process = Process::worker(command, number, self.sender.clone());
                    let process = process.map_err(|cause| RunError::Program { program, cause })?;
                    self.workers[start.slot] = Some(Worker::new(process, start.class, reservation));
                }
                self.send(&start, &name);
            }
            Trainer::Command { command, folder, .. } => {
                for &place in &start.runs {
                    let reservation = reservation.take().unwrap_or_default();
                    self.start_command(start.slot, place, &command, &folder, start.class, reservation)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Holds a slot's share of the machine against other tessera processes; else in words who has it.
    fn reserve(&self, slot: usize) -> Result<Reservation, String> {
        let what = format!("run of `{}`", self.settings.sweep);
        let gpus = &self.machine.slots[slot].gpus;
        if gpus.is_empty() {
            let cores = self.settings.resources.cpu.max(1) as usize;
            let all = std::thread::available_parallelism().map_or(1, usize::from).max(self.workers.len() * cores);
            let names: Vec<String> = (0..all).map(|core| format!("cpu-{core}")).collect();
            return self.reservations.hold_any(&names, cores, &what);
        }
        // A GPU is held in twelfths: halves, thirds, quarters and sixths come out even.
        let parts = (self.settings.resources.gpu * 12.0).ceil().clamp(1.0, 12.0) as usize;
        let mut held = Reservation::default();
        for &gpu in gpus {
            let uuid = &self.machine.gpus[gpu].uuid;
            let names: Vec<String> = (0..12).map(|part| format!("{}-{part}", uuid.replace('/', "_"))).collect();
            held.join(self.reservations.hold_any(&names, parts, &what)?);
        }
        Ok(held)
    }

    fn send(&mut self, start: &Start, trainer: &str) {
        let Some(worker) = &mut self.workers[start.slot] else { return };
        let folders = &self.settings.folders;
        let device = if self.machine.slots[start.slot].gpus.is_empty() { "cpu" } else { "cuda:0" };
        let jobs = start.runs.iter().map(|&place| {
            let queued = &self.runs[place];
            Job {
                trainer: trainer.to_owned(),
                run: queued.id().clone(),
                attempt: queued.attempt,
                dir: folders.work(queued.id(), queued.attempt),
                checkpoints: folders.checkpoints(queued.id()),
                cache: folders.cache(),
                parameters: queued.parameters(&self.settings.common),
                seed: queued.planned.seed,
                device: device.to_owned(),
                threads: self.settings.resources.cpu,
                resume: queued.resume.clone(),
            }
        });
        let jobs: Vec<Job> = jobs.collect();
        {
            let mut logs = worker.process.logs.lock().unwrap_or_else(PoisonError::into_inner);
            for job in &jobs {
                logs.expect(job.run.clone(), folders.log(&job.run, job.attempt));
            }
        }
        worker.batch.extend(&start.runs);
        worker.alone = start.alone;
        worker.class = start.class;
        worker.last_news = Instant::now();
        worker.process.send(&match &self.settings.probe {
            None => Request::Train { runs: jobs },
            Some(Probing { what, batches }) => {
                let probe = |job| ProbeJob { job, what: what.clone(), batches: *batches };
                Request::Probe { runs: jobs.into_iter().map(probe).collect() }
            }
        });
    }

    /// Takes runs off the queue; they are near its front.
    fn unqueue(&mut self, runs: &[usize]) {
        for run in runs {
            if let Some(place) = self.queue.iter().position(|waiting| waiting.run == *run) {
                self.queue.remove(place);
            }
        }
    }

    /// Puts runs back to the front of the queue, in their order.
    pub(super) fn requeue(&mut self, runs: impl DoubleEndedIterator<Item = usize>) {
        for run in runs.rev() {
            let alone = self.records[run].was_alone;
            self.queue.push_front(QueueEntry { run, class: self.classes[run], alone, not_before: 0.0 });
        }
    }
}
