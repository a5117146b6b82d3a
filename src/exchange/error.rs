//! Errors of import and export.

use crate::agent::SinkError;
use crate::pickup::PickupError;
use crate::store::StoreError;
use std::path::{Path, PathBuf};

/// What taking runs in and giving them out can fail with.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// What was asked for cannot be.
    #[error("{message}")]
    Request {
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<&'static str>,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {cause}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What a run's files hold cannot be read.
    #[error(transparent)]
    Pickup(#[from] PickupError),
    /// The sweep's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sweep takes nothing more.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl ExchangeError {
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::Request { message: message.into(), help: None }
    }

    pub(super) fn line(path: &Path, line: u64, why: String) -> Self {
        let message = format!("{}, line {line}: {why}", path.display());
        Self::Request { message, help: Some("correct the line, or leave the column out") }
    }

    pub(super) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |cause| Self::Unreadable { path: path.to_owned(), cause }
    }

    pub(super) fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |cause| Self::Unwritable { path: path.to_owned(), cause }
    }

    /// The remedy, where one is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Request { help, .. } => help.map(str::to_owned),
            Self::Store(error) => error.help(),
            _ => None,
        }
    }
}
