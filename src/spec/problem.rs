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

    /// In the order of the file; files and arguments in the order in which they were met. What is said twice of one
    /// place is said once.
    pub fn sort(&mut self) {
        let mut names: Vec<PathBuf> = Vec::new();
        let mut place = |problem: &Problem| {
            let name = problem.source.as_ref().map(|source| source.name.clone()).unwrap_or_default();
            let known = names.iter().position(|known| *known == name);
            known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        };
        let mut keyed: Vec<_> =
            self.0.drain(..).map(|problem| ((place(&problem), problem.span.start), problem)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.dedup_by(|a, b| a.0 == b.0 && a.1.message == b.1.message && a.1.source.is_some());
        self.0 = keyed.into_iter().map(|(_, problem)| problem).collect();
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problem {
    /// Whether it stops the command.
    pub fn fatal(&self) -> bool {
        self.severity == Severity::Error
    }
}
