//! Takes the queue, the slots and the time, and gives what to start where; what follows a failure;
//! and why a run waits. Pure functions: no processes, clocks, files or devices, so every rule is a plain test.

mod batch;
mod decide;
mod failure;
mod gpu;
mod slot;

pub use batch::batch_size;
pub use decide::{Machine, Start, Waiting, decide, explain};
pub use failure::{Crashes, Next, Record, after_failure};
pub use gpu::{Gpu, Obstacle};
pub use slot::{Class, Slot, State, cpu_slots, gpu_slots};
