//! Where a run starts (golden/README.md, "Start"): each draw from a stream of its own, so runs of one seed start alike
//! whatever their method.

use super::centers;
use super::learner::Learner;
use super::model::Model;
use super::options::Options;
use super::shape::{Shape, unit_columns};
use super::tensors::{Name, Tensors};
use crate::optimizer::Optimizer;
use crate::random::Streams;
use tch::{Device, Kind, Tensor};

/// Neurons whose centres start in the middle, where centres are drawn.
const IN_THE_MIDDLE: i64 = 2;

/// A learner before its first step. `data_covariance`: C_x, double on the CPU.
pub fn learner(options: &Options, data_covariance: &Tensor, streams: &Streams, device: Device) -> Learner {
    let like = (options.kind, device);
    Learner {
        model: Model::new(options.kernels, options.nonlinearity, options.noise, options.log_det, data_covariance, like),
        method: options.method,
        target: options.target,
        beta: options.beta,
        max_grad_norm: options.max_grad_norm,
        parameters: parameters(options, streams).iter().map(|(name, t)| (name, to(t, like))).collect(),
        centers_learn: options.fixed_mosaics.is_none(),
        running_mean: Tensor::ones([options.neurons], like),
        optimizer: Optimizer::new(options.optimizer),
    }
}

fn to(tensor: &Tensor, (kind, device): (Kind, Device)) -> Tensor {
    tensor.to_kind(kind).to_device(device)
}

/// Drawn on the CPU in double, whatever the device, so that runs on different devices start alike.
fn parameters(options: &Options, streams: &Streams) -> Tensors {
    let neurons = options.neurons;
    let normal =
        |stream: &str, shape: &[i64]| streams.normal(&format!("start.{stream}"), 0, shape, Kind::Double, Device::Cpu);
    let mut parameters = Tensors::default();
    match options.kernels.shape {
        None => {
            let pixels = options.kernels.colors * options.kernels.kernel_size * options.kernels.kernel_size;
            parameters.set(Name::Kernels, unit_columns(&normal("kernels", &[pixels, neurons])));
        }
        Some(shape) => {
            parameters.set(Name::Centers, centers(options, streams));
            let columns = if options.individual_shapes { neurons } else { 1 };
            let weights = normal("color", &[options.kernels.colors, 1, columns]);
            parameters.set(Name::Shape, shape_parameters(shape, &weights));
        }
    }
    parameters.set(Name::LogGain, normal("gain", &[neurons]) * 0.02);
    parameters.set(Name::LogBias, normal("bias", &[neurons]) * 0.02 - 1.0);
    parameters.set(Name::Multipliers, streams.uniform("start.multipliers", 0, &[neurons], Kind::Double, Device::Cpu));
    parameters
}

/// `[L·rows, J or 1]`: the profile's start and, last, the colour's weights `[L, 1, J or 1]`.
fn shape_parameters(shape: Shape, weights: &Tensor) -> Tensor {
    let profile = Tensor::from_slice(shape.start()).view([1, -1, 1]);
    let size = weights.size();
    let profile = profile.expand([size[0], shape.rows() - 1, size[2]], false);
    Tensor::cat(&[profile, weights.shallow_clone()], 1).reshape([size[0] * shape.rows(), size[2]])
}

/// `[J, 2]`: row and column.
fn centers(options: &Options, streams: &Streams) -> Tensor {
    let size = options.kernels.kernel_size;
    let side = size as f64 - 1.0;
    match options.fixed_mosaics {
        Some(mosaics) => {
            let points = centers::hexagonal(options.neurons as usize, mosaics, size as usize);
            Tensor::from_slice(points.as_flattened()).view([-1, 2])
        }
        None => {
            let shape = [options.neurons, 2];
            let drawn =
                streams.uniform("start.centers", 0, &shape, Kind::Double, Device::Cpu) * (side / 2.0) + side / 4.0;
            let middle = Tensor::full([IN_THE_MIDDLE.min(options.neurons), 2], side / 2.0, (Kind::Double, Device::Cpu));
            let rest = drawn.narrow(0, middle.size()[0], options.neurons - middle.size()[0]);
            Tensor::cat(&[middle, rest], 0)
        }
    }
}
