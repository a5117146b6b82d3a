//! What a store can fail with, in words for people, each with its place.

use crate::presence::claim::ClaimError;
use crate::record::SweepNameError;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// What a store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such sweep.
    #[error("no sweep `{name}` in {}", results.display())]
    NoSweep {
        /// What was asked for.
        name: String,
        /// Where.
        results: PathBuf,
        /// The sweeps that are there.
        known: Vec<String>,
    },
    /// A folder with a journal whose name no spec can have; version 0.1.0 made such ones with `import --as`.
    #[error("{} cannot be a sweep: {wrong}", folder.display())]
    Name {
        /// Which folder.
        folder: PathBuf,
        /// What is wrong with its name.
        wrong: SweepNameError,
    },
    /// No such run, or more than one.
    #[error("{0}")]
    NoRun(String),
    /// The operating system refused.
    #[error("cannot {verb} {}: {cause}", path.display())]
    File {
        /// `read`, `write` …
        verb: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        cause: Error,
    },
    /// A journal holds a line that no tessera wrote.
    #[error("{}, line {line}: {message}", path.display())]
    Journal {
        /// Which journal.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file of another version of the format.
    #[error("{} has format {found}; this tessera reads format {known}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What it says.
        found: u64,
        /// What is read here.
        known: u64,
    },
    /// A table that cannot be read.
    #[error("{}: {message}", path.display())]
    Table {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Somebody else is at it.
    #[error("{0}")]
    Busy(String),
    /// A question that cannot be answered.
    #[error("{0}")]
    Query(String),
}

impl StoreError {
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(Error) -> Self {
        move |cause| Self::File { verb, path: path.to_owned(), cause }
    }

    pub(crate) fn table(path: &Path) -> impl FnOnce(polars::error::PolarsError) -> Self {
        move |error| Self::Table { path: path.to_owned(), message: error.to_string() }
    }

    /// Whether there is no room left: the sweep can go on when there is.
    pub fn is_full(&self) -> bool {
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        matches!(self, Self::File { cause, .. } if full.contains(&cause.kind()))
    }

    /// The remedy, where one is known.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoSweep { known, .. } if known.is_empty() => {
                "nothing has been run yet here; `--results DIR` says where results live".to_owned()
            }
            Self::NoSweep { name, known, .. } => {
                match known.iter().min_by_key(|k| strsim::damerau_levenshtein(k, name)) {
                    Some(near) if strsim::damerau_levenshtein(near, name) <= 2 => format!("did you mean `{near}`?"),
                    _ => format!("there are: {}", known.join(", ")),
                }
            }
            Self::Name { .. } => {
                "import the runs again with another name after `--as`; names are letters, digits, `_`, `-`, `+` and `.`"
                    .to_owned()
            }
            Self::File { cause, .. } => match cause.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "make room and run the same command again: what is finished is kept".to_owned()
                }
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                    "choose a folder that you may write with `--results DIR`".to_owned()
                }
                _ => return None,
            },
            Self::Journal { .. } => MEND.to_owned(),
            Self::Format { found, known, .. } if found > known => "use the newer tessera that wrote it".to_owned(),
            Self::Table { .. } => MEND.to_owned(),
            _ => return None,
        })
    }
}

/// What helps where something is damaged.
const MEND: &str = "`tessera verify SWEEP` lists what is damaged; `tessera verify SWEEP --repair` sets it aside and keeps \
every run that can be read";

impl From<ClaimError> for StoreError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Held(holder) => Self::Busy(format!("{holder} is at it")),
            // Others take and give it back faster than it can be read.
            ClaimError::File { path, cause } if cause.kind() == ErrorKind::ResourceBusy => {
                Self::Busy(format!("others are at it ({})", path.display()))
            }
            ClaimError::File { path, cause } => Self::File { verb: "write", path, cause },
        }
    }
}
