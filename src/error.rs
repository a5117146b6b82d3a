//! The one place that renders errors and chooses exit codes.

pub use crate::record::printable;
use crate::spec::{Problem, Problems, Severity, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};

/// How a command ends; `tessera --help` lists the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All done.
    Success = 0,
    /// Something outside went wrong: a file, a device, a program.
    Failure = 1,
    /// The command line or a spec is wrong.
    Usage = 2,
    /// The sweep went through, and some runs failed.
    SomeFailed = 3,
    /// Stopped by a person or a signal.
    Stopped = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// What a command can fail with.
#[derive(Debug)]
pub enum Error {
    /// Mistakes in a spec, with their places.
    Spec(Problems),
    /// Anything else: what, where, and what to do.
    Other {
        /// What is wrong and where.
        message: String,
        /// The remedy.
        help: Option<String>,
        /// How the command ends.
        code: ExitCode,
    },
}

impl Error {
    /// Something outside went wrong.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), help: None, code: ExitCode::Failure }
    }

    /// What was asked for cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), help: None, code: ExitCode::Usage }
    }

    /// The same with a remedy.
    pub fn with_help(self, remedy: impl Into<String>) -> Self {
        match self {
            Self::Other { message, code, .. } => Self::Other { message, help: Some(remedy.into()), code },
            other => other,
        }
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> String {
        match self {
            Self::Spec(problems) => problems.0.first().map(|problem| problem.message.clone()).unwrap_or_default(),
            Self::Other { message, .. } => message.clone(),
        }
    }

    /// How the command ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Spec(_) => ExitCode::Usage,
            Self::Other { code, .. } => *code,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Spec(problems)
    }
}

/// The error as people read it, with a line break at its end.
pub fn render(error: &Error, color: bool) -> String {
    match error {
        Error::Spec(problems) => render_problems(problems, color),
        Error::Other { message, help, .. } => {
            let help = help.as_ref().map(|help| format!("  help: {}\n", printable(help))).unwrap_or_default();
            format!("error: {}\n{help}", printable(message))
        }
    }
}

/// Problems as people read them, each with file, line, caret, cause and remedy.
pub fn render_problems(problems: &Problems, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    problems.0.iter().map(|problem| render_problem(problem, &handler)).collect()
}

fn render_problem(problem: &Problem, handler: &GraphicalReportHandler) -> String {
    let severity = match problem.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let shown = problem.source.as_ref().filter(|source| !lies_in_a_long_line(&source.text, problem.span.start));
    let message = match &problem.source {
        Some(source) if shown.is_none() => format!("{}: {}", place(source, problem.span.start), problem.message),
        _ => problem.message.clone(),
    };
    let mut diagnostic = MietteDiagnostic::new(printable(&message)).with_severity(severity);
    if let Some(help) = &problem.help {
        diagnostic = diagnostic.with_help(printable(help));
    }
    let report = match shown {
        Some(source) => {
            let label = (!problem.label.is_empty()).then(|| printable(&problem.label));
            let label = LabeledSpan::new(label, problem.span.start, problem.span.len());
            miette::Report::new(diagnostic.with_label(label))
                .with_source_code(NamedSource::new(source.name.to_string_lossy(), source.text.to_string()))
        }
        None => miette::Report::new(diagnostic),
    };
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(_) => format!("error: {}\n", printable(&problem.message)),
    }
}

/// Whether the line of a place, or one beside it, is longer than anybody reads: it is not shown.
fn lies_in_a_long_line(text: &str, place: usize) -> bool {
    const LONG: usize = 500;
    let begin = |end: usize| text.get(..end).and_then(|before| before.rfind('\n'));
    let own = begin(place.min(text.len()));
    let first = own.and_then(begin).map_or(0, |end| end + 1);
    let shown = text.get(first..).unwrap_or("");
    shown.lines().take(3).any(|line| line.len() > LONG)
}

/// `spec.yaml, line 4, column 7`
fn place(source: &Source, place: usize) -> String {
    let before = source.text.get(..place.min(source.text.len())).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{}, line {line}, column {column}", source.name.display())
}
