//! The GPUs of this machine: what NVML shows of them, and who uses them. NVML is named only here.

pub mod gpu_watch;
pub mod gpus;
