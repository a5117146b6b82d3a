//! Sessions on Slurm (`--on slurm`). A session submits what is missing, in batches of packed tasks, and may wait
//! for them. A task executes its runs. `status`, `stop` and `retry` use what is known of the tasks.

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
