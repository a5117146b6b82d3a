//! What is wrong with a value in a text: carried through minijinja's errors.

use crate::analyse::AnalyseError;
use minijinja::{Error, ErrorKind};
use std::error::Error as _;
use std::ops::Range;

/// A mistake and its remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Mistake {
    pub message: String,
    pub help: String,
}

/// A mistake as minijinja's error.
pub(super) fn wrong(message: impl Into<String>, help: impl Into<String>) -> Error {
    let mistake = Mistake { message: message.into(), help: help.into() };
    Error::new(ErrorKind::InvalidOperation, mistake.message.clone()).with_source(mistake)
}

/// What the stores answer in place of a value.
pub(super) fn of_answer(error: AnalyseError) -> Error {
    let help = error.help().unwrap_or_default();
    wrong(error.to_string(), help)
}

impl Mistake {
    /// What an error says, and the part of the text that it is about.
    pub fn of(error: &Error, known: &[&str]) -> (Self, Option<Range<usize>>) {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(mistake) = inner.downcast_ref::<Self>() {
                return (mistake.clone(), error.range());
            }
            cause = inner.source();
        }
        let detail = error.detail().unwrap_or_default();
        let name = detail.split_whitespace().next().unwrap_or_default();
        let (message, help) = match error.kind() {
            ErrorKind::UnknownFunction => {
                (format!("no function is called `{name}`"), crate::spec::suggestion(name, known))
            }
            // Which name it is stands in the text: the reader sees it under the caret.
            ErrorKind::UndefinedError => ("nothing is called so here".to_owned(), String::new()),
            ErrorKind::SyntaxError => (format!("this is no value: {detail}"), String::new()),
            kind if detail.is_empty() => (kind.to_string(), String::new()),
            _ => (detail.to_owned(), String::new()),
        };
        (Self { message, help }, error.range())
    }
}
