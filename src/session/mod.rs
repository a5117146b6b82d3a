//! Joins the stages: what is to do, the estimate, the claim, recovery, the record of the plan, execution and what
//! follows it; on this machine and on Slurm.

pub mod closing;
pub mod detach;
pub mod doctor;
pub mod error;
pub mod estimate;
pub mod execution;
pub mod finish;
pub mod introduce;
mod journal;
pub mod lacking;
mod local;
mod lost;
pub mod mend;
mod on_finish;
pub mod outline;
pub mod planned;
pub mod probe;
mod record;
pub mod recovery;
pub mod retry;
pub mod settings;
pub mod slurm;
pub mod status;
pub mod stop;
pub mod stored;
pub mod todo;
pub mod trainer;

use crate::error::{Error, ExitCode};
use execution::{Execution, On};
use std::path::Path;

/// Executes what is missing of a sweep, there where it was asked for.
///
/// # Errors
/// Where the spec is wrong, another process executes the sweep, or the results cannot be written.
pub fn execute(execution: &Execution, results: &Path) -> Result<ExitCode, Error> {
    match execution.on {
        On::Local => local::execute_here(execution, results),
        On::Slurm => slurm::execute(execution, results),
    }
}
