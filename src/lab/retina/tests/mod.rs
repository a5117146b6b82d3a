//! The retina's properties: gradients against finite differences, what must hold whatever the numbers, fixed points of the
//! methods, resumed runs.

mod fixed_points;
mod gradients;
mod properties;
mod resuming;

use super::learner::{Learner, Rates, Step};
use super::options::Options;
use super::start;
use crate::describe;
use crate::parameter::Values;
use crate::phases::Phases;
use crate::random::Streams;
use tch::{Device, Kind, Tensor};
use tessera::record::{Parameters, Value};

/// Parameters of a small retina in double precision, and others on top.
fn parameters(others: &[(&str, Value)]) -> Parameters {
    let small = [
        ("neurons", Value::from(6)),
        ("colors", Value::from(2)),
        ("kernel_size", Value::from(4)),
        ("batch_size", Value::from(8)),
        ("iterations", Value::from(40)),
        ("shape", Value::from("free")),
        ("precision", Value::from("double")),
    ];
    small.into_iter().chain(others.iter().cloned()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn options(others: &[(&str, Value)]) -> Options {
    Options::read(&Values::check(&describe::retina::parameters(), &parameters(others)).unwrap()).unwrap()
}

fn normal(stream: &str, step: u64, shape: &[i64]) -> Tensor {
    Streams::new(5).normal(stream, step, shape, Kind::Double, Device::Cpu)
}

/// A symmetric, positive definite covariance.
fn covariance(options: &Options) -> Tensor {
    let size = options.kernels.colors * options.kernels.kernel_size * options.kernels.kernel_size;
    let root = normal("covariance", 0, &[size, size]) / (size as f64).sqrt();
    root.matmul(&root.tr()) + Tensor::eye(size, (Kind::Double, Device::Cpu)) * 0.1
}

/// A small retina before its first step.
fn learner(others: &[(&str, Value)]) -> Learner {
    let options = options(others);
    start::learner(&options, &covariance(&options), &Streams::new(1), Device::Cpu)
}

/// Images (or noise) for it.
fn batch(stream: &str, step: u64) -> Tensor {
    normal(stream, step, &[8, 2, 16])
}

fn step(learner: &mut Learner, index: u64, firing_rate: f64) -> Step {
    let rates = Rates { learning: 0.01, firing_rate, centering: 0.0 };
    learner.step(&batch("images", index), &batch("noise", index), rates, &mut Phases::new(Device::Cpu)).unwrap()
}
