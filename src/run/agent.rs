//! The loop: asks the pure decision what to start, starts it, and hands on what workers say, until nothing is left.

use super::graphics::Graphics;
use super::heartbeat::Pulse;
use super::process::{Event, Happening, Process};
use super::reservation::{Reservation, Reservations};
use super::settings::{Probing, Settings, Task, Trainer};
use super::summary::{Early, RunError, Summary};
use super::view::{Watch, label};
use super::worker::{Why, Worker};
use super::{Sink, host, launch};
use crate::record::{Job, ProbeJob, Request};
use crate::schedule::{Class, Crashes, Machine, Record, Start, State, Waiting, batch_size, decide};
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long the loop waits for an event before it looks at clocks.
const TICK: Duration = Duration::from_millis(100);
/// How often numbers are made safe.
const COMMIT: Duration = Duration::from_millis(700);
/// How often people are shown the state.
const SHOW: Duration = Duration::from_millis(200);
/// How often limits are looked at.
const CHECK: Duration = Duration::from_millis(500);
/// How many workers in a row may end before they take a run.
pub(super) const FALSE_STARTS: u32 = 3;

/// Executes runs on the slots of this machine.
pub struct Agent<'a> {
    pub(super) settings: Settings,
    pub(super) tasks: Vec<Task>,
    pub(super) records: Vec<Record>,
    /// The memory class of each run.
    pub(super) classes: Vec<Class>,
    pub(super) queue: VecDeque<Waiting>,
    pub(super) machine: Machine,
    pub(super) workers: Vec<Option<Worker>>,
    pub(super) sink: &'a mut dyn Sink,
    pub(super) watch: &'a mut dyn Watch,
    pub(super) events: Receiver<Event>,
    pub(super) sender: SyncSender<Event>,
    pub(super) summary: Summary,
    pub(super) crashes: Crashes,
    pub(super) provenance: crate::record::Provenance,
    /// Mean seconds of a run, lately.
    pub(super) seconds: Option<f64>,
    /// When results came, lately.
    pub(super) results: VecDeque<Instant>,
    pub(super) began: Instant,
    pub(super) signals: u32,
    pub(super) false_starts: u32,
    pub(super) graphics: Option<Graphics>,
    pub(super) pulse: Pulse,
    reservations: Reservations,
    number: u64,
}

impl<'a> Agent<'a> {
    /// An agent with its runs, in their order, and the machine to execute them on.
    pub fn new(
        settings: Settings,
        tasks: Vec<Task>,
        machine: Machine,
        graphics: Option<Graphics>,
        sink: &'a mut dyn Sink,
        watch: &'a mut dyn Watch,
    ) -> Self {
        // Workers wait when the loop is this far behind, so that memory is bounded.
        let (sender, events) = sync_channel(4096);
        let on_gpus = graphics.is_some();
        let classes: Vec<Class> = tasks.iter().map(|task| if on_gpus { task.class() } else { 0 }).collect();
        let waiting = |run| Waiting { run, class: classes[run], alone: false, not_before: 0.0 };
        let provenance = crate::record::Provenance {
            host: host::host_name(),
            boot: host::boot_id(),
            git: settings.git.clone(),
            spec: settings.spec.clone(),
            threads: settings.resources.cpu,
            ..Default::default()
        };
        let pulse = Pulse::new(settings.folders.sweep(), &settings.agent);
        Self {
            queue: (0..tasks.len()).map(waiting).collect(),
            classes: classes.clone(),
            records: vec![Record::default(); tasks.len()],
            workers: machine.slots.iter().map(|_| None).collect(),
            settings,
            tasks,
            machine,
            sink,
            watch,
            events,
            sender,
            summary: Summary::default(),
            crashes: Crashes::default(),
            provenance,
            seconds: None,
            results: VecDeque::new(),
            began: Instant::now(),
            signals: 0,
            false_starts: 0,
            graphics,
            pulse,
            reservations: Reservations::new(),
            number: 0,
        }
    }

    /// Where signals are sent to.
    pub fn sender(&self) -> SyncSender<Event> {
        self.sender.clone()
    }

    /// Executes all runs, and returns how that went.
    ///
    /// # Errors
    /// When the store takes nothing more or no worker can be had; workers are ended first.
    pub fn run(mut self) -> Result<Summary, RunError> {
        let outcome = self.work();
        if outcome.is_err() {
            self.abandon();
        }
        self.watch.finish();
        outcome?;
        self.summary.left = self.queue.len();
        self.summary.seconds = self.began.elapsed().as_secs_f64();
        Ok(self.summary)
    }

