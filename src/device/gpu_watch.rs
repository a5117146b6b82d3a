//! What the decision is told of GPUs: who else works there, whether the last start's memory has settled, and how
//! much memory runs were seen to need. Fed with looks at the GPUs and with the workers on them; no clock of its own.

use super::gpus::{QUIET, Seen};
use crate::schedule::{Class, Gpu, Obstacle};
use std::collections::HashMap;

/// How long a start's memory may grow before the next start on the GPU, seconds, if it does not settle sooner.
const SETTLING: f64 = 30.0;
/// Memory that moves by less (bytes) between looks has settled.
const STILL: u64 = 64 << 20;
/// So many looks in a row must find it still.
const STILL_LOOKS: u32 = 3;
/// Two looks that find somebody else count together within so many seconds.
const TWICE_WITHIN: f64 = 10.0;

/// An own worker on a GPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// Which GPU.
    pub uuid: String,
    /// Its processes.
    pub pids: Vec<u32>,
    /// The memory class of its runs.
    pub class: Class,
    /// What it is expected to need (bytes), where known.
    pub expected: Option<u64>,
    /// When it was started, seconds.
    pub started: f64,
}

/// What is remembered between looks.
#[derive(Default)]
pub struct GpuWatch {
    share_busy: bool,
    histories: HashMap<String, History>,
    peaks: HashMap<Class, u64>,
}

#[derive(Clone, Debug, Default)]
struct History {
    looks: u32,
    foreign_at: Option<f64>,
    used: u64,
    still: u32,
    settled_at: Option<f64>,
}

impl GpuWatch {
    /// A watch that leaves busy GPUs alone, or not.
    pub fn new(share_busy: bool) -> Self {
        Self { share_busy, ..Self::default() }
    }

    /// What the decision is told after a look at `now` (seconds).
    pub fn after_look(&mut self, seen: &[Seen], own: &[Own], now: f64) -> Vec<Gpu> {
        seen.iter().map(|gpu| self.judge(gpu, own, now)).collect()
    }

    /// The most memory (bytes) that a worker of each class was seen to have.
    pub fn peaks(&self) -> &HashMap<Class, u64> {
        &self.peaks
    }

    fn judge(&mut self, gpu: &Seen, own: &[Own], now: f64) -> Gpu {
        let own: Vec<&Own> = own.iter().filter(|own| own.uuid == gpu.uuid).collect();
        let foreign = foreign(gpu, &own);
        for worker in &own {
            // Alone on a GPU that nobody else uses, a worker has all that is used, whatever pids say.
            let alone = own.len() == 1 && foreign.is_none();
            if let Some(memory) = by_pid(gpu, worker).or(alone.then_some(gpu.used)) {
                let peak = self.peaks.entry(worker.class).or_insert(0);
                *peak = memory.max(*peak);
            }
        }
        let history = self.histories.entry(gpu.uuid.clone()).or_default();
        history.looks += 1;
        history.still = if gpu.used.abs_diff(history.used) < STILL { history.still + 1 } else { 0 };
        history.used = gpu.used;
        let last_start = own.iter().map(|own| own.started).fold(f64::NEG_INFINITY, f64::max);
        // Memory that has not begun to grow is still, too; so it must have grown, or time must have passed.
        let grown = own.iter().all(|own| by_pid(gpu, own).map_or(gpu.used > QUIET, |memory| memory > STILL));
        if grown && history.still >= STILL_LOOKS {
            history.settled_at = Some(now);
        }
        let settled = history.settled_at.is_some_and(|at| at > last_start);
        let twice = history.foreign_at.is_some_and(|before| now - before <= TWICE_WITHIN) || history.looks == 1;
        history.foreign_at = foreign.is_some().then_some(now);
        let obstacle = match foreign {
            _ if gpu.gone => Some(Obstacle::Gone),
            Some(who) if twice && !self.share_busy => Some(Obstacle::Foreign(who)),
            _ => None,
        };
        Gpu {
            name: gpu.name.clone(),
            uuid: gpu.uuid.clone(),
            total: gpu.total,
            free: gpu.total.saturating_sub(gpu.used),
            obstacle,
            settling_until: (!own.is_empty() && !settled).then_some(last_start + SETTLING),
        }
    }
}

/// The memory that a worker's processes are said to have; `None` where pids do not resolve (in a container, say).
fn by_pid(gpu: &Seen, worker: &Own) -> Option<u64> {
    let its = gpu.processes.iter().filter(|process| worker.pids.contains(&process.pid));
    its.map(|process| process.memory).reduce(|a, b| Some(a.unwrap_or(0) + b.unwrap_or(0))).flatten()
}

/// Who else works on a GPU, in words.
fn foreign(gpu: &Seen, own: &[&Own]) -> Option<String> {
    let drawing: u64 = gpu.processes.iter().filter(|p| p.graphics).filter_map(|p| p.memory).sum();
    let mut explained = drawing;
    for worker in own {
        // What neither a pid nor an estimate explains cannot be told from the worker's own.
        match (by_pid(gpu, worker), worker.expected) {
            (Some(memory), expected) => explained += memory.max(expected.unwrap_or(0)),
            (None, Some(expected)) => explained += expected,
            (None, None) => return None,
        }
    }
    let unexplained = gpu.used.saturating_sub(explained);
    let computes = own.is_empty() && gpu.utilization > 0 && unexplained > STILL;
    if unexplained <= QUIET && !computes {
        return None;
    }
    let others = gpu.processes.iter().filter(|p| !p.graphics && !own.iter().any(|own| own.pids.contains(&p.pid)));
    let names: Vec<String> = others.map(ToString::to_string).collect();
    let who = if names.is_empty() { "a process that cannot be named".to_owned() } else { names.join(", ") };
    Some(format!("{} MiB of {who}", unexplained >> 20))
}

