//! The facts of a journal: one JSON object a line, append-only.

use super::{Goal, Parameters, RunId, Value};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What happened. Times are seconds since 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "lowercase")]
pub enum Fact {
    /// A spec was asked for: all its runs.
    Planned {
        /// When.
        time: f64,
        /// Hash of the folded spec, `spec-<hash>.yaml`.
        spec: String,
        /// Version of tessera.
        tessera: String,
        /// The trainer's name.
        trainer: String,
        /// The metric that runs are judged by, and its reduction as a spec spells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metric: Option<(String, String)>,
        /// Whether more or less of that metric is better; none where there is no metric, and before version 0.2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goal: Option<Goal>,
        /// The axes, in the order of the spec; none before version 0.2.
        #[serde(default, skip_serializing_if = "Axes::is_empty")]
        axes: Axes,
        /// Parameters that all runs share.
        common: Parameters,
        /// The runs, each with the parameters that are not common.
        runs: Vec<PlannedRun>,
    },
    /// A measurement on a stored checkpoint was asked for: what its id stands for.
    Probe {
        /// When.
        time: f64,
        /// Its id.
        probe: RunId,
        /// What is measured where.
        #[serde(flatten)]
        of: Probed,
    },
    /// An attempt began.
    Started {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution, from 1.
        attempt: u32,
        /// Steps and attempt that it goes on from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<(u32, u64)>,
        /// Where and with what.
        #[serde(flatten)]
        provenance: Box<Provenance>,
    },
    /// A checkpoint exists; written after its file and all rows up to its step are synced.
    Checkpoint {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// Steps done.
        step: u64,
        /// Whether the step is a guess: nothing says it for certain, and no history is cut by it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        guessed: bool,
        /// Plain file name in `checkpoints/<run>/`.
        file: String,
    },
    /// What the files of a program gave that an attempt executed; written with the attempt's end.
    Read {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// What they gave.
        #[serde(flatten)]
        reading: Reading,
    },
    /// Where rows of an attempt lie; written before the checkpoint or end that they belong to.
    Kept {
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// Whose segments.
        agent: String,
        /// Those with rows of its history, by their numbers: from, to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        history: Vec<(u64, u64)>,
        /// Those with its arrays.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arrays: Vec<(u64, u64)>,
    },
    /// Of what is stored of a run some is lost: its attempts so far count no more.
    Void {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// The newest execution that counts no more.
        attempt: u32,
        /// What was lost.
        message: String,
    },
    /// An attempt ended with a result; written after its rows are safe.
    Finished {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// How long this attempt took.
        seconds: f64,
        /// Done or diverged.
        #[serde(flatten)]
        outcome: Outcome,
        /// Most memory seen, MiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peak_memory_mib: Option<f64>,
        /// Whether the peak may be an earlier run's of the same worker.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        peak_is_bound: bool,
    },
    /// An attempt ended without a result.
    Failed {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// How long this attempt took.
        seconds: f64,
        /// The class.
        failure: Failure,
        /// One line, then the last lines of the log.
        message: String,
    },
    /// An attempt was stopped by a person or a signal.
    Stopped {
        /// When.
        time: f64,
        /// Which run.
        run: RunId,
        /// Which execution.
        attempt: u32,
        /// How long this attempt took.
        seconds: f64,
    },
}

/// What the files of a program gave when they were read to their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The first step of the metric that has the most records: where a program that was resumed went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Where each file's steps come from, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// What was left out and why, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The parameters of which more than one value was asked for, each with its levels in the order of the spec.
pub type Axes = IndexMap<String, Vec<Value>>;

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// Its id.
    pub run: RunId,
    /// The replicate.
    pub seed: u64,
    /// Its active parameters that not all runs share.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

/// A measurement on a stored checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The run that the checkpoint is of.
    pub run: RunId,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Steps done at the checkpoint.
    pub step: u64,
    /// How many batches are measured.
    pub batches: u64,
}

impl Probed {
    /// The measurement's own id: of one kind, on a checkpoint of one sweep.
    pub fn id(&self, what: &str, sweep: &str) -> RunId {
        let Self { run, attempt, step, batches } = self;
        RunId::of(&format!(
            "probe {what}\nsweep {sweep}\nrun {run}\nattempt {attempt}\nstep {step}\nbatches {batches}\n"
        ))
    }
}

/// How a run that is a result ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// All steps done.
    Done,
    /// A quantity was not finite, or a factorisation failed.
    Diverged {
        /// The step.
        step: u64,
        /// Which quantity went first.
        quantity: String,
    },
}

/// Why a run has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// Out of memory.
    Oom,
    /// Over `time:`.
    Timeout,
    /// No new number within `stall:`.
    Stalled,
    /// The program ended badly, or without a result.
    Crash,
    /// Ended by a signal from outside.
    Killed,
    /// Its agent is gone.
    Lost,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Oom => "oom",
            Self::Timeout => "timeout",
            Self::Stalled => "stalled",
            Self::Crash => "crash",
            Self::Killed => "killed",
            Self::Lost => "lost",
        })
    }
}

/// Where an attempt ran and with what: what `table` and `show` say of it, and what recognises its process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Host name.
    pub host: String,
    /// The kernel's boot id.
    pub boot: String,
    /// The worker's process.
    pub pid: u32,
    /// Its process group.
    pub group: u32,
    /// Its start time in clock ticks since boot.
    pub start_time: u64,
    /// The tessera process that the worker belongs to; 0: not said.
    #[serde(default)]
    pub agent: u32,
    /// Its start time in clock ticks since boot.
    #[serde(default)]
    pub agent_start_time: u64,
    /// `cpu`, or the GPU's UUID.
    pub device: String,
    /// CPU threads.
    pub threads: u32,
    /// The trainer's version.
    pub version: String,
    /// libtorch's version, for built-in trainers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub libtorch: String,
    /// Commit of the spec's repository, with `-dirty` where the tree had changes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub git: String,
    /// Hash of the spec.
    pub spec: String,
    /// The task of a cluster's job that it was executed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Box<ClusterTask>>,
}

/// A task of a job on a cluster, in one of its executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterTask {
    /// The job's name: nothing else in the cluster has it.
    pub submission: String,
    /// The job's number, which a cluster may give again.
    pub job: String,
    /// Its place in the job.
    pub task: u32,
    /// How often it had been requeued.
    #[serde(default)]
    pub restart: u32,
    /// The node, as the cluster calls it.
    pub node: String,
}
