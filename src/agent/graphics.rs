//! The GPUs that a sweep runs on. They are looked at once a second, and the decision is told.

use super::settings::Settings;
use crate::device::gpu_watch::{GpuWatch, Own};
use crate::device::gpus;
use crate::device::gpus::{Seen, Source, allowed};
use crate::schedule::{Class, Gpu, Machine, cpu_slots, gpu_slots};
use crate::slurm::allotted::Allotted;
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

impl Graphics {
    /// Whether it is time to look again.
    pub fn is_due(&self) -> bool {
        self.last.elapsed() >= PAUSE
    }

    /// Looks at the GPUs and tells the machine. `own`: what workers of this agent hold; `now`: seconds since the agent began.
    pub fn look(&mut self, own: &[Own], machine: &mut Machine, now: f64) {
        self.last = Instant::now();
        let mut seen = self.source.look();
        seen.retain(|gpu| self.uuids.contains(&gpu.uuid));
        // The decision names GPUs by their places, which stay.
        let place = |gpu: &Seen| self.uuids.iter().position(|uuid| *uuid == gpu.uuid);
        seen.sort_by_key(place);
        let gpus = self.watch.after_look(&seen, own, now);
        if gpus.len() == machine.gpus.len() {
            machine.gpus = gpus;
        }
        machine.known.clone_from(self.watch.peaks());
    }

    /// The most memory (bytes) that workers of a class were seen to have on a GPU.
    pub fn peak(&self, class: Class) -> Option<u64> {
        self.watch.peaks().get(&class).copied()
    }
}
