//! What can be wrong with images, in words that name the file.

use std::path::PathBuf;
use tessera::record::FingerprintError;

/// Images that cannot be trained on.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A folder or file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without a file of the kind looked for.
    #[error("no {what} in {}", folder.display())]
    NoImages {
        /// Which folder.
        folder: PathBuf,
        /// `.mat files`, `PNG or JPEG images`.
        what: &'static str,
    },
    /// A file that is not what its name says, or lacks what it should hold.
    #[error("{}: {fault}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// An image that cannot be normalised.
    #[error("image {name}: {fault}")]
    Flat {
        /// Which image.
        name: String,
        /// What is wrong.
        fault: String,
    },
    /// An image smaller than a kernel.
    #[error("`kernel_size` is {kernel_size}, but image {name} has only {height} × {width} pixels")]
    TooSmall {
        /// The smallest image.
        name: String,
        /// Its rows.
        height: usize,
        /// Its columns.
        width: usize,
        /// Side of a kernel.
        kernel_size: usize,
    },
    /// Files that are not those that the run was planned with.
    #[error(
        "the files in {} have fingerprint {found}, but the run was planned with {planned}: \
         the data changed, plan the sweep again", folder.display()
    )]
    Changed {
        /// Which folder.
        folder: PathBuf,
        /// What the run's parameters say.
        planned: String,
        /// What the files say.
        found: String,
    },
    /// Fewer patches than pixels.
    #[error("`data.covariance_samples` is {samples}, but the covariance of {pixels} pixels needs more than {pixels}")]
    TooFewSamples {
        /// Patches asked for.
        samples: i64,
        /// Pixels of a patch, all colours.
        pixels: i64,
    },
    /// Pixels of which some are combinations of the others.
    #[error(
        "the pixels of a patch depend on each other: cone {cone} varies in {rank} of {directions} directions (in the others by \
         less than {tolerance:e} of the largest variance); use more or larger images, images that were not enlarged, a \
         smaller `kernel_size`, or `data.whiten` to keep the leading directions alone"
    )]
    DependentPixels {
        /// Whose pixels.
        cone: &'static str,
        /// Directions in which they vary.
        rank: i64,
        /// Directions in which they should.
        directions: i64,
        /// The share of the largest variance below which a direction is empty.
        tolerance: f64,
    },
    /// Colours of which some are combinations of the others.
    #[error(
        "the colours {} of the images depend on each other (grey images?): some combination of their pixels varies by less \
         than {:e} of the largest variance; use `colors: {remedy}`, or images in colour",
        words(pairs),
        tolerance
    )]
    DependentColors {
        /// Which: pairs, or all of them where no pair does.
        pairs: Vec<Vec<&'static str>>,
        /// The largest number of colours that have none of these together.
        remedy: usize,
        /// The share of the largest variance below which a direction is empty.
        tolerance: f64,
    },
}

/// `L and M, L and S`.
fn words(groups: &[Vec<&'static str>]) -> String {
    groups.iter().map(|group| group.join(" and ")).collect::<Vec<_>>().join(", ")
}

impl From<FingerprintError> for DataError {
    fn from(error: FingerprintError) -> Self {
        Self::Unreadable { path: error.path, source: error.source }
    }
}

impl From<DataError> for String {
    fn from(error: DataError) -> Self {
        error.to_string()
    }
}
