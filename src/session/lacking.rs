//! Executes what the sweeps of a report lack.

use super::execution::Execution;
use super::probe::Probe;
use crate::error::{Error, ExitCode};
use crate::spec::Report;
use std::collections::BTreeSet;
use std::path::Path;

/// Executes what each sweep lacks, then the probes that figures draw; how the worst of them ended.
///
/// # Errors
/// As [`execute`](super::execute()).
pub fn execute_sweeps_of(report: &Report, sets: &[String], results: &Path) -> Result<ExitCode, Error> {
    let mut worst = ExitCode::Success;
    for file in &report.files {
        let execution =
            Execution { spec: file.clone(), sets: sets.to_vec(), without_page: true, ..Execution::default() };
        match super::execute(&execution, results)? {
            ExitCode::Stopped => return Ok(ExitCode::Stopped),
            ExitCode::Success => {}
            code => worst = code,
        }
    }
    let figures = report.sections.iter().flat_map(|section| &section.figures);
    let probes: BTreeSet<(&str, &str)> =
        figures.filter_map(|entry| Some((&*entry.sweep, entry.figure.probe.as_deref()?))).collect();
    for (sweep, what) in probes {
        match Probe::of_figures(what, sweep).execute(results)? {
            ExitCode::Stopped => return Ok(ExitCode::Stopped),
            ExitCode::Success => {}
            code => worst = code,
        }
    }
    Ok(worst)
}
