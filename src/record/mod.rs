//! Stage 3, record: the facts that stages tell each other and the lines that workers are spoken to with.
//! Plain data and its JSON; no clocks or processes, and no files but those that a data set's fingerprint is taken of.
//! The lab imports this stage and nothing else.

mod fact;
mod fingerprint;
mod number;
mod protocol;
mod run_id;

pub use crate::spec::Value;
pub use fact::{ClusterTask, Fact, Failure, Outcome, PlannedRun, Probed, Provenance};
pub use fingerprint::{FingerprintError, fingerprint};
pub use number::Real;
pub use protocol::{Answer, Job, PROTOCOL, ProbeJob, Request, Resume, Rows};
pub use run_id::RunId;

/// The active parameters of a run by dotted name, defaults included; scalars and lists of numbers only.
pub type Parameters = std::collections::BTreeMap<String, Value>;
