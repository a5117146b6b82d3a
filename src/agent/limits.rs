//! Enforces limits: the longest time of a run, the longest time without a number, and the time that a worker may
//! take to end.

use super::run_loop::Agent;
use super::worker::{EndReason, Worker};
use crate::presence::view::{SlotView, View, duration};
use crate::process::host;
use crate::record::{Failure, Value};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// A worker that is stopped (SIGSTOP) for so long is stalled, whatever `stall:` says.
const FROZEN: Duration = Duration::from_secs(10);

impl Agent<'_> {
    /// Ends what is over a limit, and kills what was told to end and did not.
    pub(super) fn check_limits(&mut self) {
        let now = Instant::now();
        let resources = self.settings.resources.clone();
        let grace = self.settings.grace;
        for worker in self.workers.iter_mut().flatten() {
            if let Some(ending) = &mut worker.ending {
                if now >= ending.deadline && !ending.killed {
                    ending.killed = true;
                    worker.process.signal(Signal::SIGKILL);
                }
                continue;
            }
            let frozen = host::process(worker.process.pid).is_some_and(|(state, _)| matches!(state, 'T' | 't'));
            worker.frozen = frozen.then(|| worker.frozen.unwrap_or(now));
            let Some((failure, message)) = over(worker, resources.time, resources.stall, grace, now) else { continue };
            let deadline = now + grace;
            worker.end(EndReason::Limit(failure, message), deadline);
            worker.ask_to_stop();
        }
    }

    /// The state for people.
    pub(super) fn view(&self) -> View {
        let slots = self.machine.slots.iter().zip(&self.workers);
        let slots: Vec<SlotView> = slots.map(|(slot, worker)| self.slot_view(&slot.name, worker.as_ref())).collect();
        let running = slots.iter().filter(|slot| !slot.run.is_empty()).count();
        let (before, diverged) = self.settings.done_before;
        let waiting = self.queue.len() + self.workers.iter().flatten().map(|w| w.batch.len()).sum::<usize>() - running;
        let rate = match (self.results.front(), self.results.back()) {
            (Some(first), Some(last)) if last > first => {
                (self.results.len() - 1) as f64 / (*last - *first).as_secs_f64()
            }
            _ => 0.0,
        };
        let note = match self.summary.stop_reason {
            _ if self.signals > 1 => "stopping at once",
            Some(crate::process::StopReason::Stopped) => "stopping: runs write a checkpoint; once more kills them",
            Some(crate::process::StopReason::Warned) => "time runs out: runs write a checkpoint",
            Some(crate::process::StopReason::SameCrash(_)) => {
                "the same crash again and again: runs that execute go on to their end"
            }
            None => "",
        };
        View {
            sweep: self.settings.sweep.clone(),
            total: before + self.runs.len(),
            done: before + self.summary.done,
            diverged: diverged + self.summary.diverged,
            failed: self.summary.failed.len(),
            running,
            waiting,
            rate,
            left: self.left(&slots, waiting),
            metric: self.settings.metric.clone().unwrap_or_default(),
            slots,
            note: note.to_owned(),
        }
    }

    /// Seconds until all is done: what executes goes on at its own pace, what waits takes as long as others did.
    fn left(&self, slots: &[SlotView], waiting: usize) -> Option<f64> {
        let rest = |slot: &SlotView| match slot.fraction {
            Some(fraction) if fraction > 0.01 => Some(slot.seconds * (1.0 - fraction) / fraction),
            _ => self.seconds.map(|mean| (mean - slot.seconds).max(0.0)),
        };
        let executing: Vec<f64> = slots.iter().filter(|slot| !slot.run.is_empty()).filter_map(rest).collect();
        let whole = |slot: &SlotView| slot.fraction.filter(|f| *f > 0.01).map(|fraction| slot.seconds / fraction);
        let seen: Vec<f64> = slots.iter().filter_map(whole).collect();
        let guess = (!seen.is_empty()).then(|| seen.iter().sum::<f64>() / seen.len() as f64);
        let mean = self.seconds.or(guess)?;
        let slots = self.machine.usable().max(1) as f64;
        let longest = executing.iter().copied().fold(0.0, f64::max);
        Some(longest.max((executing.iter().sum::<f64>() + waiting as f64 * mean) / slots))
    }

    fn slot_view(&self, name: &str, worker: Option<&Worker>) -> SlotView {
        let mut view = SlotView { name: name.to_owned(), ..SlotView::default() };
        if let Some(current) = worker.and_then(|worker| worker.current.as_ref()) {
            let queued = &self.runs[current.place];
            let steps = queued.planned.parameters.get("iterations").or_else(|| self.settings.common.get("iterations"));
            let steps = steps.and_then(Value::as_f64);
            view.label = self.label(current.place);
            view.run = queued.id().to_string();
            view.step = current.step;
            view.value = current.value.filter(|value| value.is_finite());
            view.fraction = steps.filter(|n| *n > 0.0).map(|n| (current.step as f64 / n).min(1.0));
            view.seconds = current.began.elapsed().as_secs_f64();
        }
        view
    }
}

/// Which limit a worker is over, and what is said of it.
fn over(
    worker: &Worker,
    time: Option<Duration>,
    stall: Option<Duration>,
    grace: Duration,
    now: Instant,
) -> Option<(Failure, String)> {
    let current = worker.current.as_ref()?;
    let words = |limit: Duration| duration(limit.as_secs_f64());
    if let Some(since) = worker.frozen
        && now - since >= stall.unwrap_or(FROZEN).min(FROZEN).min(grace)
    {
        return Some((Failure::Stalled, "its process is stopped (SIGSTOP)".to_owned()));
    }
    match (time, stall) {
        (Some(limit), _) if now.saturating_duration_since(current.began) > limit => {
            Some((Failure::Timeout, format!("over its time limit of {}", words(limit))))
        }
        (_, Some(limit)) if now.saturating_duration_since(current.last_number) > limit => {
            Some((Failure::Stalled, format!("no new number within {}", words(limit))))
        }
        _ => None,
    }
}
