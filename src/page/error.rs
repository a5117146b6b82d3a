//! Why there is no page, and why a request has no answer.

use crate::analyse::AnalyseError;
use crate::figures::FiguresError;
use crate::store::StoreError;
use std::io::ErrorKind;

/// What the page can fail with.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The system refuses what a server needs.
    #[error("cannot {what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        cause: std::io::Error,
    },
    /// What is asked for is not there.
    #[error("{0}")]
    Missing(String),
    /// The request is no question that can be answered.
    #[error("{0}")]
    Question(String),
    /// The store cannot be read, or has no such thing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A question about numbers that has no answer.
    #[error(transparent)]
    Analyse(#[from] AnalyseError),
    /// Rows that cannot be read.
    #[error(transparent)]
    Figures(#[from] FiguresError),
}

impl PageError {
    /// The remedy, where one is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Listen { cause, .. } => Some(match cause.kind() {
                ErrorKind::AddrInUse | ErrorKind::PermissionDenied => {
                    "--port names another port; 0 takes any that is free".to_owned()
                }
                _ => "--host names an address of this machine; without it 127.0.0.1 is taken".to_owned(),
            }),
            Self::Store(error) => error.help(),
            Self::Analyse(error) => error.help(),
            _ => None,
        }
    }
}
