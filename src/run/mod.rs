//! Stage 5, run: carries decisions out. Takes queued runs and slots, starts workers, hands what they say to a
//! [`Sink`] that the store implements. Never reads results. NVML is named only here.

mod agent;
mod answers;
mod arrays;
mod attend;
mod cause;
pub mod claim;
pub mod command;
mod dispatch;
mod ends;
mod external;
mod gpu_watch;
pub mod gpus;
mod graphics;
pub mod group;
pub mod heartbeat;
pub mod host;
mod launch;
pub mod leftover;
mod limits;
mod listen;
mod log;
mod logs;
pub mod pickup;
mod process;
pub mod progress;
pub mod requests;
mod reservation;
mod settings;
pub mod signals;
mod sink;
pub mod slurm;
mod summary;
mod terminals;
mod view;
mod worker;

pub use launch::find_lab;
pub use reservation::reservations_of_user;
pub use settings::{Folders, Probing, Settings, Task, Trainer};
pub use sink::{Array, Sink, SinkError};
pub use summary::{Early, FailedRun, RunError, Summary};
pub use view::{SlotView, View, Watch, duration, label};

/// Executes runs on this machine until none is left or somebody stops it; Ctrl-C once lets workers write a
/// checkpoint and stop, twice kills them.
///
/// # Errors
/// When the store takes nothing more, or no worker can be had.
pub fn execute(
    settings: Settings,
    tasks: Vec<Task>,
    sink: &mut dyn Sink,
    watch: &mut dyn Watch,
) -> Result<Summary, RunError> {
    let (machine, graphics) = graphics::machine(&settings).map_err(RunError::Gpu)?;
    let agent = agent::Agent::new(settings, tasks, machine, graphics, sink, watch);
    let _signals = signals::watch(agent.sender()).map_err(RunError::Signals)?;
    agent.run()
}
