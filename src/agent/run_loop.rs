//! The loop. It asks the pure decision what to start, starts it, and handles events until nothing is left.

use super::Sink;
use super::graphics::Graphics;
use super::settings::{QueuedRun, Settings};
use super::summary::{RunError, Summary};
use super::worker::{EndReason, Worker};
use crate::presence::claim::Holder;
use crate::presence::heartbeat::HeartbeatWriter;
use crate::presence::reservation::Reservations;
use crate::presence::view::{Watch, label};
use crate::process::StopReason;
use crate::process::host;
use crate::process::{Event, WorkerEvent};
use crate::schedule::{Class, Crashes, FailureRecord, Machine, QueueEntry};
use nix::sys::signal::Signal;
use std::collections::VecDeque;
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
    pub(super) runs: Vec<QueuedRun>,
    pub(super) records: Vec<FailureRecord>,
    /// The memory class of each run.
    pub(super) classes: Vec<Class>,
    pub(super) queue: VecDeque<QueueEntry>,
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
    /// How often the kernel had ended processes for want of memory when limits were last looked at.
    pub(super) kernel_kills: u64,
    pub(super) graphics: Option<Graphics>,
    pub(super) pulse: HeartbeatWriter,
    pub(super) reservations: Reservations,
    pub(super) number: u64,
}

impl<'a> Agent<'a> {
    /// An agent with its runs, in their order, and the machine to execute them on.
    pub fn new(
        settings: Settings,
        runs: Vec<QueuedRun>,
        machine: Machine,
        graphics: Option<Graphics>,
        sink: &'a mut dyn Sink,
        watch: &'a mut dyn Watch,
    ) -> Self {
        // Workers wait when the loop is this far behind, so that memory is bounded.
        let (sender, events) = sync_channel(4096);
        let on_gpus = graphics.is_some();
        let classes: Vec<Class> = runs.iter().map(|queued| if on_gpus { queued.class() } else { 0 }).collect();
        let waiting = |run| QueueEntry { run, class: classes[run], alone: false, not_before: 0.0 };
        let this = Holder::this();
        let provenance = crate::record::Provenance {
            host: this.host,
            boot: this.boot,
            agent: this.pid,
            agent_start_time: this.start_time,
            git: settings.git.clone(),
            spec: settings.spec.clone(),
            threads: settings.resources.cpu,
            task: settings.allotted.as_ref().map(|allotted| Box::new(allotted.task.clone())),
            ..Default::default()
        };
        let reservations = Reservations::new(settings.reservations.as_deref());
        let pulse = HeartbeatWriter::new(&settings.folders.heartbeats(), &settings.agent);
        Self {
            queue: (0..runs.len()).map(waiting).collect(),
            classes: classes.clone(),
            records: vec![FailureRecord::default(); runs.len()],
            workers: machine.slots.iter().map(|_| None).collect(),
            settings,
            runs,
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
            kernel_kills: host::out_of_memory_kills(),
            graphics,
            pulse,
            reservations,
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
            if self.summary.stop_reason.is_none() {
                self.start_what_can()?;
            }
            self.dismiss_idle();
            if self.workers.iter().all(Option::is_none) && (self.queue.is_empty() || self.summary.stop_reason.is_some())
            {
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
                self.kernel_kills = host::out_of_memory_kills();
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
            Event::Signal(early) => {
                // A scheduler says it twice (a warning, then SIGTERM), and kills by itself what does not end soon.
                if self.settings.allotted.is_none() || self.signals == 0 {
                    self.signals += 1;
                }
                self.stop_all(early);
                Ok(())
            }
            Event::Worker(number, at, event) => {
                let slot = self.workers.iter().position(|w| w.as_ref().is_some_and(|w| w.process.number == number));
                let Some(slot) = slot else { return Ok(()) };
                match event {
                    WorkerEvent::Answer(answer, last) => self.answer(slot, answer, &last, at),
                    WorkerEvent::Garbage(line) => {
                        self.fault(slot, &format!("it said what is no answer: {line}"));
                        Ok(())
                    }
                    WorkerEvent::Ended(ended) => self.ended(slot, &ended, at),
                }
            }
        }
    }

    /// Workers with nothing left to do end.
    fn dismiss_idle(&mut self) {
        if !self.queue.is_empty() && self.summary.stop_reason.is_none() {
            return;
        }
        for worker in self.workers.iter_mut().flatten() {
            if worker.batch.is_empty() && worker.ending.is_none() {
                worker.process.close();
                worker.end(EndReason::Dismissed, Instant::now() + self.settings.grace);
            }
        }
    }

    /// Nothing new starts and workers are told to stop; at the second signal they are killed.
    pub(super) fn stop_all(&mut self, why: StopReason) {
        self.summary.stop_reason.get_or_insert(why);
        let kill = self.signals > 1;
        for worker in self.workers.iter_mut().flatten() {
            if kill {
                worker.end(EndReason::Stop, Instant::now());
                worker.process.signal(Signal::SIGKILL);
            } else if worker.ending.is_none() && !worker.batch.is_empty() {
                let deadline = Instant::now() + 3 * self.settings.grace;
                worker.end(EndReason::Stop, deadline);
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
            worker.process.signal(Signal::SIGKILL);
        }
        let deadline = Instant::now() + self.settings.grace;
        while self.workers.iter().any(Option::is_some) && Instant::now() < deadline {
            if let Ok(Event::Worker(number, _, WorkerEvent::Ended(_))) = self.events.recv_timeout(TICK) {
                self.workers.iter_mut().for_each(|w| {
                    w.take_if(|w| w.process.number == number);
                });
            }
        }
    }

    /// A run in words.
    pub(super) fn label(&self, place: usize) -> String {
        label(&self.runs[place].planned, &self.settings.axes)
    }
}
