//! Reads a task's environment: which task it is, and what Slurm gave it of its node.

use super::submission::Submission;
use crate::record::ClusterTask;
use std::path::{Path, PathBuf};

/// What Slurm gave a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allotted {
    /// Which task it is.
    pub task: ClusterTask,
    /// Its GPUs, as `CUDA_VISIBLE_DEVICES` names them.
    pub gpus: Vec<String>,
    /// Its CPUs; 0: not said.
    pub cpus: usize,
    /// How many runs are executed at once.
    pub slots: usize,
    /// The folder in which requests for its agent are left.
    pub request_folder: PathBuf,
    /// How Slurm's programs call it: `12_3`, `12`.
    pub id: String,
}

impl Allotted {
    /// What `variable` (the environment) says; `None` outside of a job. `folder` is the sweep's `slurm/`.
    pub fn read(variable: impl Fn(&str) -> Option<String>, folder: &Path, submission: &str) -> Option<Self> {
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let (job, place) = match &array {
            Some((job, task)) => (job.clone(), task.parse().ok()?),
            None => (variable("SLURM_JOB_ID")?, 0),
        };
        let list = |name: &str| {
            let text = variable(name).unwrap_or_default();
            let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
            Some(names).filter(|names| names.iter().all(|name| !name.is_empty() && name != "NoDevFiles"))
        };
        let number = |name: &str| variable(name).and_then(|text| text.parse::<usize>().ok());
        Some(Self {
            id: array.map_or_else(|| job.clone(), |(job, task)| format!("{job}_{task}")),
            task: ClusterTask {
                submission: submission.to_owned(),
                job,
                task: place,
                restart: number("SLURM_RESTART_COUNT").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                node: variable("SLURMD_NODENAME").unwrap_or_default(),
            },
            gpus: list("CUDA_VISIBLE_DEVICES").or_else(|| list("SLURM_JOB_GPUS")).unwrap_or_default(),
            cpus: number("SLURM_CPUS_ON_NODE").or_else(|| number("SLURM_CPUS_PER_TASK")).unwrap_or(0),
            slots: 1,
            request_folder: Submission::request_folder(folder, submission, place),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_a_task_is_read() {
        let read = |variables: &[(&str, &str)]| {
            let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            Allotted::read(get, Path::new("/r/s/slurm"), "s-1-aa")
        };
        // As Slurm 22.05 sets it.
        let task = read(&[
            ("SLURM_ARRAY_JOB_ID", "1"),
            ("SLURM_ARRAY_TASK_ID", "2"),
            ("SLURM_JOB_ID", "4"),
            ("SLURM_RESTART_COUNT", "1"),
            ("SLURMD_NODENAME", "node0"),
            ("SLURM_CPUS_ON_NODE", "2"),
            ("CUDA_VISIBLE_DEVICES", "2,3"),
        ])
        .unwrap();
        assert_eq!((task.id.as_str(), task.task.job.as_str(), task.task.task, task.task.restart), ("1_2", "1", 2, 1));
        assert_eq!((task.gpus.as_slice(), task.cpus), (["2".to_owned(), "3".to_owned()].as_slice(), 2));
        let alone = read(&[("SLURM_JOB_ID", "4"), ("CUDA_VISIBLE_DEVICES", "NoDevFiles")]).unwrap();
        assert_eq!((alone.id.as_str(), alone.task.task, alone.gpus.len(), alone.cpus), ("4", 0, 0, 0));
        assert_eq!(read(&[]), None);
    }
}
