//! Executes runs on slots. The loop takes queued runs, starts workers, and hands what they say to a [`Sink`], which
//! the store implements. It never reads results.

mod answers;
mod arrays;
pub mod command;
mod dispatch;
mod ends;
mod external;
mod graphics;
mod launch;
mod limits;
mod machine;
pub mod progress;
mod run_loop;
mod settings;
pub mod signals;
mod sink;
mod summary;
mod terminals;
mod worker;

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
    let (machine, graphics) = graphics::machine(&settings).map_err(RunError::Gpu)?;
    let agent = run_loop::Agent::new(settings, runs, machine, graphics, sink, watch);
    let _signals = signals::watch(agent.sender()).map_err(RunError::Signals)?;
    agent.run()
}
