//! Scheduling. Takes the queue, the slots and the time; decides what starts where and what follows a failure, and
//! explains why a run waits. Pure: no processes, clocks, files or devices, so every rule has a plain test.

mod batch;
mod decide;
mod failure;
mod gpu;
mod slot;

pub use batch::batch_size;
pub use decide::{Machine, QueueEntry, Start, decide, explain};
pub use failure::{Crashes, FailureRecord, RetryDecision, after_failure, failure_kind};
pub use gpu::{Gpu, Obstacle};
pub use slot::{Class, Slot, SlotState, cpu_slots, gpu_slots};
