//! What a question can fail with.

use crate::store::StoreError;

/// What a question can fail with.
#[derive(Debug, thiserror::Error)]
pub enum AnalyseError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name that the sweep does not have.
    #[error("no {what} `{name}` in `{sweep}`")]
    Unknown {
        /// `metric`, `axis` …
        what: &'static str,
        /// As asked for.
        name: String,
        /// Where.
        sweep: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The answer cannot be written.
    #[error("cannot write the answer: {0}")]
    Unwritten(std::io::Error),
    /// A question that makes no sense, with the remedy.
    #[error("{message}")]
    Question {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
}

impl AnalyseError {
    /// The remedy, where one is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.help(),
            Self::Unwritten(_) => None,
            Self::Question { help, .. } => Some(help.clone()),
            Self::Unknown { known, .. } if known.is_empty() => Some("nothing has been recorded yet".to_owned()),
            Self::Unknown { name, known, .. } => {
                let distance = |k: &&String| strsim::damerau_levenshtein(k, name);
                Some(match known.iter().min_by_key(distance) {
                    Some(near) if distance(&near) <= 1 + name.len() / 4 => format!("did you mean `{near}`?"),
                    _ => format!("there are: {}", known.join(", ")),
                })
            }
        }
    }
}
