//! Images and what is drawn from them: scenes of one of three origins, normalised; batches of patches, each from a random
//! scene at a uniform corner; the covariance of such patches. Formulas: golden/README.md, "Images".

mod cones;
mod covariance;
mod error;
mod folder;
mod options;
mod rank;
mod scene;
mod scenes;
mod synthetic;
mod treatment;

pub use error::DataError;
pub use options::Options;

use crate::random::{Streams, below};
use cones::Cone;
use scenes::Scenes;
use std::path::Path;
use std::sync::Arc;
use tch::{Device, Kind, Tensor};
use treatment::Treatment;

/// Where a run's patches come from.
#[derive(Debug)]
pub struct Source {
    scenes: Arc<Scenes>,
    /// `[R′, W′, L, K, K]`: all patches, as a view of the scenes' pixels on the device.
    windows: Tensor,
    treatment: Treatment,
    covariance: Tensor,
    entropy: f64,
    kernel_size: i64,
    kind: Kind,
}

impl Source {
    /// Reads or makes the scenes, estimates the covariance or takes it from `cache` (a folder for derived data, made when
    /// needed). Patches will be of `kind` on `device`.
    pub fn open(options: &Options, cache: &Path, kind: Kind, device: Device) -> Result<Self, DataError> {
        let Options { colors, kernel_size, .. } = *options;
        let scenes = Scenes::open(options, cache)?;
        scenes.check_size(kernel_size)?;
        let (size, pixels) = (kernel_size as i64, (kernel_size * kernel_size) as i64);
        let values = colors as i64 * pixels;

        // The data's own covariance is a property of the data: its draws have a seed of their own, not the run's.
        let streams = Streams::new(0);
        let here = windows(&scenes.pixels(Device::Cpu), size);
        let key = format!("{} kernel {kernel_size}", scenes.key);
        let samples = options.covariance_samples;
        let untreated = covariance::covariance(&key, cache, values, samples, |chunk, count| {
            gather(&here, &scenes, &streams, "covariance", chunk, count, size).reshape([count, values])
        })?;
        let treatment =
            Treatment::new(&untreated, colors as i64, size, options.remove_mean, options.whiten, options.circular_mask);
        let kept = treatment.kept(&untreated);
        rank::check(&kept, Cone::of(colors))?;
        let matrix = treatment.matrix(colors as i64, pixels);
        let covariance = matrix.matmul(&untreated).matmul(&matrix.tr());
        let covariance = (&covariance + covariance.tr()) / 2.0;
        Ok(Self {
            entropy: entropy(treatment.log2_det(&kept)),
            windows: windows(&scenes.pixels(device), size),
            treatment: treatment.to(kind, device),
            covariance,
            scenes,
            kernel_size: size,
            kind,
        })
    }

    /// `[B, L, K²]`: the patches of a step.
    pub fn patches(&self, streams: &Streams, stream: &str, step: u64, batch: i64) -> Tensor {
        let patches = gather(&self.windows, &self.scenes, streams, stream, step, batch, self.kernel_size);
        self.treatment.apply(patches.to_kind(self.kind).flatten(2, 3))
    }

    /// `[LK², LK²]` double on the CPU: C_x, the covariance of patches.
    pub fn covariance(&self) -> Tensor {
        self.covariance.shallow_clone()
    }

    /// H_X = ½ log2 det(2πe·C_x) in bits; where treated patches do not fill all dimensions, in those that they fill.
    pub fn entropy(&self) -> f64 {
        self.entropy
    }
}

/// `[R′, W′, L, K, K]` over pixels `[L, R, W]`; no copy.
fn windows(pixels: &Tensor, kernel_size: i64) -> Tensor {
    pixels.unfold(1, kernel_size, 1).unfold(2, kernel_size, 1).permute([1, 2, 0, 3, 4])
}

/// `[B, L, K, K]`, in one indexed read.
fn gather(
    windows: &Tensor,
    scenes: &Scenes,
    streams: &Streams,
    stream: &str,
    step: u64,
    batch: i64,
    kernel_size: i64,
) -> Tensor {
    let mut generator = streams.generator(stream, step);
    let mut below = |bound: i64| below(&mut generator, bound as u64) as i64;
    let (mut corners, columns): (Vec<i64>, Vec<i64>) = (0..batch)
        .map(|_| {
            let place = &scenes.places[below(scenes.places.len() as i64) as usize];
            (place.top + below(place.height - kernel_size + 1), below(place.width - kernel_size + 1))
        })
        .unzip();
    corners.extend(columns);
    let corners = sent(Tensor::from_slice(&corners).view([2, batch]), windows.device());
    windows.index(&[Some(corners.get(0)), Some(corners.get(1))])
}

/// The same numbers on a device, without waiting until they are there: a copy out of pinned memory takes its place among
/// the kernels of the step, one out of other memory waits for all that came before.
fn sent(numbers: Tensor, device: Device) -> Tensor {
    match device {
        Device::Cpu => numbers,
        _ => numbers.pin_memory(device).to_device_(device, numbers.kind(), true, false),
    }
}

/// ½ log2 det(2πe·C) in bits, from log2 det C and the dimensions; NaN if C is not positive definite.
fn entropy(log2_det: Option<(f64, i64)>) -> f64 {
    log2_det.map_or(f64::NAN, |(log2_det, dimensions)| {
        0.5 * (log2_det + dimensions as f64 * (2.0 * std::f64::consts::PI * std::f64::consts::E).log2())
    })
}

#[cfg(test)]
mod tests;
