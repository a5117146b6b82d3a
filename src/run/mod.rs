//! Stage 5, run: carries decisions out. Takes queued runs and slots, starts workers, hands what they say to a
//! [`Sink`] that the store implements. Never reads results. NVML is named only here.

pub mod pickup;
mod sink;

pub use sink::{Array, Sink, SinkError};
