//! The loop. It waits for events, hands them to the executor, and looks at clocks until nothing is left.

use super::Sink;
use super::executor::Executor;
use super::graphics::Graphics;
use super::settings::{QueuedRun, Settings};
use super::summary::{RunError, Summary};
use crate::presence::heartbeat::HeartbeatWriter;
use crate::presence::requests::Request;
use crate::presence::view::{View, Watch};
use crate::process::{Event, StopReason, WorkerEvent};
use crate::schedule::{Machine, explain};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long the loop waits for an event before it looks at clocks.
const TICK: Duration = Duration::from_millis(100);
/// How often numbers are made safe.
const COMMIT: Duration = Duration::from_millis(700);
/// How often people are shown the state.
const SHOW: Duration = Duration::from_millis(200);
/// How often limits, files and requests are looked at.
const CHECK: Duration = Duration::from_millis(500);

/// Executes runs on the slots of this machine.
pub struct Agent<'a> {
    executor: Executor<'a>,
    events: Receiver<Event>,
    sender: SyncSender<Event>,
    heartbeat: HeartbeatWriter,
    /// The folder in which other terminals leave what they ask for.
    requests: PathBuf,
    /// Whether a scheduler gave the machine, which says twice that it takes it away.
    is_allotted: bool,
    /// How often it was told to stop.
    signals: u32,
}

impl<'a> Agent<'a> {
    /// An agent with its runs, in their order, and the machine to execute them on.
    pub fn new(
        settings: Settings,
        runs: Vec<QueuedRun>,
        machine: (Machine, Option<Graphics>),
        sink: &'a mut dyn Sink,
        watch: &'a mut dyn Watch,
    ) -> Self {
        // Workers wait when the loop is this far behind, so that memory is bounded.
        let (sender, events) = sync_channel(4096);
        Self {
            heartbeat: HeartbeatWriter::new(&settings.folders.heartbeats(), &settings.agent),
            requests: settings.request_folder().to_owned(),
            is_allotted: settings.allotted.is_some(),
            executor: Executor::new(settings, runs, machine, (sink, watch), sender.clone()),
            events,
            sender,
            signals: 0,
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
            self.executor.workers.abandon(&self.events);
        }
        self.executor.watch.finish();
        outcome?;
        let mut summary = self.executor.outcomes.summary;
        summary.left = self.executor.backlog.queue().len();
        summary.seconds = self.executor.began.elapsed().as_secs_f64();
        Ok(summary)
    }

    fn work(&mut self) -> Result<(), RunError> {
        let (mut committed, mut shown, mut checked) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            self.executor.start_what_can()?;
            if self.executor.is_over() {
                break;
            }
            self.take_events()?;
            let now = Instant::now();
            if now - checked >= CHECK {
                checked = now;
                self.executor.workers.check_limits();
                self.executor.look_at_commands()?;
                self.take_requests();
                let Executor { slots, workers, began, .. } = &mut self.executor;
                slots.look(workers, *began);
            }
            if now - committed >= COMMIT {
                committed = now;
                self.executor.outcomes.recorder.commit()?;
            }
            if now - shown >= SHOW {
                shown = now;
                let view = self.view();
                self.executor.watch.show(&view);
                if self.heartbeat.is_due() {
                    self.beat(view);
                }
            }
        }
        self.executor.outcomes.recorder.commit()?;
        let view = self.view();
        self.executor.watch.show(&view);
        Ok(())
    }

    /// Waits for an event, and takes what has come meanwhile, but not for so long that clocks are forgotten.
    fn take_events(&mut self) -> Result<(), RunError> {
        match self.events.recv_timeout(TICK) {
            Ok(event) => self.take(event)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let until = Instant::now() + TICK;
        while let Ok(event) = self.events.try_recv() {
            self.take(event)?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), RunError> {
        match event {
            Event::Signal(reason) => {
                // A scheduler says it twice (a warning, then SIGTERM), and kills by itself what does not end soon.
                if !self.is_allotted || self.signals == 0 {
                    self.signals += 1;
                }
                self.stop(reason);
                Ok(())
            }
            Event::Worker(number, at, event) => {
                let Some(slot) = self.executor.workers.slot_of(number) else { return Ok(()) };
                match event {
                    WorkerEvent::Answer(answer, last) => self.executor.answer(slot, answer, &last, at),
                    WorkerEvent::Garbage(line) => {
                        self.executor.workers.fault(slot, format!("it said what is no answer: {line}"));
                        Ok(())
                    }
                    WorkerEvent::Ended(ended) => self.executor.ended(slot, &ended, at),
                }
            }
        }
    }

    /// Stops; when it is told so for the second time, it kills.
    fn stop(&mut self, why: StopReason) {
        self.executor.stop(why, self.signals > 1);
    }

    /// Does what other terminals ask for.
    fn take_requests(&mut self) {
        for request in Request::take_all(&self.requests) {
            match request {
                Err(why) => self.executor.watch.say(&why),
                Ok(Request::Stop { runs, kill }) if runs.is_empty() => {
                    self.signals += 1 + u32::from(kill);
                    self.stop(StopReason::Stopped);
                }
                Ok(Request::Stop { runs, kill }) => self.executor.stop_runs(&runs, kill),
                Ok(Request::Retry { runs }) => self.executor.retry(&runs),
            }
        }
    }

    fn view(&self) -> View {
        self.executor.snapshot().view(self.signals > 1)
    }

    /// Writes the heartbeat.
    fn beat(&mut self, view: View) {
        let Executor { backlog, slots, began, .. } = &self.executor;
        let now = began.elapsed().as_secs_f64();
        let ready = backlog.queue().iter().find(|waiting| waiting.not_before <= now);
        let reasons = ready.map(|waiting| explain(waiting, slots.machine(), now)).unwrap_or_default();
        let waits = reasons.into_iter().map(|(slot, reason)| format!("{slot}: {reason}")).collect();
        self.heartbeat.beat(view, waits, backlog.paused(now));
    }
}
