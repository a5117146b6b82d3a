//! Keeps every fact and number of a sweep below `results/<sweep>/`, and gives them back as tables.
//! Takes what an agent hands to [`Sink`](crate::agent::Sink); knows nothing of devices or of how runs are executed.
//!
//! Truth is the journals and the rows in parts and in the segments that no part names; everything else is derived.

mod compact;
mod damage;
mod disk;
mod ends;
mod error;
mod files;
mod journal;
mod lost;
mod parallel;
mod part;
mod pending;
mod probes;
mod remove;
mod repair;
mod rows;
mod rows_file;
mod runs;
mod state;
mod summary;
mod sums;
mod sweep;
mod table;
mod verify;
mod writer;

pub use compact::Compacted;
pub use damage::Damage;
pub use disk::room;
pub use ends::EndedAttempt;
pub use error::StoreError;
pub use journal::Journal;
pub use probes::{Probes, probes_of_all};
pub use remove::Removal;
pub use repair::Repaired;
pub use rows::{Histories, Row};
pub use runs::{is_fixed_column, metric_column, parameter_column};
pub use state::{Checkpoint, Planned, RunState, Status};
pub use summary::Summaries;
pub use sweep::{Scope, Sweep, sweeps};
pub use table::rows_of_all;
pub use verify::{Finding, Verified};
pub use writer::{Writer, write_spec};
