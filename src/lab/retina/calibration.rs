//! Mean drives by many patches: one batch says them to 12% or so, 25,600 patches to 1%.

use super::learner::Learner;
use super::method::mean;
use super::options::Options;
use crate::data::Source;
use crate::random::Streams;
use tch::{Kind, Tensor};

/// `[J]`: each neuron's mean of φ(u) over `normalized.calibration` patches, in whole batches. Their streams are neither those
/// of training nor those of probes.
pub fn mean_drive(learner: &Learner, source: &Source, streams: &Streams, options: &Options) -> Tensor {
    let batches = u64::try_from(options.calibration / options.batch).unwrap_or_default().max(1);
    let mut sum = Tensor::zeros([options.neurons], (Kind::Double, learner.running_mean.device()));
    for batch in 0..batches {
        let images = source.patches(streams, "calibration.patches", batch, options.batch);
        let noise =
            streams.normal("calibration.input", batch, &images.size(), options.kind, learner.running_mean.device());
        let forward = tch::no_grad(|| learner.forward(&images, &noise));
        sum += mean(&forward.before_gain.to_kind(Kind::Double));
    }
    (sum / batches as f64).to_kind(options.kind)
}
