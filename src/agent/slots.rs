//! The slots of this machine: who is in them, what they hold of it, and what its GPUs look like.

use super::graphics::Graphics;
use super::settings::Settings;
use super::workers::Workers;
use crate::device::gpu_watch::Own;
use crate::presence::reservation::{Reservation, Reservations};
use crate::process::group;
use crate::schedule::{Class, Machine, SlotState};
use std::time::Instant;

/// The slots of one agent, held against other agents of this machine.
pub struct Slots {
    machine: Machine,
    graphics: Option<Graphics>,
    reservations: Reservations,
    /// What a slot is held for, in words.
    what: String,
    /// Cores of a slot.
    cores: usize,
    /// GPUs of a slot, or the share of one.
    share: f64,
}

impl Slots {
    /// The slots of a machine, all empty.
    pub fn new(settings: &Settings, machine: Machine, graphics: Option<Graphics>) -> Self {
        Self {
            machine,
            graphics,
            reservations: Reservations::new(settings.reservations.as_deref()),
            what: format!("run of `{}`", settings.sweep),
            cores: settings.resources.cpu.max(1) as usize,
            share: settings.resources.gpu,
        }
    }

    /// The machine as the decision sees it.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The UUIDs of a slot's GPUs; none: CPU.
    pub fn device(&self, slot: usize) -> Option<String> {
        let gpus = &self.machine.slots[slot].gpus;
        let uuids: Vec<&str> = gpus.iter().map(|&gpu| self.machine.gpus[gpu].uuid.as_str()).collect();
        (!gpus.is_empty()).then(|| uuids.join(","))
    }

    /// Holds a slot's share of the machine against other tessera processes; none where another holds it, which the slot
    /// says from then on.
    pub fn reserve(&mut self, slot: usize) -> Option<Reservation> {
        let held = self.hold(slot);
        held.map_err(|who| self.machine.slots[slot].state = SlotState::Held(who)).ok()
    }

    fn hold(&self, slot: usize) -> Result<Reservation, String> {
        let gpus = &self.machine.slots[slot].gpus;
        if gpus.is_empty() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            let all = all.max(self.machine.slots.len() * self.cores);
            let names: Vec<String> = (0..all).map(|core| format!("cpu-{core}")).collect();
            return self.reservations.hold_any(&names, self.cores, &self.what);
        }
        // A GPU is held in twelfths: halves, thirds, quarters and sixths come out even.
        let parts = (self.share * 12.0).ceil().clamp(1.0, 12.0) as usize;
        let mut held = Reservation::default();
        for &gpu in gpus {
            let uuid = &self.machine.gpus[gpu].uuid;
            let names: Vec<String> = (0..12).map(|part| format!("{}-{part}", uuid.replace('/', "_"))).collect();
            held.join(self.reservations.hold_any(&names, parts, &self.what)?);
        }
        Ok(held)
    }

    /// A worker executes runs of a class in a slot. `is_new`: it starts now, and until the next look nobody knows what it
    /// takes of its GPUs.
    pub fn occupy(&mut self, slot: usize, class: Class, alone: bool, is_new: bool) {
        self.machine.slots[slot].state = SlotState::Busy { class, alone };
        if is_new && self.graphics.is_some() {
            for &gpu in &self.machine.slots[slot].gpus {
                self.machine.gpus[gpu].settling_until = Some(f64::INFINITY);
            }
        }
    }

    /// The worker in a slot waits.
    pub fn idle(&mut self, slot: usize, class: Class) {
        self.machine.slots[slot].state = SlotState::Idle(class);
    }

    /// Nobody is in a slot any more.
    pub fn empty(&mut self, slot: usize) {
        self.machine.slots[slot].state = SlotState::Empty;
    }

    /// Tries again for slots that others held, and looks at the GPUs where it is time to. `began`: when the agent did.
    pub fn look(&mut self, workers: &Workers, began: Instant) {
        for slot in &mut self.machine.slots {
            if matches!(slot.state, SlotState::Held(_)) {
                slot.state = SlotState::Empty;
            }
        }
        let Some(graphics) = self.graphics.as_mut().filter(|graphics| graphics.is_due()) else { return };
        let mut own = Vec::new();
        for (slot, worker) in self.machine.slots.iter().zip(workers.by_slot()) {
            let Some(worker) = worker else { continue };
            let expected = self.machine.known.get(&worker.class).copied().max(self.machine.memory);
            own.extend(slot.gpus.iter().map(|&gpu| Own {
                uuid: self.machine.gpus[gpu].uuid.clone(),
                pids: group::members(worker.process.pid),
                class: worker.class,
                expected,
                started: worker.began.saturating_duration_since(began).as_secs_f64(),
            }));
        }
        graphics.look(&own, &mut self.machine, began.elapsed().as_secs_f64());
    }

    /// The most memory (MiB) that workers of a class were seen to have on a GPU; none on cores.
    pub fn peak(&self, class: Class) -> Option<f64> {
        let peak = self.graphics.as_ref()?.peak(class)?;
        Some(peak as f64 / f64::from(1 << 20))
    }
}
