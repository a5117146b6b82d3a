//! All scenes of a data set in one array. A worker executes run after run on the same data, so the newest scenes are kept.

use super::cones::Cone;
use super::options::{Folder, Options, Origin};
use super::scene::Scene;
use super::{DataError, folder, synthetic};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tch::{Device, Tensor};

/// Scenes, one below another.
pub struct Scenes {
    /// All that the pixels depend on.
    pub key: String,
    /// `[L, R, W]`; R the sum of the heights, W the largest width.
    pixels: Vec<f32>,
    shape: [i64; 3],
    /// Where each scene lies.
    pub places: Vec<Place>,
}

/// The rows and columns of a scene.
#[derive(Clone, Debug)]
pub struct Place {
    /// First row.
    pub top: i64,
    /// Rows.
    pub height: i64,
    /// Columns, from the first.
    pub width: i64,
    name: String,
}

/// Millions of pixels help nobody.
impl std::fmt::Debug for Scenes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scenes({} of {}, pixels {:?})", self.places.len(), self.key, self.shape)
    }
}

static NEWEST: Mutex<Option<Arc<Scenes>>> = Mutex::new(None);

impl Scenes {
    /// Reads or makes the scenes, unless they are those of the last call.
    pub fn open(options: &Options, cache: &Path) -> Result<Arc<Self>, DataError> {
        let Options { colors, normalize_colors, .. } = *options;
        let origin = match &options.origin {
            Origin::Synthetic { scenes, size } => format!("synthetic {} {scenes} {size}", synthetic::VERSION),
            Origin::Kyoto(folder) => format!("kyoto {}", folder.fingerprint(cache)?),
            Origin::Images(folder) => format!("images {}", folder.fingerprint(cache)?),
        };
        let key = format!("{origin} colors {colors} normalize_colors {normalize_colors}");
        // A panic elsewhere leaves whole scenes or none.
        let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scenes) = newest.as_ref().filter(|scenes| scenes.key == key) {
            return Ok(scenes.clone());
        }
        let cones = Cone::of(colors);
        let mut scenes = match &options.origin {
            Origin::Synthetic { scenes, size } => synthetic::scenes(*scenes, *size, cones)?,
            Origin::Kyoto(folder) => folder::kyoto(&folder.path, cones)?,
            Origin::Images(folder) => folder::images(&folder.path, cones)?,
        };
        for scene in &mut scenes {
            scene.normalize(normalize_colors)?;
        }
        Ok(newest.insert(Arc::new(Self::stack(key, &scenes))).clone())
    }

    fn stack(key: String, scenes: &[Scene]) -> Self {
        let colors = scenes.first().map_or(0, |scene| scene.planes.len());
        let width = scenes.iter().map(|scene| scene.width).max().unwrap_or(0);
        let rows: usize = scenes.iter().map(|scene| scene.height).sum();
        let mut pixels = vec![0f32; colors * rows * width];
        let mut places = Vec::new();
        let mut top = 0;
        for scene in scenes {
            for (color, plane) in scene.planes.iter().enumerate() {
                let start = (color * rows + top) * width;
                for (to, from) in pixels[start..].chunks_mut(width).zip(plane.chunks(scene.width)) {
                    to[..scene.width].copy_from_slice(from);
                }
            }
            places.push(Place {
                top: top as i64,
                height: scene.height as i64,
                width: scene.width as i64,
                name: scene.name.clone(),
            });
            top += scene.height;
        }
        Self { key, pixels, shape: [colors as i64, rows as i64, width as i64], places }
    }

    /// The pixels, `[L, R, W]` in single precision.
    pub fn pixels(&self, device: Device) -> Tensor {
        Tensor::from_slice(&self.pixels).view(self.shape).to_device(device)
    }

    /// Whether a patch fits into each scene.
    pub fn check_size(&self, kernel_size: usize) -> Result<(), DataError> {
        let smallest = self.places.iter().min_by_key(|place| place.height.min(place.width));
        match smallest {
            Some(place) if place.height.min(place.width) < kernel_size as i64 => Err(DataError::TooSmall {
                name: place.name.clone(),
                height: place.height as usize,
                width: place.width as usize,
                kernel_size,
            }),
            _ => Ok(()),
        }
    }
}

impl Folder {
    /// The files' fingerprint; an error if the run was planned with another.
    fn fingerprint(&self, cache: &Path) -> Result<String, DataError> {
        let found = tessera::record::fingerprint(&self.path, Some(cache))?;
        if !self.planned.is_empty() && self.planned != found {
            let (folder, planned) = (self.path.clone(), self.planned.clone());
            return Err(DataError::Changed { folder, planned, found });
        }
        Ok(found)
    }
}
