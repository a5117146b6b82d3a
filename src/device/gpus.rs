//! GPUs as NVML shows them, behind a small trait so that every rule can be tried without one.
//!
//! The driver's library is loaded when it is asked for; where there is none there are no GPUs.

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use std::collections::HashSet;

/// Memory (bytes) that a GPU may have in use without anybody working on it: contexts, a desktop.
pub const QUIET: u64 = 300 << 20;

/// A GPU as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `gpu 0`, in PCI order.
    pub name: String,
    /// `GPU-…` or `MIG-…`.
    pub uuid: String,
    /// Its place on the PCI bus, which the order of indices follows.
    pub bus: String,
    /// Bytes.
    pub total: u64,
    /// Bytes.
    pub used: u64,
    /// Percent of time in which it computes; 0 where it does not say.
    pub utilization: u32,
    /// Who computes on it, as far as that resolves.
    pub processes: Vec<Process>,
    /// Whether it answers no longer.
    pub gone: bool,
}

/// A process that has a GPU's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number; in a container perhaps the host's.
    pub pid: u32,
    /// Bytes, where they are told.
    pub memory: Option<u64>,
    /// Whether it draws (a desktop) rather than computes.
    pub graphics: bool,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        let name = if name.trim().is_empty() { "a process" } else { name.trim() };
        write!(f, "{name} (pid {})", self.pid)
    }
}

/// Where GPUs are seen.
pub trait Source {
    /// All GPUs as they are now, in PCI order; one that answers no longer stays in its place.
    fn look(&mut self) -> Vec<Seen>;
}

/// The GPUs of this machine.
///
/// # Errors
/// In words why there are none: no driver, no library.
pub fn open() -> Result<Box<dyn Source>, String> {
    let nvml = Nvml::init().map_err(|error| match error {
        NvmlError::LibloadingError(_) => "NVIDIA's driver library is not here".to_owned(),
        other => other.to_string(),
    })?;
    Ok(Box::new(Driver { nvml, known: Vec::new() }))
}

struct Driver {
    nvml: Nvml,
    known: Vec<Seen>,
}

impl Source for Driver {
    fn look(&mut self) -> Vec<Seen> {
        let count = self.nvml.device_count().unwrap_or(0);
        let mut seen: Vec<Seen> = Vec::new();
        for index in 0..count {
            let Ok(device) = self.nvml.device_by_index(index) else { continue };
            let Some(whole) = one(&device) else { continue };
            let parts = device.mig_device_count().unwrap_or(0);
            let parts = (0..parts).filter_map(|part| one(&device.mig_device_by_index(part).ok()?)).collect();
            seen.extend(whole_or_parts(whole, parts));
        }
        self.known = in_order(seen, &self.known);
        self.known.clone()
    }
}

/// A GPU that is cut into MIG instances is used by them alone.
fn whole_or_parts(whole: Seen, parts: Vec<Seen>) -> Vec<Seen> {
    match parts.is_empty() {
        true => vec![whole],
        false => parts.into_iter().map(|part| Seen { bus: whole.bus.clone(), ..part }).collect(),
    }
}

fn one(device: &nvml_wrapper::Device<'_>) -> Option<Seen> {
    let uuid = device.uuid().ok()?;
    let bus = device.pci_info().map(|pci| pci.bus_id).unwrap_or_default();
    let Ok(memory) = device.memory_info() else {
        return Some(Seen { uuid, bus, gone: true, ..Seen::default() });
    };
    let process = |graphics| {
        move |info: ProcessInfo| Process {
            pid: info.pid,
            memory: match info.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            },
            graphics,
        }
    };
    let computing = device.running_compute_processes().unwrap_or_default().into_iter().map(process(false));
    let drawing = device.running_graphics_processes().unwrap_or_default().into_iter().map(process(true));
    Some(Seen {
        name: String::new(),
        uuid,
        bus,
        total: memory.total,
        used: memory.used,
        utilization: device.utilization_rates().map(|rates| rates.gpu).unwrap_or(0),
        processes: computing.chain(drawing).collect(),
        gone: false,
    })
}

/// In PCI order and named by it; what was known and is not there any more is gone, and keeps its place and name.
pub fn in_order(mut seen: Vec<Seen>, known: &[Seen]) -> Vec<Seen> {
    let there: HashSet<String> = seen.iter().map(|gpu| gpu.uuid.clone()).collect();
    let lost = known.iter().filter(|gpu| !there.contains(&gpu.uuid));
    seen.extend(lost.map(|gpu| Seen { gone: true, ..gpu.clone() }));
    seen.sort_by(|a, b| (&a.bus, &a.uuid).cmp(&(&b.bus, &b.uuid)));
    for (index, gpu) in seen.iter_mut().enumerate() {
        gpu.name = format!("gpu {index}");
    }
    seen
}

