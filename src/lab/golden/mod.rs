//! `tessera-lab check DIR`: golden files against this implementation, step by step, gradient by gradient.
//!
//! A golden file holds the configuration, the inputs and the numbers of an independent implementation (golden/README.md, which
//! also gives the agreement to expect). Each is compared in both precisions; the toy's file has both inside.

mod retina;
mod toy;

use crate::tensor_file::TensorFile;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Largest relative errors that pass: in double and in single precision.
const TOLERANCE: [f64; 2] = [1e-9, 1e-4];

/// How far one file is off: the largest relative error and the tensor that has it, in double and in single precision.
#[derive(Debug)]
pub struct Agreement {
    worst: [(f64, String); 2],
}

impl Agreement {
    /// Whether both are within tolerance.
    pub fn is_close(&self) -> bool {
        self.worst.iter().zip(TOLERANCE).all(|((error, _), tolerance)| *error <= tolerance)
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [(double, of), (single, of_single)] = &self.worst;
        write!(f, "double {double:.1e} ({of}), single {single:.1e} ({of_single})")
    }
}

/// The largest error so far.
#[derive(Debug, Default)]
struct Worst {
    error: f64,
    of: String,
}

impl Worst {
    /// max|a−b| / max|b|. What is not finite, or of another shape, is infinitely far off.
    fn compare(&mut self, name: &str, found: &Tensor, expected: &Tensor) {
        let numbers = |tensor: &Tensor| tensor.detach().to_device(Device::Cpu).to_kind(Kind::Double);
        let (found, expected) = (numbers(found), numbers(expected));
        let error = if found.size() != expected.size() {
            f64::INFINITY
        } else {
            let difference = (&found - &expected).abs().max().double_value(&[]);
            let largest = expected.abs().max().double_value(&[]);
            let relative = if difference == 0.0 { 0.0 } else { difference / largest };
            if relative.is_nan() { f64::INFINITY } else { relative }
        };
        self.note(name, error);
    }

    /// A tensor that this implementation has no number for.
    fn missing(&mut self, name: &str) {
        self.note(name, f64::INFINITY);
    }

    fn note(&mut self, name: &str, error: f64) {
        if error > self.error || self.of.is_empty() {
            self.error = error;
            self.of = name.to_owned();
        }
    }
}

/// Compares one file, with the retina on a device (the toy needs no tensors).
pub fn compare(path: &Path, device: Device) -> Result<Agreement, String> {
    let file = TensorFile::read(path)?;
    let mut worst = Vec::new();
    for kind in [Kind::Double, Kind::Float] {
        let found = if file.get("trajectory.f64").is_some() {
            toy::compare(&file, kind)
        } else {
            retina::compare(&file, kind, device)
        };
        let Worst { error, of } = found.map_err(|fault| format!("{}: {fault}", path.display()))?;
        worst.push((error, of));
    }
    let worst = worst.try_into().map_err(|_| "two precisions".to_owned())?;
    Ok(Agreement { worst })
}

/// Prints one line a file of a folder; whether all of them pass.
pub fn check(folder: &Path, device: Device) -> Result<bool, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "safetensors"));
    files.sort();
    if files.is_empty() {
        return Err(format!("no safetensors files in {}", folder.display()));
    }
    let mut all_close = true;
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match compare(&path, device) {
            Ok(agreement) => {
                all_close &= agreement.is_close();
                println!("{} {name}: {agreement}", if agreement.is_close() { "pass" } else { "FAIL" });
            }
            Err(fault) => {
                all_close = false;
                println!("FAIL {name}: {fault}");
            }
        }
    }
    Ok(all_close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_golden_file_agrees() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        assert!(check(&folder, Device::Cpu).unwrap());
    }

    #[test]
    fn a_number_that_is_off_is_seen() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let mut file = TensorFile::read(&folder.join("lagrange_1c.safetensors")).unwrap();
        for (name, tensor) in &mut file.tensors {
            if name == "step0.grad_kl.encoder.logA" {
                *tensor = &*tensor * (1.0 + 1e-8);
            }
        }
        let aside = tempfile::tempdir().unwrap();
        file.write(&aside.path().join("off.safetensors")).unwrap();
        assert!(!check(aside.path(), Device::Cpu).unwrap());
    }
}
