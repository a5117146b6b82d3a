//! `--on slurm`: a session submits what is missing in batches of packed tasks and may wait for them; what is known of the
//! tasks is what `status`, `stop` and `retry` go by; a task executes its runs.

mod batch;
mod login;
mod missing;
mod session;
mod task;
mod tasks;

pub use batch::Batch;
pub use session::execute;
pub use task::execute_task;
pub use tasks::{Submitted, Tasks, was_submitted};
