//! Executes runs on slots. The loop takes queued runs, starts workers, and hands what they say to a [`Sink`], which
//! the store implements. It never reads results.

mod arrays;
mod backlog;
pub mod command;
mod current_run;
mod executor;
mod graphics;
mod launch;
mod limits;
mod news;
mod outcomes;
mod pace;
pub mod progress;
mod recorder;
mod run_loop;
mod settings;
pub mod signals;
mod sink;
mod slots;
mod summary;
mod view;
mod worker;
mod workers;

pub use launch::find_lab;
pub use settings::{Probing, QueuedRun, Settings, Trainer};
pub use sink::{Array, Sink, SinkError};
pub use summary::{FailedRun, RunError, Summary};

use crate::presence::view::Watch;

/// Executes runs on this machine until none is left or somebody stops it; Ctrl-C once lets workers write a
/// checkpoint and stop, twice kills them.
///
/// # Errors
/// When the store takes nothing more, or no worker can be had.
pub fn execute(
    settings: Settings,
    runs: Vec<QueuedRun>,
    sink: &mut dyn Sink,
    watch: &mut dyn Watch,
) -> Result<Summary, RunError> {
    let machine = graphics::machine(&settings).map_err(RunError::Gpu)?;
    let agent = run_loop::Agent::new(settings, runs, machine, sink, watch);
    let _signals = signals::watch(agent.sender()).map_err(RunError::Signals)?;
    agent.run()
}
