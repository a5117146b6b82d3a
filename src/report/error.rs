//! Why a report could not be written.

use crate::analyse::AnalyseError;
use crate::figures::FiguresError;
use crate::spec::{Figure, Origin, Problems};
use crate::store::StoreError;
use std::path::{Path, PathBuf};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A figure could not be drawn.
    #[error("figure `{name}`: {error}")]
    Figure {
        /// Its name, or that of its sweep.
        name: String,
        /// Why.
        error: Box<FiguresError>,
        /// Where it was asked for.
        origin: Option<Origin>,
    },
    /// A table could not be made.
    #[error(transparent)]
    Table(#[from] AnalyseError),
    /// A file could not be written or read.
    #[error("cannot {verb} {}: {cause}", path.display())]
    File {
        /// `write`, `read`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The slides' template cannot be read.
    #[error("cannot read the template {}: {cause}", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Values in its texts are wrong.
    #[error("{}", .0.0.first().map(|problem| &*problem.message).unwrap_or_default())]
    Values(Problems),
    /// A sweep for which no figure can be suggested.
    #[error("nothing of `{0}` can be drawn: no run has recorded a metric")]
    NothingToDraw(String),
    /// A figure that a sweep does not have.
    #[error("`{sweep}` has no figure `{name}`")]
    NoFigure {
        /// The sweep.
        sweep: String,
        /// What was asked for.
        name: String,
        /// What it has.
        known: Vec<String>,
    },
    /// What cannot name an edition.
    #[error("`{0}` cannot name an edition")]
    Edition(String),
    /// A text of the report cannot be shown.
    #[error("{0}")]
    Text(String),
}

impl ReportError {
    /// What to do, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NothingToDraw(sweep) => Some(format!("`tessera status {sweep}` says where its runs stand")),
            Self::NoFigure { known, .. } => Some(format!("it has: {}", known.join(", "))),
            Self::Template { .. } => {
                Some("`template:` names a .pptx or .potx file, relative to the report's own; without it slides have Tessera's look".to_owned())
            }
            Self::Edition(_) => Some("use letters, digits, `-`, `_` and `.`, not `.` first".to_owned()),
            _ => None,
        }
    }

    pub(super) fn figure(figure: &Figure, error: FiguresError) -> Self {
        Self::Figure { name: figure.name.clone(), error: Box::new(error), origin: Some(figure.origin.clone()) }
    }

    pub(super) fn sweep(name: &str, error: FiguresError) -> Self {
        Self::Figure { name: name.to_owned(), error: Box::new(error), origin: None }
    }

    pub(super) fn file(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { verb, path, cause }
    }
}
