//! What a run says of its data.

use crate::parameter::Values;
use std::path::PathBuf;

/// Where scenes come from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Built-in dead-leaves scenes.
    Synthetic {
        /// How many.
        scenes: usize,
        /// Their side in pixels.
        size: usize,
    },
    /// A folder of the Kyoto data set.
    Kyoto(Folder),
    /// A folder of PNG and JPEG images.
    Images(Folder),
}

/// A folder of files.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where.
    pub path: PathBuf,
    /// The fingerprint that the run was planned with; empty: not checked.
    pub planned: String,
}

/// What a run says of its data; names as in `describe/retina.rs`.
#[derive(Clone, Debug)]
pub struct Options {
    /// `data.source` and what goes with it.
    pub origin: Origin,
    /// Cone types L.
    pub colors: usize,
    /// Side K of a patch, pixels.
    pub kernel_size: usize,
    /// Patches are seen through a circle.
    pub circular_mask: bool,
    /// Patches that the covariance is estimated from.
    pub covariance_samples: i64,
    /// Share of principal components that patches are whitened to; 0: no whitening.
    pub whiten: f64,
    /// Each colour of an image is normalised by itself.
    pub normalize_colors: bool,
    /// Each patch loses its mean, colour by colour.
    pub remove_mean: bool,
}

impl Options {
    /// Reads a job's values.
    pub fn read(values: &Values) -> Result<Self, String> {
        let count = |name: &str| values.steps(name).map(|count| count as usize);
        let folder = || -> Result<Folder, String> {
            Ok(Folder { path: values.text("data.path")?.into(), planned: values.text("data.fingerprint")? })
        };
        let origin = match values.text("data.source")?.as_str() {
            "kyoto" => Origin::Kyoto(folder()?),
            "images" => Origin::Images(folder()?),
            _ => Origin::Synthetic { scenes: count("data.scenes")?, size: count("data.scene_size")? },
        };
        Ok(Self {
            origin,
            colors: count("colors")?,
            kernel_size: count("kernel_size")?,
            circular_mask: values.boolean("circular_mask")?,
            covariance_samples: values.integer("data.covariance_samples")?,
            whiten: values.number("data.whiten")?,
            normalize_colors: values.boolean("data.normalize_colors")?,
            remove_mean: values.boolean("data.remove_mean")?,
        })
    }
}