#[cfg(test)]
mod tests {
    use super::super::gpus::Process;
    use super::*;

    const MIB: u64 = 1 << 20;

    fn gpu(used: u64, processes: &[(u32, Option<u64>, bool)]) -> Seen {
        let process = |&(pid, memory, graphics): &(u32, Option<u64>, bool)| Process {
            pid,
            memory: memory.map(|mib| mib * MIB),
            graphics,
        };
        Seen {
            name: "gpu 0".into(),
            uuid: "GPU-0".into(),
            total: 10_000 * MIB,
            used: used * MIB,
            processes: processes.iter().map(process).collect(),
            ..Seen::default()
        }
    }

    fn own(pid: u32, expected: Option<u64>, started: f64) -> Own {
        let expected = expected.map(|mib| mib * MIB);
        Own { uuid: "GPU-0".into(), pids: vec![pid], class: 7, expected, started }
    }

    fn is_foreign(gpu: &Gpu) -> bool {
        matches!(gpu.obstacle, Some(Obstacle::Foreign(_)))
    }

    #[test]
    fn a_foreign_process_appears_and_goes() {
        let mut watch = GpuWatch::new(false);
        let mut look = |used, now| is_foreign(&watch.after_look(&[gpu(used, &[(99, Some(used), false)])], &[], now)[0]);
        assert!(!look(100, 0.0));
        // Once is chance, twice is somebody.
        assert!(!look(2000, 1.0));
        assert!(look(2000, 2.0));
        assert!(!look(100, 3.0));
    }

    #[test]
    fn a_gpu_that_is_busy_at_the_first_look_is_left_alone_at_once() {
        let busy = [gpu(2000, &[])];
        assert!(is_foreign(&GpuWatch::new(false).after_look(&busy, &[], 0.0)[0]));
        assert!(!is_foreign(&GpuWatch::new(true).after_look(&busy, &[], 0.0)[0]));
    }

    #[test]
    fn own_memory_is_told_by_pids_or_by_what_is_expected() {
        let mut watch = GpuWatch::new(false);
        let mut foreign = |seen: Seen, own: &[Own]| {
            watch.after_look(std::slice::from_ref(&seen), own, 0.0);
            is_foreign(&watch.after_look(&[seen], own, 1.0)[0])
        };
        assert!(!foreign(gpu(3000, &[(5, Some(2900), false)]), &[own(5, None, 0.0)]));
        assert!(foreign(gpu(6000, &[(5, Some(2900), false), (9, Some(3000), false)]), &[own(5, None, 0.0)]));
        // In a container there are no pids, or the host's.
        assert!(!foreign(gpu(3000, &[]), &[own(5, Some(2900), 0.0)]));
        assert!(!foreign(gpu(3000, &[(70_000, Some(3000), false)]), &[own(5, None, 0.0)]));
        assert!(foreign(gpu(6000, &[]), &[own(5, Some(2900), 0.0)]));
    }

    #[test]
    fn a_desktop_does_not_count() {
        let desktop = [gpu(900, &[(1, Some(800), true)])];
        assert!(!is_foreign(&GpuWatch::new(false).after_look(&desktop, &[], 0.0)[0]));
    }

    #[test]
    fn the_next_start_waits_until_memory_that_ramps_late_has_settled() {
        let mut watch = GpuWatch::new(false);
        let own = [own(5, None, 0.0)];
        let mut settles =
            |used, now| watch.after_look(&[gpu(used, &[(5, Some(used), false)])], &own, now)[0].settling_until;
        for (second, used) in [10, 10, 10, 10, 10, 10].into_iter().enumerate() {
            assert_eq!(settles(used, second as f64), Some(30.0), "it has not begun");
        }
        assert_eq!(settles(1000, 6.0), Some(30.0));
        assert_eq!(settles(2000, 7.0), Some(30.0));
        assert_eq!([8.0, 9.0, 10.0].map(|now| settles(2000, now)), [Some(30.0), Some(30.0), None]);
    }

    #[test]
    fn peaks_are_kept_by_class() {
        let mut watch = GpuWatch::new(false);
        for used in [1000, 3000, 2000] {
            watch.after_look(&[gpu(used, &[(5, Some(used), false)])], &[own(5, None, 0.0)], 0.0);
        }
        assert_eq!(watch.peaks()[&7], 3000 * MIB);
        // Without pids the worker that is alone has it all.
        watch.after_look(&[gpu(4000, &[])], &[own(5, None, 0.0)], 1.0);
        assert_eq!(watch.peaks()[&7], 4000 * MIB);
    }

    #[test]
    fn a_gpu_that_answers_no_longer_takes_nothing() {
        let gone = [Seen { gone: true, ..gpu(0, &[]) }];
        assert_eq!(GpuWatch::new(true).after_look(&gone, &[], 0.0)[0].obstacle, Some(Obstacle::Gone));
    }
}
