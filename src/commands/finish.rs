//! What follows the last run of a session: parts from segments, the table of runs, the sweep's figures and its page.

use crate::error::Error;
use crate::report::{self, Kind};
use crate::spec::{Report, Sweep as Spec};
use crate::store::{Scope, StoreError, Sweep};
use std::path::Path;

/// Brings a sweep's tables up to date, draws its figures, writes its page, and says where to look.
///
/// # Errors
/// Where a file cannot be read or written, or a figure cannot be drawn.
pub(super) fn finish(results: &Path, spec: Spec) -> Result<(), Error> {
    let stored = Sweep::open(results, &spec.name)?;
    match stored.compact() {
        // Whoever compacts it now does the same.
        Ok(_) | Err(StoreError::Busy(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let folder = stored.layout().root().to_owned();
    eprintln!("numbers  {}", folder.display());
    if !stored.states().iter().any(|state| state.current && state.status.is_done()) {
        return Ok(());
    }
    if !spec.figures.is_empty() {
        let figures = folder.join("figures");
        report::draw_figures(&spec, &stored, &Scope::Current, &[], &[Kind::Svg, Kind::Png], &figures)?;
        eprintln!("figures  {}", figures.display());
    }
    if spec.figures.is_empty() && spec.metric.is_none() {
        return Ok(());
    }
    let out = results.join("reports").join(&spec.name);
    let page = report::write(&Report::of_sweep(spec), results, &out)?;
    eprintln!("page     {}", page.html.display());
    for name in page.empty {
        eprintln!("note: no runs match for the figure {name}");
    }
    Ok(())
}
