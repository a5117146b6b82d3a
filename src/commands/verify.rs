//! `tessera verify`: checks that every file is there and as it was written.

use crate::analyse::{Format, Grid};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::session::mend::mend;
use crate::store::Sweep;
use std::path::Path;

/// Check every row of a sweep against footers and journals
///
/// Names damaged and foreign files, rows of unknown runs, and runs that lost rows. The exit code is 1 where numbers may be lost or wrong. With --repair damaged files move to `.damaged` in the sweep's folder, what can still be read stays, and the next `tessera run` executes the runs again that lost rows.
#[derive(clap::Args)]
pub struct Verify {
    /// A sweep's name
    sweep: String,
    /// Set damaged files aside, and keep every run that can be read
    #[arg(long)]
    repair: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    /// Prints the findings.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        if self.repair {
            let repaired = mend(results, &self.sweep)?;
            for path in &repaired.aside {
                eprintln!("set aside: {}", path.display());
            }
            for (run, why) in &repaired.lost {
                eprintln!("lost: run {run} ({why})");
            }
            match repaired.lost.len() {
                0 if repaired.aside.is_empty() => eprintln!("nothing to repair"),
                0 => eprintln!("no run is lost"),
                1 => eprintln!("1 run is lost; `tessera run` with the sweep's spec executes it again"),
                n => eprintln!("{n} runs are lost; `tessera run` with the sweep's spec executes them again"),
            }
        }
        let verified = Sweep::open_readable(results, &self.sweep)?.verify()?;
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
