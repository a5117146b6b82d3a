//! A sweep as it is meant: everything resolved that can be resolved without expanding the grid.

use super::{Command, Description, Figure, Grid, Metric, OnFailure, Resources, Slurm};
use std::path::PathBuf;
use std::sync::Arc;

/// A sweep, resolved and checked.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// A plain folder name.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// Who executes the runs.
    pub trainer: Trainer,
    /// What the trainer says of itself; empty for commands that declare nothing.
    pub description: Arc<Description>,
    /// The number that runs are judged by.
    pub metric: Option<Metric>,
    /// What each run needs.
    pub resources: Resources,
    /// What to do with failures.
    pub on_failure: OnFailure,
    /// What a shell is told when a session of the sweep is over.
    pub on_finish: Option<String>,
    /// What a cluster's scheduler is asked for.
    pub slurm: Slurm,
    /// What runs are made of: `plan` expands it.
    pub grid: Grid,
    /// Figures, in the order of the file.
    pub figures: Vec<Figure>,
    /// The spec with `extends` and `--set` folded in, as YAML: what `spec-<hash>.yaml` holds.
    pub folded: String,
    /// 16 hex digits over `folded`.
    pub hash: String,
    /// The folder that relative paths in the spec start from.
    pub folder: PathBuf,
}

/// Who executes runs.
#[derive(Clone, Debug)]
pub enum Trainer {
    /// The lab's model (`tessera-lab`).
    Retina,
    /// The 2-D Gaussian toy (`tessera-lab`).
    Toy,
    /// Any other program.
    Command(Box<Command>),
    /// Nobody: its runs were imported.
    Imported,
}

impl Trainer {
    /// The name that enters run ids: `retina`, `toy`, or the command template.
    pub fn name(&self) -> &str {
        match self {
            Self::Retina => "retina",
            Self::Toy => "toy",
            Self::Command(command) => command.template.text(),
            Self::Imported => "imported",
        }
    }
}
