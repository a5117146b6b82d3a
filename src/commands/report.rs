//! `tessera report`: a report as Markdown and as one page.

use super::answer::answer;
use crate::error::{Error, ExitCode};
use crate::report::{ReportError, write};
use crate::spec::{Document, Report as Spec, read};
use std::path::{Path, PathBuf};

/// Writes a report: Markdown with its figures, and one HTML page that needs nothing else
///
/// A sweep's file gives a page of its figures and a table of its metric. Prints the files written.
#[derive(clap::Args)]
pub struct Report {
    /// The file of a report or a sweep
    spec: PathBuf,
    /// Another value of the base, NAME=VALUE (for a sweep's file)
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The folder [default: reports/NAME in the results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

impl Report {
    /// Writes the report and prints where it is.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (document, warnings) = read(&self.spec, &self.set)?;
        eprint!("{}", crate::error::render_problems(&warnings, false));
        let spec = match document {
            Document::Report(report) => *report,
            Document::Sweep(sweep) => Spec::of_sweep(*sweep),
        };
        let out = self.out.unwrap_or_else(|| results.join("reports").join(&spec.name));
        let written = write(&spec, results, &out)?;
        for name in &written.empty {
            eprintln!("note: no runs match for the figure {name}");
        }
        answer(&format!("{}\n{}\n", written.markdown.display(), written.html.display()))?;
        if self.open {
            open(&written.html)?;
        }
        Ok(ExitCode::Success)
    }
}

fn open(page: &Path) -> Result<(), Error> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let status = std::process::Command::new(program).arg(page).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Error::failure(format!("`{program}` could not open {}", page.display()))),
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::Table(error) => error.into(),
            error => Self::failure(error.to_string()),
        }
    }
}
