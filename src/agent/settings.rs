//! Input of the loop: the runs, their trainer, limits, and where files go.

use crate::record::{Layout, Parameters, PlannedRun, Resume, RunId, Value};
use crate::schedule::Class;
use crate::slurm::allotted::Allotted;
use crate::spec::{Command, OnFailure, Resources};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// One run to execute.
#[derive(Clone, Debug)]
pub struct QueuedRun {
    /// Its id, seed and the parameters that not all runs share.
    pub planned: PlannedRun,
    /// The number of its next attempt, from 1.
    pub attempt: u32,
    /// The checkpoint that the attempt goes on from.
    pub resume: Option<Resume>,
}

impl QueuedRun {
    /// Its id.
    pub fn id(&self) -> &RunId {
        &self.planned.run
    }

    /// Runs that need about the same memory: those that agree in whole numbers, words and lists. Learning rates and
    /// the like cost nothing.
    pub fn class(&self) -> Class {
        let mut hasher = DefaultHasher::new();
        for (name, value) in &self.planned.parameters {
            if !matches!(value, Value::Number(_)) {
                (name, value.to_string()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// All its active parameters.
    pub fn parameters(&self, common: &Parameters) -> Parameters {
        let mut parameters = common.clone();
        parameters.extend(self.planned.parameters.clone());
        parameters
    }
}

/// Who executes runs.
#[derive(Clone, Debug)]
pub enum Trainer {
    /// A built-in trainer.
    Lab {
        /// `retina`, `toy`.
        name: String,
        /// The program `tessera-lab`.
        program: PathBuf,
    },
    /// Any other program: one process a run.
    Command {
        /// Its command line.
        command: Arc<Command>,
        /// The folder that relative paths in the spec start from.
        folder: PathBuf,
        /// Hash of its code, where the spec says which that is.
        version: String,
    },
}

/// A measurement on stored checkpoints.
#[derive(Clone, Debug)]
pub struct Probing {
    /// `covariance`, `rates`, `gradient`, `kl`.
    pub what: String,
    /// How many batches.
    pub batches: u64,
}

/// How runs are executed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sweep's name.
    pub sweep: String,
    /// Who executes runs.
    pub trainer: Trainer,
    /// What is measured on the checkpoints that the tasks name; none: they are trained.
    pub probe: Option<Probing>,
    /// What each run needs.
    pub resources: Resources,
    /// What to do with failures.
    pub on_failure: OnFailure,
    /// The metric that runs are judged by: shown meanwhile, and a run without it has no result.
    pub metric: Option<String>,
    /// Parameters that all runs share.
    pub common: Parameters,
    /// Names of the parameters that differ, for people.
    pub axes: Vec<String>,
    /// How many slots; none: as many as the machine has.
    pub slots: Option<usize>,
    /// GPUs to use, by index or UUID; empty: all that are visible.
    pub gpus: Vec<String>,
    /// Whether GPUs that somebody else works on are used too.
    pub share_busy: bool,
    /// Where tessera processes of this machine say what they hold; none: nothing is reserved.
    pub reservations: Option<PathBuf>,
    /// Where things go; all absolute.
    pub folders: Layout,
    /// Commit of the spec's repository.
    pub git: String,
    /// This agent's name among the sweep's.
    pub agent: String,
    /// Hash of the spec.
    pub spec: String,
    /// Runs that were asked for and are done already, and how many of them diverged.
    pub done_before: (usize, usize),
    /// How long a worker that is told to end may take before it is killed.
    pub grace: Duration,
    /// What a cluster's scheduler gave this agent; none: it sees to this machine itself.
    pub allotted: Option<Allotted>,
}

impl Settings {
    /// The folder in whose `requests/` other terminals leave what they ask this agent for.
    pub fn request_folder(&self) -> &Path {
        self.allotted.as_ref().map_or(self.folders.root(), |allotted| &allotted.request_folder)
    }
}
