//! Safetensors files: written aside, synced and renamed, so that a reader sees all of a file or nothing.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Named tensors and a few words about them.
#[derive(Debug, Default)]
pub struct TensorFile {
    /// By name, in order of the file.
    pub tensors: Vec<(String, Tensor)>,
    /// What the file says of itself.
    pub metadata: HashMap<String, String>,
}

impl TensorFile {
    /// Reads a file; the message names it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fault = |fault: &dyn std::fmt::Display| format!("{}: {fault}", path.display());
        let bytes = fs::read(path).map_err(|error| fault(&error))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| fault(&error))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| fault(&error))?;
        let mut tensors = Vec::new();
        for (name, view) in file.tensors() {
            let kind = match view.dtype() {
                Dtype::F64 => Kind::Double,
                Dtype::F32 => Kind::Float,
                Dtype::I64 => Kind::Int64,
                other => return Err(fault(&format!("`{name}` is of type {other:?}"))),
            };
            let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
            let tensor = Tensor::f_from_data_size(view.data(), &shape, kind).map_err(|error| fault(&error))?;
            tensors.push((name, tensor));
        }
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { tensors, metadata: header.metadata().clone().unwrap_or_default() })
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
    }

    /// Writes the file, making its folder; the message names it.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        self.try_write(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    fn try_write(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let parts: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> =
            self.tensors.iter().map(|(name, tensor)| bytes(name, tensor)).collect::<Result<_, _>>()?;
        let mut views = Vec::new();
        for (name, dtype, shape, data) in &parts {
            views.push((*name, TensorView::new(*dtype, shape.clone(), data)?));
        }
        let serialized = safetensors::serialize(views, Some(self.metadata.clone()))?;
        let aside = path.with_extension(format!("aside-{}", std::process::id()));
        let written = (|| {
            let mut file = File::create(&aside)?;
            file.write_all(&serialized)?;
            file.sync_all()?;
            fs::rename(&aside, path)?;
            File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            fs::remove_file(&aside).ok();
        }
        Ok(written?)
    }
}

type Part<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);

fn bytes<'a>(name: &'a str, tensor: &Tensor) -> Result<Part<'a>, Box<dyn std::error::Error>> {
    let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
    let (dtype, size) = match tensor.kind() {
        Kind::Double => (Dtype::F64, 8),
        Kind::Float => (Dtype::F32, 4),
        Kind::Int64 => (Dtype::I64, 8),
        other => return Err(format!("`{name}` is of kind {other:?}").into()),
    };
    let mut data = vec![0; tensor.numel() * size];
    tensor.f_copy_data_u8(&mut data, tensor.numel())?;
    Ok((name, dtype, tensor.size().iter().map(|size| *size as usize).collect(), data))
}
