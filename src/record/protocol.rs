//! The protocol of built-in workers: one JSON object a line in, one JSON object a line out. The first line is
//! `ready`. The end of standard input ends the worker. Standard error is the run's log. `docs/format.md` specifies
//! it.

use super::{Failure, Outcome, Parameters, Real, RunId};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of this protocol; another is refused.
pub const PROTOCOL: u32 = 1;

/// What a worker is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Instruction {
    /// Execute these runs, one after another.
    Train {
        /// In this order.
        runs: Vec<Assignment>,
    },
    /// Measure on stored checkpoints; answers like runs.
    Probe {
        /// In this order.
        runs: Vec<ProbeAssignment>,
    },
    /// Write a checkpoint of the run that executes, answer `stopped`, drop the rest, go on reading.
    Stop,
}

/// One run to execute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// Who executes it: `retina` or `toy`.
    pub trainer: String,
    /// Which run.
    pub run: RunId,
    /// Which execution of it, from 1.
    pub attempt: u32,
    /// The attempt's own folder, `work/<run>/<attempt>`; the worker makes it when it needs it.
    pub dir: PathBuf,
    /// Where checkpoints go, `checkpoints/<run>`; the worker makes it when it needs it.
    pub checkpoints: PathBuf,
    /// Where derived data that any run may share are kept (data covariance).
    pub cache: PathBuf,
    /// All active parameters.
    pub parameters: Parameters,
    /// The replicate.
    pub seed: u64,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// CPU threads.
    pub threads: u32,
    /// Where to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// A checkpoint to go on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Steps done at the checkpoint.
    pub step: u64,
    /// The file.
    pub checkpoint: PathBuf,
}

/// A measurement on a stored checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbeAssignment {
    /// The run as it was executed; `resume` names the checkpoint, `dir` where arrays go.
    #[serde(flatten)]
    pub job: Assignment,
    /// `covariance`, `rates`, `gradient`, `kl`.
    pub what: String,
    /// How many batches.
    pub batches: u64,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Answer {
    /// The first line.
    Ready {
        /// [`PROTOCOL`].
        protocol: u32,
        /// `tessera-lab`.
        trainer: String,
        /// The trainer's git describe or version.
        version: String,
        /// libtorch's version.
        libtorch: String,
        /// What it can compute on: `cpu`, `cuda`.
        device: String,
    },
    /// A run begins.
    Started {
        /// Which.
        run: RunId,
    },
    /// Rows of its history.
    History {
        /// Which.
        run: RunId,
        /// The rows, by column.
        #[serde(flatten)]
        rows: Rows,
    },
    /// Arrays at a step, in a safetensors file directly in the run's folder; the agent takes it in and deletes it.
    Arrays {
        /// Which.
        run: RunId,
        /// Steps done.
        step: u64,
        /// A plain file name.
        file: String,
    },
    /// A checkpoint was written and synced.
    Checkpoint {
        /// Which.
        run: RunId,
        /// Steps done.
        step: u64,
        /// A plain file name in the run's checkpoints folder.
        file: String,
    },
    /// The run is over and is a result.
    Finished {
        /// Which.
        run: RunId,
        /// Done or diverged.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// The run is over and is no result.
    Failed {
        /// Which.
        run: RunId,
        /// The class.
        failure: Failure,
        /// One line.
        message: String,
    },
    /// The run was stopped on request after a checkpoint at `step`.
    Stopped {
        /// Which.
        run: RunId,
        /// Steps done.
        step: u64,
    },
}

/// Rows of a history by column; all columns have the same length. A missing value is NaN only where the
/// metric is not recorded on that step: such metrics come in rows of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Steps done before each row.
    pub step: Vec<u64>,
    /// Seconds since the run began (of earlier attempts included).
    pub elapsed: Vec<Real>,
    /// One column a metric.
    pub metrics: IndexMap<String, Vec<Real>>,
}
