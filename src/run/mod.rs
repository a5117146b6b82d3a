//! Stage 5, run: carries decisions out. Takes queued runs and slots, starts workers, hands what they say to a
//! [`Sink`] that the store implements. Never reads results. NVML is named only here.

mod agent;
mod answers;
mod arrays;
mod cause;
pub mod command;
pub mod group;
pub mod host;
mod launch;
mod limits;
mod listen;
mod log;
mod logs;
pub mod pickup;
mod process;
pub mod progress;
mod settings;
mod signals;
mod sink;
mod summary;
mod view;
mod worker;

pub use launch::find_lab;
pub use settings::{Folders, Settings, Task, Trainer};
pub use sink::{Array, Sink, SinkError};
pub use summary::{Early, FailedRun, RunError, Summary};
pub use view::{SlotView, View, Watch, duration, label};

use crate::schedule::{Machine, cpu_slots};

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
    let machine = machine(&settings);
    let agent = agent::Agent::new(settings, tasks, machine, sink, watch);
    let _signals = signals::watch(agent.sender()).map_err(RunError::Signals)?;
    agent.run()
}

fn machine(settings: &Settings) -> Machine {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Machine { slots: cpu_slots(cores, settings.resources.cpu, settings.slots), ..Machine::default() }
}
