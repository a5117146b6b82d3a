//! Processes of this machine: starts one in a group of its own, listens to it, keeps its log, ends it, and tells
//! why it ended. Knows nothing of sweeps or slots.

pub mod answer;
pub mod attend;
pub mod cause;
pub mod child;
pub mod event;
pub mod group;
pub mod host;
pub mod listen;
pub mod log;
pub mod logs;
pub mod room;
pub mod tail;
mod waiting;

pub use event::{Event, StopReason, WorkerEvent};
