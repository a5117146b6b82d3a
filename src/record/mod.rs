//! The vocabulary: values and parameters, facts, the protocol of workers, and the paths of the results folder.
//! Plain data and its JSON: no clocks or processes, and no files but those of a data set that is fingerprinted.
//! Imports nothing. The lab imports this room and no other.

mod counted;
mod fact;
mod fingerprint;
mod goal;
pub mod layout;
mod number;
mod parameters;
mod printable;
mod protocol;
mod run_id;
mod sweep_name;
mod value;

pub use counted::counted;
pub use fact::{Axes, ClusterTask, Fact, Failure, Outcome, PlannedRun, Probed, Provenance, Reading};
pub use fingerprint::{FingerprintError, fingerprint};
pub use goal::Goal;
pub use layout::Layout;
pub use number::Real;
pub use parameters::Parameters;
pub use printable::printable;
pub use protocol::{Answer, Assignment, Instruction, PROTOCOL, ProbeAssignment, Resume, Rows};
pub use run_id::RunId;
pub use sweep_name::{SweepNameError, check_sweep_name};
pub use value::Value;
