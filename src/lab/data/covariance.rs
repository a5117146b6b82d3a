//! The covariance of patches, estimated from many and cached on disk by what it depends on.

use super::DataError;
use std::fs;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Raised when the estimate changes; a part of the cache's key.
const VERSION: u32 = 1;
/// Patches added at a time: the products of a chunk fit in the cache of a core.
const CHUNK: i64 = 1000;

/// `[D, D]` double on the CPU: the covariance of `samples` patches of D pixels, symmetric.
/// `key` says all that the patches depend on; `patches(i, n)` gives `[n, D]`, the i-th chunk.
pub fn covariance(
    key: &str,
    cache: &Path,
    pixels: i64,
    samples: i64,
    patches: impl Fn(u64, i64) -> Tensor,
) -> Result<Tensor, DataError> {
    if samples <= pixels {
        return Err(DataError::TooFewSamples { samples, pixels });
    }
    let hash = blake3::hash(format!("{VERSION} {samples} {key}").as_bytes());
    let file = cache.join(format!("covariance-{}.safetensors", &hash.to_hex()[..16]));
    Ok(read(&file, pixels).unwrap_or_else(|| {
        let covariance = estimate(pixels, samples, patches);
        // Without the cache the next run is slower, no more.
        write(&file, &covariance).ok();
        covariance
    }))
}

/// Runs on one thread, since the numbers must not depend on how many a run has.
fn estimate(pixels: i64, samples: i64, patches: impl Fn(u64, i64) -> Tensor) -> Tensor {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let mut products = Tensor::zeros([pixels, pixels], (Kind::Double, Device::Cpu));
    let mut sum = Tensor::zeros([pixels], (Kind::Double, Device::Cpu));
    for (chunk, start) in (0..samples).step_by(CHUNK as usize).enumerate() {
        let patches = patches(chunk as u64, CHUNK.min(samples - start)).to_kind(Kind::Double);
        sum += patches.sum_dim_intlist(0, false, None);
        products += patches.tr().matmul(&patches);
    }
    tch::set_num_threads(threads);
    let n = samples as f64;
    let covariance = (products - sum.outer(&sum) / n) / (n - 1.0);
    (&covariance + covariance.tr()) / 2.0
}

fn read(file: &Path, pixels: i64) -> Option<Tensor> {
    let (_, covariance) = Tensor::read_safetensors(file).ok()?.pop()?;
    (covariance.size() == [pixels, pixels] && covariance.kind() == Kind::Double).then_some(covariance)
}

/// Written aside and renamed, so that a reader sees all of it or nothing.
fn write(file: &Path, covariance: &Tensor) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let aside = file.with_extension(format!("{}.aside", std::process::id()));
    let written = Tensor::write_safetensors(&[("data_covariance", covariance)], &aside)
        .map_err(Box::<dyn std::error::Error>::from)
        .and_then(|()| Ok(fs::rename(&aside, file)?));
    if written.is_err() {
        fs::remove_file(&aside).ok();
    }
    written
}
