//! What people see of a session.

use super::backlog::Backlog;
use super::current_run::CurrentRun;
use super::pace::Pace;
use super::settings::Settings;
use super::slots::Slots;
use super::summary::Summary;
use super::workers::Workers;
use crate::presence::view::{SlotView, View};
use crate::process::StopReason;
use crate::record::Value;

/// The parts of a session that people see.
pub struct Snapshot<'a> {
    /// Its input.
    pub settings: &'a Settings,
    /// Its runs.
    pub backlog: &'a Backlog,
    /// Its slots.
    pub slots: &'a Slots,
    /// Its workers.
    pub workers: &'a Workers,
    /// What has ended.
    pub summary: &'a Summary,
    /// How fast.
    pub pace: &'a Pace,
}

impl Snapshot<'_> {
    /// The state now. `kills`: whether a second signal kills what executes.
    pub fn view(&self, kills: bool) -> View {
        let slots = self.slots.machine().slots.iter().enumerate();
        let slots: Vec<SlotView> =
            slots.map(|(place, slot)| self.slot(&slot.name, self.workers.current(place))).collect();
        let running = slots.iter().filter(|slot| !slot.run.is_empty()).count();
        let (before, diverged) = self.settings.done_before;
        let waiting = self.backlog.queue().len() + self.workers.sent() - running;
        View {
            sweep: self.settings.sweep.clone(),
            total: before + self.backlog.len(),
            done: before + self.summary.done,
            diverged: diverged + self.summary.diverged,
            failed: self.summary.failed.len(),
            running,
            waiting,
            rate: self.pace.rate(),
            left: self.pace.left(&slots, waiting, self.slots.machine().usable()),
            metric: self.settings.metric.clone().unwrap_or_default(),
            slots,
            note: note(self.summary.stop_reason, kills).to_owned(),
        }
    }

    fn slot(&self, name: &str, current: Option<&CurrentRun>) -> SlotView {
        let mut view = SlotView { name: name.to_owned(), ..SlotView::default() };
        if let Some(current) = current {
            let queued = self.backlog.run(current.place);
            let steps = queued.planned.parameters.get("iterations").or_else(|| self.settings.common.get("iterations"));
            let steps = steps.and_then(Value::as_f64).filter(|steps| *steps > 0.0);
            view.label = self.backlog.label(current.place);
            view.run = queued.id().to_string();
            view.step = current.step;
            view.value = current.value.filter(|value| value.is_finite());
            view.fraction = steps.map(|steps| (current.step as f64 / steps).min(1.0));
            view.seconds = current.began.elapsed().as_secs_f64();
        }
        view
    }
}

fn note(reason: Option<StopReason>, kills: bool) -> &'static str {
    match reason {
        _ if kills => "stopping at once",
        Some(StopReason::Stopped) => "stopping: runs write a checkpoint; once more kills them",
        Some(StopReason::Warned) => "time runs out: runs write a checkpoint",
        Some(StopReason::SameCrash(_)) => "the same crash again and again: runs that execute go on to their end",
        None => "",
    }
}
