//! The GPUs that a sweep is executed on: looked at once a second, told to the decision.

use super::agent::Agent;
use super::gpu_watch::{GpuWatch, Own};
use super::gpus::{Seen, Source, allowed};
use super::settings::Settings;
use super::slurm::allotted::Allotted;
use super::{gpus, group};
use crate::schedule::{Class, Gpu, Machine, State, cpu_slots, gpu_slots};
use std::time::{Duration, Instant};

/// How often GPUs are looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// The GPUs of a session.
pub struct Graphics {
    source: Box<dyn Source>,
    watch: GpuWatch,
    uuids: Vec<String>,
    last: Instant,
}

/// The slots of this machine: shares of the GPUs where runs need one and there are any, else cores.
///
/// # Errors
/// Where a GPU is named that is not there, in words.
pub fn machine(settings: &Settings) -> Result<(Machine, Option<Graphics>), String> {
    if settings.resources.gpu > 0.0
        && let Ok(mut source) = gpus::open()
    {
        let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
        let seen = allowed(source.look(), visible.as_deref(), &settings.gpus)?;
        let names: Vec<String> = seen.iter().map(|gpu| gpu.name.clone()).collect();
        let slots = gpu_slots(&names, settings.resources.gpu, settings.slots);
        if !slots.is_empty() {
            let mut watch = GpuWatch::new(settings.share_busy);
            let gpus = watch.after_look(&seen, &[], 0.0);
            let machine = Machine { slots, gpus, memory: settings.resources.gpu_memory, ..Machine::default() };
            let uuids = seen.into_iter().map(|gpu| gpu.uuid).collect();
            return Ok((machine, Some(Graphics { source, watch, uuids, last: Instant::now() })));
        }
    }
    if let Some(name) = settings.gpus.first() {
        return Err(format!("there is no GPU `{name}`"));
    }
    if let Some(allotted) = settings.allotted.as_ref().filter(|_| settings.resources.gpu > 0.0) {
        return given(allotted, settings);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = settings.allotted.as_ref().map_or(cores, |allotted| allotted.cpus.max(1));
    let slots = cpu_slots(cores, settings.resources.cpu, settings.slots);
    Ok((Machine { slots, ..Machine::default() }, None))
}

/// The slots of GPUs that a scheduler gave and that no driver tells of here: they are used as they were given.
fn given(allotted: &Allotted, settings: &Settings) -> Result<(Machine, Option<Graphics>), String> {
    let gpu = |name: &String| Gpu {
        name: format!("gpu {name}"),
        uuid: name.clone(),
        total: u64::MAX,
        free: u64::MAX,
        obstacle: None,
        settling_until: None,
    };
    let gpus: Vec<Gpu> = allotted.gpus.iter().map(gpu).collect();
    let names: Vec<String> = gpus.iter().map(|gpu| gpu.name.clone()).collect();
    let slots = gpu_slots(&names, settings.resources.gpu, settings.slots);
    if slots.is_empty() {
        return Err(format!("a run needs {} GPUs, and the task was given {}", settings.resources.gpu, gpus.len()));
    }
    Ok((Machine { slots, gpus, ..Machine::default() }, None))
}

impl Agent<'_> {
    /// Tries again for slots that others held, and looks at the GPUs.
    pub(super) fn look_at_machine(&mut self) {
        for slot in &mut self.machine.slots {
            if matches!(slot.state, State::Held(_)) {
                slot.state = State::Empty;
            }
        }
        let now = self.began.elapsed().as_secs_f64();
        let Some(graphics) = &mut self.graphics else { return };
        if graphics.last.elapsed() < PAUSE {
            return;
        }
        graphics.last = Instant::now();
        let mut seen = graphics.source.look();
        seen.retain(|gpu| graphics.uuids.contains(&gpu.uuid));
        // The decision names GPUs by their places, which stay.
        let place = |gpu: &Seen| graphics.uuids.iter().position(|uuid| *uuid == gpu.uuid);
        seen.sort_by_key(place);
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
        let gpus = graphics.watch.after_look(&seen, &own, now);
        if gpus.len() == self.machine.gpus.len() {
            self.machine.gpus = gpus;
        }
        self.machine.known.clone_from(graphics.watch.peaks());
    }

    /// The most memory (MiB) that workers of a class were seen to have on a GPU; none on cores.
    pub(super) fn graphics_peak(&self, class: Class) -> Option<f64> {
        let peak = self.graphics.as_ref()?.watch.peaks().get(&class)?;
        Some(*peak as f64 / f64::from(1 << 20))
    }
}
