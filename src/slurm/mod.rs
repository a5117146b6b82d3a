//! Slurm: the same runs on a cluster. The cluster's scheduler does the scheduling, and its shared file system is
//! the only meeting place. Runs are packed into tasks of job arrays ([`array`]), and each task is an agent.
//! Submissions and claims of attempts are files ([`submission`], [`attempts`]). The status of a task follows from
//! what Slurm's programs say ([`task_status`]).

pub mod allotted;
pub mod array;
pub mod attempts;
pub mod cluster;
pub mod exit_note;
pub mod nodes;
pub mod queue;
pub mod script;
pub mod submission;
pub mod submit;
pub mod task_status;
