//! Stage 3, record: the facts that stages tell each other and the lines that workers are spoken to with.
//! Plain data and its JSON; no files, clocks or processes. The lab imports this stage and nothing else.

mod fact;
mod number;
mod protocol;
mod run_id;

pub use crate::spec::Value;
pub use fact::{Fact, Failure, Outcome, PlannedRun, Provenance};
pub use number::Real;
pub use protocol::{Answer, Job, PROTOCOL, ProbeJob, Request, Resume, Rows};
pub use run_id::RunId;

/// The active parameters of a run by dotted name, defaults included; scalars and lists of numbers only.
pub type Parameters = std::collections::BTreeMap<String, Value>;
