//! Keeps the loop's view of its machine current: slots that others held, GPUs, the memory of its own workers.

use super::run_loop::Agent;
use crate::device::gpu_watch::Own;
use crate::process::group;
use crate::schedule::{Class, SlotState};

impl Agent<'_> {
    /// Tries again for slots that others held, and looks at the GPUs.
    pub(super) fn look_at_machine(&mut self) {
        for slot in &mut self.machine.slots {
            if matches!(slot.state, SlotState::Held(_)) {
                slot.state = SlotState::Empty;
            }
        }
        let now = self.began.elapsed().as_secs_f64();
        let Some(graphics) = self.graphics.as_mut().filter(|graphics| graphics.is_due()) else { return };
        let mut own = Vec::new();
        for (slot, worker) in self.machine.slots.iter().zip(&self.workers) {
            let Some(worker) = worker else { continue };
            let expected = self.machine.known.get(&worker.class).copied().max(self.machine.memory);
            own.extend(slot.gpus.iter().map(|&gpu| Own {
                uuid: self.machine.gpus[gpu].uuid.clone(),
                pids: group::members(worker.process.pid),
                class: worker.class,
                expected,
                started: worker.began.saturating_duration_since(self.began).as_secs_f64(),
            }));
        }
        graphics.look(&own, &mut self.machine, now);
    }

    /// The most memory (MiB) that workers of a class were seen to have on a GPU; none on cores.
    pub(super) fn graphics_peak(&self, class: Class) -> Option<f64> {
        let peak = self.graphics.as_ref()?.peak(class)?;
        Some(peak as f64 / f64::from(1 << 20))
    }
}
