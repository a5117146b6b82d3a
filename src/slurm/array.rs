//! Packs runs into tasks and tasks into arrays. Pure.

use crate::spec::{Resources, Slurm};

/// A task should hold so many seconds of work at least, since a scheduler starts a wave of tasks about once a second …
const WORTH: f64 = 30.0;
/// … and no more than so many, so that the last tasks of a sweep end together.
const LONG: f64 = 600.0;
/// Where nothing is known, and where work is short, so many tasks at most.
const MANY: usize = 50;
/// Runs of one task at most: claims of a task are links to one file, and file systems bound their number.
const MOST_RUNS: usize = 10_000;

/// How many runs a task executes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Runs of a task.
    pub runs_per_task: usize,
    /// In words, for people.
    pub why: String,
}

/// How many runs are executed at once in a task: its GPUs by the share of a run, else its CPUs by those of a run.
pub fn slots(slurm: &Slurm, resources: &Resources) -> usize {
    if resources.gpu > 0.0 {
        let gpus = gpus(slurm, resources) as usize;
        return if resources.gpu < 1.0 {
            gpus * ((1.0 / resources.gpu.max(0.01)) + 0.05).floor() as usize
        } else {
            (gpus / resources.gpu.ceil() as usize).max(1)
        };
    }
    (slurm.cpus.unwrap_or(resources.cpu) / resources.cpu.max(1)).max(1) as usize
}

/// GPUs of a task.
pub fn gpus(slurm: &Slurm, resources: &Resources) -> u32 {
    let by_gres = || {
        let gres = slurm.gres.as_ref()?.split(',').find(|one| one.starts_with("gpu"))?;
        let count = gres.split('(').next()?.rsplit(':').next()?;
        Some(count.parse().unwrap_or(1))
    };
    slurm.gpus.or_else(by_gres).unwrap_or(resources.gpu.ceil() as u32)
}

/// How `runs` runs are packed, when a run takes about `seconds` (measured or given).
pub fn pack(runs: usize, slurm: &Slurm, resources: &Resources, seconds: Option<f64>) -> Packing {
    let slots = slots(slurm, resources);
    let most = |runs_per_task: usize| runs_per_task.clamp(1, MOST_RUNS.min(runs.max(1)));
    if let Some(given) = slurm.runs_per_task {
        let why = "as `runs_per_task` says".to_owned();
        return Packing { runs_per_task: most(given as usize), why };
    }
    let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0) else {
        // At least as many as are executed at once.
        let runs_per_task = most(runs.div_ceil(MANY).max(slots));
        let why = match runs_per_task {
            1 => "how long a run takes is not known".to_owned(),
            _ => "how long a run takes is not known (`slurm: {run_time: 20 s}` says it)".to_owned(),
        };
        return Packing { runs_per_task, why };
    };
    let work = runs as f64 * seconds / slots as f64;
    let worth = (work / WORTH).ceil().clamp(1.0, MANY as f64);
    let tasks = (work / LONG).ceil().max(worth).min(runs.max(1) as f64) as usize;
    let why = format!("a run takes about {}", crate::presence::view::duration(seconds));
    Packing { runs_per_task: most(runs.div_ceil(tasks).max(slots)), why }
}

/// Runs cut into tasks of equal size, as far as they go.
pub fn tasks<T: Clone>(runs: &[T], runs_per_task: usize) -> Vec<Vec<T>> {
    let count = runs.len().div_ceil(runs_per_task.max(1));
    let mut rest = runs;
    let mut tasks = Vec::with_capacity(count);
    for left in (1..=count).rev() {
        let (task, after) = rest.split_at(rest.len().div_ceil(left));
        tasks.push(task.to_vec());
        rest = after;
    }
    tasks
}

/// Tasks cut into arrays; indices of an array are below `MaxArraySize`. Where arrays are switched off (0 or 1), each
/// task is a job of its own.
pub fn arrays<T>(tasks: Vec<T>, max_array_size: usize) -> Vec<Vec<T>> {
    let size = max_array_size.max(1);
    let mut arrays: Vec<Vec<T>> = Vec::new();
    for task in tasks {
        match arrays.last_mut() {
            Some(array) if array.len() < size => array.push(task),
            _ => arrays.push(vec![task]),
        }
    }
    arrays
}

/// How many tasks of each of `arrays` arrays run at once, so that all together keep to the limit.
pub fn throttle(limit: Option<u32>, arrays: usize) -> Option<u32> {
    limit.map(|limit| (limit / u32::try_from(arrays.max(1)).unwrap_or(u32::MAX)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(runs: usize, seconds: Option<f64>) -> usize {
        runs.div_ceil(pack(runs, &Slurm::default(), &Resources::default(), seconds).runs_per_task)
    }

    #[test]
    fn short_runs_share_tasks_and_long_ones_have_their_own() {
        assert_eq!(packed(24, None), 24);
        assert_eq!(packed(5000, None), 50);
        assert_eq!(packed(5000, Some(0.01)), 2);
        assert_eq!(packed(5000, Some(0.5)), 50);
        assert_eq!(packed(5000, Some(60.0)), 500);
        assert_eq!(packed(100, Some(7200.0)), 100);
        assert_eq!(packed(1, Some(1.0)), 1);
        let given = Slurm { runs_per_task: Some(7), ..Slurm::default() };
        assert_eq!(pack(100, &given, &Resources::default(), Some(1.0)).runs_per_task, 7);
    }

    #[test]
    fn a_task_has_a_run_for_each_of_its_slots() {
        let half = Resources { gpu: 0.5, ..Resources::default() };
        assert_eq!((slots(&Slurm::default(), &half), gpus(&Slurm::default(), &half)), (2, 1));
        assert_eq!(pack(100, &Slurm::default(), &half, Some(7200.0)).runs_per_task, 2);
        let node = Slurm { gres: Some("gpu:a100:4(S:0)".into()), ..Slurm::default() };
        assert_eq!((slots(&node, &half), gpus(&node, &half)), (8, 4));
        let two = Resources { gpu: 2.0, ..Resources::default() };
        assert_eq!((slots(&node, &two), slots(&Slurm::default(), &two)), (2, 1));
        let cores = Slurm { cpus: Some(16), ..Slurm::default() };
        assert_eq!(slots(&cores, &Resources { cpu: 4, ..Resources::default() }), 4);
    }

    #[test]
    fn tasks_are_even_and_arrays_keep_to_the_limit() {
        let tasks = tasks(&(0..10).collect::<Vec<_>>(), 4);
        assert_eq!(tasks.iter().map(Vec::len).collect::<Vec<_>>(), [4, 3, 3]);
        assert_eq!(tasks.concat(), (0..10).collect::<Vec<_>>());
        assert_eq!(arrays(tasks.clone(), 2).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(arrays(tasks.clone(), 0).len(), 3);
        assert_eq!(arrays(tasks, 1001).len(), 1);
        assert_eq!((throttle(Some(10), 3), throttle(Some(1), 3), throttle(None, 3)), (Some(3), Some(1), None));
    }
}
