//! `tessera doctor`: checks what runs need from this machine, a line each, with the remedy.

use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::session::doctor::examine;
use std::path::Path;

/// Check this machine: GPUs and who uses them, libtorch, the results folder, Slurm, processes left behind
#[derive(clap::Args)]
pub struct Doctor {}

impl Doctor {
    /// Prints the findings; fails where one of them keeps runs from being executed.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let findings = examine(results);
        let mut text = String::new();
        for finding in &findings {
            let mark = if finding.well { "ok" } else { "!!" };
            text += &format!("{mark} {:<14} {}\n", finding.what, finding.words);
            text += &finding.remedy.as_ref().map(|remedy| format!("   {:<14} → {remedy}\n", "")).unwrap_or_default();
        }
        answer(&text)?;
        Ok(if findings.iter().all(|finding| finding.well) { ExitCode::Success } else { ExitCode::Failure })
    }
}
