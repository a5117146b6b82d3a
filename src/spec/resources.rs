//! What a run needs, and what to do when it fails.

use std::time::Duration;

/// What one run needs. Part of no identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// Share of a GPU (0.5), whole GPUs (2), or 0: CPU.
    pub gpu: f64,
    /// GPU memory in bytes, where said.
    pub gpu_memory: Option<u64>,
    /// CPU cores; also the threads of a worker.
    pub cpu: u32,
    /// Main memory in bytes, where said.
    pub memory: Option<u64>,
    /// Longest time a run may take.
    pub time: Option<Duration>,
    /// Longest time without a new number.
    pub stall: Option<Duration>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { gpu: 0.0, gpu_memory: None, cpu: 1, memory: None, time: None, stall: None }
    }
}

/// Where a run executes, as the worker protocol spells it: `cpu` or `cuda:0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// CPU cores.
    Cpu,
    /// The nth GPU that the worker sees.
    Cuda(u32),
}

/// What to do with a failed run, by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnFailure {
    /// How often a crashed run is tried again.
    pub crash_retries: u32,
    /// Whether a run that ran out of memory is tried again with the device to itself.
    pub oom_alone: bool,
    /// After so many equal crashes nothing new is launched.
    pub stop_after: Option<u32>,
}

impl Default for OnFailure {
    fn default() -> Self {
        Self { crash_retries: 0, oom_alone: true, stop_after: None }
    }
}
