//! Where a step's time goes.

use std::time::Instant;
use tch::{Cuda, Device};

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Patches and noise.
    Data,
    /// Rates, gains and losses.
    Forward,
    /// Log-determinants.
    LogDet,
    /// Gradients.
    Backward,
    /// Clipping, steps and normalisation.
    Optimizer,
    /// Measurements and checkpoints.
    Recording,
}

impl Phase {
    /// The metrics, in the order of the phases.
    pub const METRICS: [&str; 6] = [
        "seconds_data",
        "seconds_forward",
        "seconds_log_det",
        "seconds_backward",
        "seconds_optimizer",
        "seconds_recording",
    ];
}

/// Seconds by phase since they were last taken.
///
/// A GPU works on after a call returns. To wait for it after each phase would slow every step, so there only steps that are
/// recorded (which wait anyway, for their numbers) are timed phase by phase, and stand for those since the last row.
#[derive(Debug)]
pub struct Phases {
    device: Device,
    now: Option<(Phase, Instant)>,
    seconds: [f64; 6],
    exact: bool,
    steps: u64,
}

impl Phases {
    /// No time yet.
    pub fn new(device: Device) -> Self {
        Self { device, now: None, seconds: [0.0; 6], exact: false, steps: 0 }
    }

    /// A step begins; `recorded`: it will be recorded.
    pub fn step(&mut self, recorded: bool) {
        self.steps += 1;
        if self.device.is_cuda() {
            self.exact = recorded;
            self.wait();
            self.seconds[..Phase::Recording as usize].fill(0.0);
        }
    }

    /// Ends the phase that is on and begins another.
    pub fn enter(&mut self, phase: Phase) {
        self.leave();
        self.now = Some((phase, Instant::now()));
    }

    /// Ends the phase that is on.
    pub fn leave(&mut self) {
        if let Some((phase, since)) = self.now.take() {
            self.wait();
            self.seconds[phase as usize] += since.elapsed().as_secs_f64();
        }
    }

    /// Seconds by phase since the last call.
    pub fn take(&mut self) -> [f64; 6] {
        let steps = std::mem::take(&mut self.steps) as f64;
        let mut seconds = std::mem::replace(&mut self.seconds, [0.0; 6]);
        if self.device.is_cuda() {
            seconds[..Phase::Recording as usize].iter_mut().for_each(|seconds| *seconds *= steps);
        }
        seconds
    }

    fn wait(&self) {
        if let (true, Device::Cuda(index)) = (self.exact, self.device) {
            Cuda::synchronize(index as i64);
        }
    }
}
