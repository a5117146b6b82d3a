//! Carries out requests of other terminals, and writes the heartbeat that they show.

use super::run_loop::Agent;
use super::summary::RunError;
use super::worker::EndReason;
use crate::presence::requests::Request;
use crate::presence::view::View;
use crate::process::StopReason;
use crate::schedule::{QueueEntry, explain};
use nix::sys::signal::Signal;
use std::time::Instant;

impl Agent<'_> {
    /// Does what another terminal asks for.
    pub(super) fn take_requests(&mut self) -> Result<(), RunError> {
        for request in Request::take_all(self.settings.request_folder()) {
            match request {
                Request::Stop { runs, kill } if runs.is_empty() => {
                    self.signals += 1 + u32::from(kill);
                    self.stop_all(StopReason::Stopped);
                }
                Request::Stop { runs, kill } => {
                    let all = &self.runs;
                    let before = self.queue.len();
                    self.queue.retain(|waiting| !runs.contains(all[waiting.run].id()));
                    self.summary.stopped += before - self.queue.len();
                    let deadline = Instant::now() + 3 * self.settings.grace;
                    for worker in self.workers.iter_mut().flatten() {
                        let current = worker.current.as_ref().map(|current| self.runs[current.place].id());
                        if !current.is_some_and(|run| runs.contains(run)) {
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
                Request::Retry { runs } => {
                    let wanted = |run: &_| runs.is_empty() || runs.contains(run);
                    let (again, stay) = self.summary.failed.drain(..).partition(|failed| wanted(&failed.run));
                    self.summary.failed = stay;
                    let again: Vec<super::FailedRun> = again;
                    for failed in again {
                        if let Some(run) = self.runs.iter().position(|queued| *queued.id() == failed.run) {
                            self.records[run] = Default::default();
                            self.queue.push_back(QueueEntry {
                                run,
                                class: self.classes[run],
                                alone: false,
                                not_before: 0.0,
                            });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the heartbeat.
    pub(super) fn beat(&mut self, view: View) {
        let now = self.began.elapsed().as_secs_f64();
        let ready = self.queue.iter().find(|waiting| waiting.not_before <= now);
        let reasons = ready.map(|waiting| explain(waiting, &self.machine, now)).unwrap_or_default();
        let waits = reasons.into_iter().map(|(slot, reason)| format!("{slot}: {reason}")).collect();
        let paused = self.queue.iter().filter(|waiting| waiting.not_before > now);
        let paused = paused.map(|waiting| (self.runs[waiting.run].id().to_string(), waiting.not_before - now));
        let paused = paused.collect();
        self.pulse.beat(view, waits, paused);
    }
}