    fn work(&mut self) -> Result<(), RunError> {
        let (mut committed, mut shown, mut checked) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            if self.summary.early.is_none() {
                self.start_what_can()?;
            }
            self.dismiss_idle();
            if self.workers.iter().all(Option::is_none) && (self.queue.is_empty() || self.summary.early.is_some()) {
                break;
            }
            match self.events.recv_timeout(TICK) {
                Ok(event) => self.take(event)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            // What has come meanwhile is taken at once, but not for so long that clocks are forgotten.
            let until = Instant::now() + TICK;
            while let Ok(event) = self.events.try_recv() {
                self.take(event)?;
                if Instant::now() >= until {
                    break;
                }
            }
            let now = Instant::now();
            if now - checked >= CHECK {
                checked = now;
                self.check_limits();
                self.pick_up_all()?;
                self.take_requests()?;
                self.look_at_machine();
            }
            if now - committed >= COMMIT {
                committed = now;
                self.sink.commit()?;
            }
            if now - shown >= SHOW {
                shown = now;
                let view = self.view();
                self.watch.show(&view);
                if self.pulse.is_due() {
                    self.beat(view);
                }
            }
        }
        self.sink.commit()?;
        let view = self.view();
        self.watch.show(&view);
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), RunError> {
        match event {
            Event::Signal => {
                self.signals += 1;
                self.stop_all(Early::Stopped);
                Ok(())
            }
            Event::Worker(number, at, happening) => {
                let slot = self.workers.iter().position(|w| w.as_ref().is_some_and(|w| w.process.number == number));
                let Some(slot) = slot else { return Ok(()) };
                match happening {
                    Happening::Answer(answer, last) => self.answer(slot, answer, &last, at),
                    Happening::Garbage(line) => {
                        self.fault(slot, &format!("it said what is no answer: {line}"));
                        Ok(())
                    }
                    Happening::Ended(ended) => self.ended(slot, &ended, at),
                }
            }
        }
    }

    fn start_what_can(&mut self) -> Result<(), RunError> {
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
                worker.end(Why::Dismissed, Instant::now() + self.settings.grace);
                self.machine.slots[start.slot].state = State::Busy { class: start.class, alone: start.alone };
            }
            // The slot is empty once the old worker is gone; the runs stay in the queue until then.
            return Ok(());
        }
        let mut reservation = None;
        if self.workers[start.slot].is_none() {
            match self.reserve(start.slot) {
                Ok(held) => reservation = Some(held),
                Err(who) => {
                    self.machine.slots[start.slot].state = State::Held(who);
                    return Ok(());
                }
            }
        }
        self.unqueue(&start.runs);
        self.machine.slots[start.slot].state = State::Busy { class: start.class, alone: start.alone };
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
            let task = &self.tasks[place];
            Job {
                trainer: trainer.to_owned(),
                run: task.id().clone(),
                attempt: task.attempt,
                dir: folders.work(task.id(), task.attempt),
                checkpoints: folders.checkpoints(task.id()),
                cache: folders.cache().to_owned(),
                parameters: task.parameters(&self.settings.common),
                seed: task.planned.seed,
                device: device.to_owned(),
                threads: self.settings.resources.cpu,
                resume: task.resume.clone(),
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
            self.queue.push_front(Waiting { run, class: self.classes[run], alone, not_before: 0.0 });
        }
    }

    /// Workers with nothing left to do end.
    fn dismiss_idle(&mut self) {
        if !self.queue.is_empty() && self.summary.early.is_none() {
            return;
        }
        for worker in self.workers.iter_mut().flatten() {
            if worker.batch.is_empty() && worker.ending.is_none() {
                worker.process.close();
                worker.end(Why::Dismissed, Instant::now() + self.settings.grace);
            }
        }
    }

    /// Nothing new starts and workers are told to stop; at the second signal they are killed.
    pub(super) fn stop_all(&mut self, why: Early) {
        self.summary.early.get_or_insert(why);
        let kill = self.signals > 1;
        for worker in self.workers.iter_mut().flatten() {
            if kill {
                worker.end(Why::Stop, Instant::now());
                worker.process.signal(libc::SIGKILL);
            } else if worker.ending.is_none() && !worker.batch.is_empty() {
                let deadline = Instant::now() + 3 * self.settings.grace;
                worker.end(Why::Stop, deadline);
                worker.ask_to_stop();
                // What it has not begun it drops; then the end of its input ends it.
                worker.process.close();
            }
        }
    }

    /// Ends all workers after an error that ends the session.
    fn abandon(&mut self) {
        for worker in self.workers.iter_mut().flatten() {
            worker.process.close();
            worker.process.signal(libc::SIGKILL);
        }
        let deadline = Instant::now() + self.settings.grace;
        while self.workers.iter().any(Option::is_some) && Instant::now() < deadline {
            if let Ok(Event::Worker(number, _, Happening::Ended(_))) = self.events.recv_timeout(TICK) {
                self.workers.iter_mut().for_each(|w| {
                    w.take_if(|w| w.process.number == number);
                });
            }
        }
    }

    /// A run in words.
    pub(super) fn label(&self, place: usize) -> String {
        label(&self.tasks[place].planned, &self.settings.axes)
    }
}
