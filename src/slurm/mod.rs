//! Slurm: the same runs on a cluster, whose scheduler does the scheduling and whose shared file system is the only
//! meeting place. Runs are packed into tasks of job arrays ([`array`]), each task an agent; submissions and claims of
//! attempts are facts in files ([`submission`], [`attempts`]), and where a task stands is judged from what Slurm's
//! programs say ([`standing`]).

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
