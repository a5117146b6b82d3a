//! Figures for a sweep that asks for none.

use super::error::ReportError;
use crate::figures::{Source, suggest};
use crate::spec::{Figure, Sweep as Spec};
use crate::store::{Scope, Sweep};

/// The lines of YAML that stand below `figures:`, one a figure.
///
/// # Errors
/// Where the store cannot be read, or nothing can be drawn.
pub fn suggestions(spec: &Spec, sweep: &Sweep) -> Result<Vec<String>, ReportError> {
    let lines = lines(spec, sweep)?;
    if lines.is_empty() { Err(ReportError::NothingToDraw(spec.name.clone())) } else { Ok(lines) }
}

fn lines(spec: &Spec, sweep: &Sweep) -> Result<Vec<String>, ReportError> {
    let named = |error| ReportError::sweep(&spec.name, error);
    let source = Source::new(sweep, &Scope::Current, &spec.description, None).map_err(named)?;
    let metric = spec.metric.as_ref().map(|metric| (&*metric.name, metric.reduce));
    suggest(&source, metric).map_err(named)
}

/// The figures that the spec asks for; of one that asks for none those that are suggested.
///
/// # Errors
/// Where the store cannot be read.
pub(super) fn figures(spec: &Spec, sweep: &Sweep) -> Result<Vec<Figure>, ReportError> {
    if !spec.figures.is_empty() {
        return Ok(spec.figures.clone());
    }
    let lines: String = lines(spec, sweep)?.iter().map(|line| format!("- {line}\n")).collect();
    if lines.is_empty() { Ok(Vec::new()) } else { Figure::suggested(&lines, spec).map_err(ReportError::Values) }
}