/// The GPUs that a person lets tessera use: those that `CUDA_VISIBLE_DEVICES` names (by index in PCI order, or by the
/// beginning of a UUID), of these those that `--gpus` names in the same way.
///
/// # Errors
/// A name that is no GPU's.
pub fn allowed(seen: Vec<Seen>, visible: Option<&str>, asked: &[String]) -> Result<Vec<Seen>, String> {
    let pick = |seen: &[Seen], names: &[&str]| {
        let found = names.iter().map(|name| {
            let by_index =
                name.parse::<usize>().ok().and_then(|index| seen.iter().find(|g| g.name == format!("gpu {index}")));
            let by_uuid = || seen.iter().find(|gpu| name.len() > 4 && gpu.uuid.starts_with(name));
            by_index.or_else(by_uuid).cloned().ok_or_else(|| (*name).to_owned())
        });
        found.collect::<Result<Vec<Seen>, String>>()
    };
    let mut gpus = seen;
    if let Some(visible) = visible {
        // As CUDA does: a name that is none ends the list.
        let names: Vec<&str> = visible.split(',').map(str::trim).collect();
        let valid = names.iter().take_while(|name| pick(&gpus, &[name]).is_ok());
        gpus = pick(&gpus, &valid.copied().collect::<Vec<_>>()).unwrap_or_default();
    }
    if !asked.is_empty() {
        let names: Vec<&str> = asked.iter().map(String::as_str).collect();
        gpus = pick(&gpus, &names).map_err(|name| format!("there is no GPU `{name}`"))?;
    }
    Ok(gpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(uuid: &str, bus: &str) -> Seen {
        Seen { uuid: uuid.into(), bus: bus.into(), total: 1 << 30, ..Seen::default() }
    }

    fn uuids(gpus: &[Seen]) -> Vec<&str> {
        gpus.iter().map(|gpu| gpu.uuid.as_str()).collect()
    }

    #[test]
    fn a_gpu_is_seen_whole_unless_it_is_cut_into_instances() {
        let whole = gpu("GPU-a", "0000:01:00.0");
        assert_eq!(whole_or_parts(whole.clone(), vec![]), std::slice::from_ref(&whole));
        let parts = whole_or_parts(whole, vec![gpu("MIG-b", ""), gpu("MIG-c", "")]);
        assert_eq!((uuids(&parts), parts[0].bus.as_str()), (vec!["MIG-b", "MIG-c"], "0000:01:00.0"));
    }

    #[test]
    fn the_order_is_that_of_the_bus() {
        let seen = in_order(vec![gpu("GPU-b", "0000:81:00.0"), gpu("GPU-a", "0000:01:00.0")], &[]);
        assert_eq!((uuids(&seen), seen[0].name.as_str()), (vec!["GPU-a", "GPU-b"], "gpu 0"));
    }

    #[test]
    fn a_gpu_that_falls_off_the_bus_keeps_its_place() {
        let both = in_order(vec![gpu("GPU-a", "1"), gpu("GPU-b", "2")], &[]);
        let after = in_order(vec![gpu("GPU-b", "2")], &both);
        assert_eq!((uuids(&after), after[0].gone, after[1].gone), (vec!["GPU-a", "GPU-b"], true, false));
    }

    #[test]
    fn people_say_which_gpus_are_used() {
        let seen = in_order(vec![gpu("GPU-aaaa", "1"), gpu("GPU-bbbb", "2"), gpu("MIG-cccc", "3")], &[]);
        let pick = |visible, asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
            allowed(seen.clone(), visible, &asked).map(|gpus| gpus.into_iter().map(|g| g.uuid).collect::<Vec<_>>())
        };
        assert_eq!(pick(None, &[]).unwrap().len(), 3);
        assert_eq!(pick(Some("2,0"), &[]).unwrap(), ["MIG-cccc", "GPU-aaaa"]);
        assert_eq!(pick(Some("GPU-bb"), &[]).unwrap(), ["GPU-bbbb"]);
        assert_eq!(pick(Some("0,-1,1"), &[]).unwrap(), ["GPU-aaaa"]);
        assert_eq!(pick(Some(""), &[]).unwrap(), Vec::<String>::new());
        assert_eq!(pick(None, &["1"]).unwrap(), ["GPU-bbbb"]);
        assert_eq!(pick(Some("0"), &["1"]).unwrap_err(), "there is no GPU `1`");
    }
}
