//! Why a figure could not be drawn, and the remedy.

use crate::spec::suggestion;
use crate::store::StoreError;

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tables could not be read as they should be.
    #[error("the stored tables cannot be read: {0}")]
    Table(#[from] polars::error::PolarsError),
    /// The runs do not have what is to be drawn.
    #[error("no run of `{sweep}` has the {what} `{name}`")]
    Missing {
        /// `metric`, `array`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The sweep.
        sweep: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The figure does not fit its numbers.
    #[error("{0}")]
    Shape(String),
    /// The drawing library refused.
    #[error("cannot draw: {0}")]
    Draw(String),
}

impl FiguresError {
    /// Whether the figure asks for what the runs do not have, and the remedy; the rest lies outside the spec.
    pub fn asked(&self) -> Option<String> {
        match self {
            Self::Missing { known, .. } if known.is_empty() => Some("nothing has been recorded yet".to_owned()),
            Self::Missing { name, known, .. } => {
                let known: Vec<&str> = known.iter().map(|name| &**name).collect();
                Some(suggestion(name, &known))
            }
            Self::Shape(_) => Some(String::new()),
            _ => None,
        }
    }

    /// What the drawing library says.
    pub(super) fn drawing(error: impl std::fmt::Display) -> Self {
        Self::Draw(error.to_string())
    }
}
