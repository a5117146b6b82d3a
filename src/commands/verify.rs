//! `tessera verify`: is everything there, and readable?

use crate::analyse::{Format, Grid};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::store::Sweep;
use std::path::Path;

/// Read every row of a sweep and hold it against footers and journals
///
/// Names damaged and foreign files, rows of unknown runs, and runs without rows. Exit code 1 where numbers may be lost or wrong.
#[derive(clap::Args)]
pub struct Verify {
    /// A sweep's name
    sweep: String,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    /// Prints the findings.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let verified = Sweep::open(results, &self.sweep)?.verify()?;
        let serious = verified.findings.iter().filter(|finding| finding.serious).count();
        let header = ["severity", "file", "finding"].map(str::to_owned).to_vec();
        let rows = verified.findings.iter().map(|finding| {
            let severity = if finding.serious { "error" } else { "untidy" };
            vec![severity.into(), finding.path.display().to_string().into(), finding.message.clone().into()]
        });
        if !verified.findings.is_empty() || !self.format.is_for_people() {
            answer(&Grid { header, rows: rows.collect() }.render(self.format))?;
        }
        let (files, rows) = (verified.files, verified.rows);
        eprintln!(
            "{files} files with {rows} rows read: {serious} errors, {} untidy",
            verified.findings.len() - serious
        );
        Ok(if serious == 0 { ExitCode::Success } else { ExitCode::Failure })
    }
}
