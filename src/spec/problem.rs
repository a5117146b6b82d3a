//! Everything that is wrong with a spec, each with its place, cause and remedy. Rendered in `error`.

use std::path::PathBuf;
use std::sync::Arc;

/// An error stops the command; a warning is shown and the command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Stops the command.
    Error,
    /// Shown only.
    Warning,
}

/// One mistake: what, where, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Whether it stops the command.
    pub severity: Severity,
    /// What is wrong, in one line without a full stop: "unknown parameter `fr_learing_rate`".
    pub message: String,
    /// The remedy: "did you mean `fr_learning_rate`?".
    pub help: Option<String>,
    /// Words under the caret; may be empty.
    pub label: String,
    /// The text that holds the mistake and its name (a file, or "--set" for an argument).
    pub source: Option<Source>,
    /// Byte range in the source.
    pub span: std::ops::Range<usize>,
}

/// A text that positions point into.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file as the user named it, or the argument.
    pub name: PathBuf,
    /// Its whole text.
    pub text: Arc<str>,
}

/// All that was found, errors and warnings, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether any of them stops the command.
    pub fn fatal(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }
}
