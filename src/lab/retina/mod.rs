//! The retina: efficient coding of natural images by a population of neurons under a firing-rate constraint.
//!
//! `options` is what a run says, `start` where it starts, `method` how rates are held, `learner` what one step does, `calibration`
//! the mean drives by many patches, `training` the loop over steps,
//! `measure` and `recorder` what is noted, `checkpoint` what survives, `probe` what is asked of a checkpoint later.

mod calibration;
mod centers;
mod checkpoint;
mod kernels;
pub mod learner;
mod measure;
pub mod method;
pub mod model;
pub mod options;
mod probe;
mod recorder;
pub mod shape;
mod spread;
pub mod start;
mod sums;
pub mod tensors;
mod training;

pub use kernels::Kernels;
pub use probe::probe;
pub use training::train;

#[cfg(test)]
mod tests;
