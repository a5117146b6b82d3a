//! Finishes a session: compacts segments, writes the table of runs, draws the figures and the sweep's page.

use crate::error::Error;
use crate::record::layout;
use crate::report;
use crate::spec::{Report, Sweep as Spec};
use crate::store::{StoreError, Sweep};
use std::path::{Path, PathBuf};

/// Brings a sweep's tables up to date; with a `page`, draws its figures, writes its page, and says where to look.
///
/// # Errors
/// Where a file cannot be read or written, or a figure cannot be drawn.
pub fn finish(results: &Path, spec: Spec, file: &Path, page: bool) -> Result<(), Error> {
    let stored = Sweep::open(results, &spec.name)?;
    match stored.compact() {
        // Whoever compacts it now does the same.
        Ok(_) | Err(StoreError::Busy(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let folder = stored.layout().root().to_owned();
    eprintln!("numbers  {}", folder.display());
    let nothing_to_show = spec.figures.is_empty() && spec.metric.is_none();
    if !page || nothing_to_show || !stored.states().iter().any(|state| state.current && state.status.is_done()) {
        return Ok(());
    }
    let out = layout::reports(results).join(&spec.name);
    let page = report::write(&Report::of_sweep(spec, file.to_owned()), results, &out)?;
    if !page.figures.is_empty() {
        let figures = stored.layout().figures();
        copy(&page.figures, &figures).map_err(|error| Error::failure(format!("{}: {error}", figures.display())))?;
        eprintln!("figures  {}", figures.display());
    }
    eprintln!("page     {}", page.html.display());
    for warning in page.warnings {
        eprintln!("note: {warning}");
    }
    for name in page.empty {
        eprintln!("note: no runs match for the figure {name}");
    }
    Ok(())
}

/// The page has its figures beside it; the sweep's own folder has them too.
fn copy(files: &[PathBuf], folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for file in files {
        if let Some(name) = file.file_name() {
            std::fs::copy(file, folder.join(name))?;
        }
    }
    Ok(())
}
