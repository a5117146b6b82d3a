//! Images from a folder: the Kyoto data set's MATLAB files, or PNG and JPEG images.

use super::DataError;
use super::cones::{Cone, linear, respond};
use super::scene::Scene;
use matfile::{MatFile, NumericData};
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// The Kyoto data set: MATLAB v5 files (compressed or not) with the cones' responses as matrices OL, OM, OS.
pub fn kyoto(folder: &Path, cones: &[Cone]) -> Result<Vec<Scene>, DataError> {
    let files = files(folder, &["mat"], ".mat files")?;
    files.par_iter().map(|file| mat(file, cones)).collect()
}

/// Ordinary images, in sRGB.
pub fn images(folder: &Path, cones: &[Cone]) -> Result<Vec<Scene>, DataError> {
    let files = files(folder, &["png", "jpg", "jpeg"], "PNG or JPEG images")?;
    files.par_iter().map(|file| photograph(file, cones)).collect()
}

/// The files with one of some extensions, sorted by name; hidden ones and subfolders do not count.
fn files(folder: &Path, extensions: &[&str], what: &'static str) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source| DataError::Unreadable { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        if !hidden && extension.is_some_and(|extension| extensions.contains(&&*extension)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(DataError::NoImages { folder: folder.to_owned(), what });
    }
    Ok(files)
}

fn mat(path: &Path, cones: &[Cone]) -> Result<Scene, DataError> {
    let corrupt = |fault: String| DataError::Corrupt { path: path.to_owned(), fault };
    let bytes = fs::read(path).map_err(|source| DataError::Unreadable { path: path.to_owned(), source })?;
    if bytes.starts_with(b"MATLAB 7.3") {
        return Err(corrupt("a MATLAB v7.3 file; write it again with `save -v7`".to_owned()));
    }
    let file = MatFile::parse(&*bytes).map_err(|error| corrupt(format!("not a MATLAB v5 file ({error})")))?;
    let mut scene = Scene { name: file_name(path), height: 0, width: 0, planes: Vec::new() };
    for cone in cones {
        let variable = format!("O{}", cone.name());
        let array = file.find_by_name(&variable).ok_or_else(|| corrupt(format!("no matrix `{variable}`")))?;
        let &[height, width] = array.size().as_slice() else {
            return Err(corrupt(format!("`{variable}` has {} dimensions, expected 2", array.ndims())));
        };
        if !scene.planes.is_empty() && (height, width) != (scene.height, scene.width) {
            return Err(corrupt(format!("`{variable}` is of another size than the other cones")));
        }
        let columns: Vec<f32> = match array.data() {
            NumericData::Single { real, .. } => real.clone(),
            NumericData::Double { real, .. } => real.iter().map(|&x| x as f32).collect(),
            _ => return Err(corrupt(format!("`{variable}` is of whole numbers, expected single or double"))),
        };
        if columns.len() != height * width || columns.is_empty() {
            return Err(corrupt(format!("`{variable}` has {} values for {height} × {width}", columns.len())));
        }
        (scene.height, scene.width) = (height, width);
        // MATLAB stores column by column.
        let rows = (0..height).flat_map(|i| columns[i..].iter().step_by(height).copied()).collect();
        scene.planes.push(rows);
    }
    Ok(scene)
}

fn photograph(path: &Path, cones: &[Cone]) -> Result<Scene, DataError> {
    let corrupt = |fault: String| DataError::Corrupt { path: path.to_owned(), fault };
    let reader = image::ImageReader::open(path)
        .and_then(|reader| reader.with_guessed_format())
        .map_err(|source| DataError::Unreadable { path: path.to_owned(), source })?;
    let image = reader.decode().map_err(|error| corrupt(format!("not a PNG or JPEG image ({error})")))?.to_rgb32f();
    let light: Vec<[f32; 3]> = image.pixels().map(|pixel| pixel.0.map(linear)).collect();
    let name = file_name(path);
    let mut planes = Vec::new();
    for cone in cones {
        let mut plane: Vec<f32> = light.iter().map(|&rgb| cone.catch(rgb)).collect();
        respond(&mut plane, *cone, &name)?;
        planes.push(plane);
    }
    Ok(Scene { name, height: image.height() as usize, width: image.width() as usize, planes })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
