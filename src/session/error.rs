//! Turns the errors of stages into those of commands: message, remedy and exit code.

use crate::agent::RunError;
use crate::analyse::AnalyseError;
use crate::error::Error;
use crate::exchange::ExchangeError;
use crate::page::PageError;
use crate::report::ReportError;
use crate::spec::{Problems, Severity};
use crate::store::StoreError;

/// An error of the operating system that says enough by itself.
pub fn outside(error: std::io::Error) -> Error {
    Error::failure(error.to_string())
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        let shown = Self::failure(error.to_string());
        match error {
            RunError::Program { .. } => shown.with_help("`./just build` builds it; TESSERA_LAB names one elsewhere"),
            RunError::Worker { .. } => shown.with_help("`tessera doctor` looks for the cause"),
            RunError::Protocol { .. } => shown.with_help("build `tessera` and `tessera-lab` from the same sources"),
            RunError::Sink(_) => shown.with_help("what is finished is kept; the same command goes on from there"),
            RunError::Gpu(_) => shown.with_help("`tessera doctor` lists the GPUs"),
            RunError::Full(_) => shown.with_help("make room and run the same command again: what is finished is kept"),
            RunError::Signals(_) => shown,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let help = error.help();
        let shown = match error {
            StoreError::NoSweep { .. } | StoreError::NoRun(_) | StoreError::Query(_) => Self::usage(error.to_string()),
            _ => Self::failure(error.to_string()),
        };
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}

impl From<AnalyseError> for Error {
    fn from(error: AnalyseError) -> Self {
        let help = error.help();
        let shown = match error {
            AnalyseError::Store(error) => return error.into(),
            AnalyseError::Unwritten(_) => Self::failure(error.to_string()),
            error => Self::usage(error.to_string()),
        };
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}

impl From<ExchangeError> for Error {
    fn from(error: ExchangeError) -> Self {
        let help = error.help();
        let shown = match error {
            ExchangeError::Store(error) => return error.into(),
            error @ ExchangeError::Request { .. } => Self::usage(error.to_string()),
            error => Self::failure(error.to_string()),
        };
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::Table(error) => error.into(),
            ReportError::Values(problems) => problems.into(),
            ReportError::Figure { name, error, origin: Some(origin) } => match error.asked() {
                Some(help) => {
                    Problems(vec![origin.problem(Severity::Error, format!("`{name}`: {error}"), &help)]).into()
                }
                None => Self::failure(format!("figure `{name}`: {error}")),
            },
            error => match error.help() {
                Some(help) => Self::usage(error.to_string()).with_help(help),
                None => Self::failure(error.to_string()),
            },
        }
    }
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        let help = error.help();
        let shown = Self::failure(error.to_string());
        match help {
            Some(help) => shown.with_help(help),
            None => shown,
        }
    }
}
