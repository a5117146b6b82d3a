//! `tessera report`: writes a report in its forms: Markdown, one HTML page, a PDF, slides.

use super::browse::browse;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::record::layout;
use crate::report::{Form, Holds, ReportError, Verdict, check, edition_name, keep, write_as};
use crate::session::lacking::execute_sweeps_of;
use crate::spec::{Document, Report as Spec, read};
use crate::store::StoreError;
use indexmap::IndexSet;
use std::path::{Path, PathBuf};

/// Write a report: Markdown with its figures, one HTML page that needs nothing else, a PDF, slides
///
/// From a sweep's file it makes a page with its figures and a table of its metric. Prints the files written.
#[derive(clap::Args)]
pub struct Report {
    /// The file of a report or a sweep
    spec: PathBuf,
    /// Replace a base value of a sweep's file, NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The forms to write: html, md, pdf, pptx
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Form::Md, Form::Html], conflicts_with = "check")]
    to: Vec<Form>,
    /// Folder for the report [default: reports/NAME in the results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The edition that is kept, to be compared with by the next [default: today's date]; one of the same name is replaced
    #[arg(long, value_name = "NAME", conflicts_with_all = ["check", "out"])]
    edition: Option<String>,
    /// First execute what is missing of the sweeps
    #[arg(long)]
    run: bool,
    /// Only check the values and claims of the texts, and write nothing; the exit code is 1 where a claim no longer holds
    #[arg(long, conflicts_with_all = ["open", "out"])]
    check: bool,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

impl Report {
    /// Writes the report and prints where it is; the exit code is that of the runs, where some were executed.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (document, warnings) = read(&self.spec, &self.set)?;
        eprint!("{}", crate::error::render_problems(&warnings, false));
        let mut spec = match document {
            Document::Report(report) => *report,
            Document::Sweep(sweep) => Spec::of_sweep(*sweep, self.spec),
        };
        let code = if self.run { execute_sweeps_of(&spec, &self.set, results)? } else { ExitCode::Success };
        if code == ExitCode::Stopped {
            return Ok(code);
        }
        if !spec.is_page && self.out.is_none() {
            spec.edition = Some(match self.edition {
                Some(name) => edition_name(name)?,
                None => jiff::Zoned::now().date().to_string(),
            });
        }
        let out = self.out.unwrap_or_else(|| layout::reports(results).join(&spec.name));
        let explained = |error| match error {
            ReportError::Store(error @ StoreError::NoSweep { .. }) if !self.run => {
                Error::usage(error.to_string()).with_help("`--run` executes what the report's sweeps lack")
            }
            error => error.into(),
        };
        if self.check {
            let claims = check(&spec, results).map_err(explained)?;
            answer(&claims.iter().map(Verdict::said).collect::<String>())?;
            let fails = claims.iter().any(|claim| matches!(claim.holds, Holds::No(_)));
            return Ok(if fails { ExitCode::Failure } else { code });
        }
        let forms: IndexSet<Form> = self.to.iter().copied().chain(self.open.then_some(Form::Html)).collect();
        let forms: Vec<Form> = forms.into_iter().collect();
        let written = write_as(&spec, results, &out, &forms).map_err(explained)?;
        for line in written.claims.iter().filter(|claim| claim.holds != Holds::Yes).filter_map(Verdict::line) {
            eprintln!("note: {line}");
        }
        if let Some(edition) = &spec.edition {
            keep(&out, edition, &forms)?;
        }
        for warning in &written.warnings {
            eprintln!("note: {warning}");
        }
        for name in &written.empty {
            eprintln!("note: no runs match for the figure {name}");
        }
        answer(&written.files.iter().map(|file| format!("{}\n", file.display())).collect::<String>())?;
        if self.open {
            browse(&written.html)?;
        }
        Ok(code)
    }
}
