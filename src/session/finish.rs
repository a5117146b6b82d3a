//! Finishes a session: compacts segments, writes the table of runs, draws the figures and the sweep's page. What was made
//! from the same journals, spec and program stays as it is.

use super::error::outside;
use crate::error::Error;
use crate::record::{Layout, layout, printable};
use crate::report;
use crate::spec::{Report, Sweep as Spec, Trainer};
use crate::store::{StoreError, Sweep};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Brings a sweep's tables up to date; with a `page`, draws its figures, writes its page, and says where to look.
///
/// # Errors
/// Where a file cannot be read or written, or a figure cannot be drawn.
pub fn finish(results: &Path, spec: Spec, file: &Path, page: bool) -> Result<(), Error> {
    let layout = Layout::new(results, &spec.name);
    let (html, figures) = (layout::reports(results).join(&spec.name).join("report.html"), layout.figures());
    let is_page = page && !(spec.figures.is_empty() && spec.metric.is_none());
    let of = state(&layout, &spec).map_err(outside)?;
    eprintln!("numbers  {}", layout.root().display());
    if let Some(before) = Mark::read(&layout).filter(|before| before.of == of) {
        let there = before.page && html.is_file() && count(&figures) >= before.figures;
        if is_page && there {
            say(&figures, &html);
        }
        if !is_page || there {
            return Ok(());
        }
    }
    let stored = Sweep::open(results, &spec.name)?;
    if spec.metric.is_none() && matches!(spec.trainer, Trainer::Command(_)) {
        eprintln!("{}", metrics_in_words(&stored.metrics()?));
    }
    match stored.compact() {
        // Whoever compacts it now does the same.
        Ok(_) | Err(StoreError::Busy(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if is_page && stored.states().iter().any(|state| state.current && state.status.is_done()) {
        draw(results, spec, file, &figures)?;
        say(&figures, &html);
        Mark { of, page: true, figures: count(&figures) }.write(&layout);
    } else {
        Mark { of, page: false, figures: 0 }.write(&layout);
    }
    Ok(())
}

/// Which numbers a program logged, for a spec that does not say yet which one counts.
fn metrics_in_words(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|name| printable(name)).collect();
    let more = names.len() - shown.len();
    match (names.is_empty(), more) {
        (true, _) => "metrics  none was found; `tessera show RUN` says what was read".to_owned(),
        (false, 0) => {
            format!("metrics  {}\n  help: `metric:` in the spec says which one runs are judged by", shown.join(", "))
        }
        (false, more) => format!(
            "metrics  {} and {more} more\n  help: `metric:` in the spec says which one runs are judged by",
            shown.join(", ")
        ),
    }
}

/// Draws the figures of a sweep and writes its page.
fn draw(results: &Path, spec: Spec, file: &Path, figures: &Path) -> Result<(), Error> {
    let out = layout::reports(results).join(&spec.name);
    let page = report::write(&Report::of_sweep(spec, file.to_owned()), results, &out)?;
    if !page.figures.is_empty() {
        copy(&page.figures, figures).map_err(|error| Error::failure(format!("{}: {error}", figures.display())))?;
    }
    for warning in page.warnings {
        eprintln!("note: {warning}");
    }
    for name in page.empty {
        eprintln!("note: no runs match for the figure {name}");
    }
    Ok(())
}

/// Says where to look.
fn say(figures: &Path, html: &Path) {
    if figures.is_dir() {
        eprintln!("figures  {}", figures.display());
    }
    eprintln!("page     {}", html.display());
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

/// What the tables of a sweep were made from, and whether its page was drawn from the same. Where there is none, or it
/// cannot be read, all is made anew.
#[derive(Serialize, Deserialize)]
struct Mark {
    of: String,
    page: bool,
    /// How many files of figures there were.
    figures: usize,
}

/// How many files a folder has; none where it is not there.
fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).into_iter().flatten().count()
}

impl Mark {
    fn read(layout: &Layout) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(layout.finished()).ok()?).ok()
    }

    /// That it cannot be written costs the next session its time, and nothing else.
    fn write(&self, layout: &Layout) {
        if let Ok(text) = serde_json::to_vec(self) {
            let _ = std::fs::write(layout.finished(), text);
        }
    }
}

/// What tables, figures and page are made from: the journals (of probes too), the spec, and this very program.
fn state(layout: &Layout, spec: &Spec) -> std::io::Result<String> {
    let mut journals = vec![layout.journals()];
    for probe in std::fs::read_dir(layout.probes()).into_iter().flatten() {
        journals.push(Layout::at(&probe?.path()).journals());
    }
    let mut files = vec![std::env::current_exe()?];
    for folder in journals {
        for file in std::fs::read_dir(folder).into_iter().flatten() {
            files.push(file?.path());
        }
    }
    files.sort();
    let mut state = spec.hash.clone();
    for file in files {
        let about = std::fs::metadata(&file)?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        state += &format!(" {} {} {modified}", file.file_name().unwrap_or_default().to_string_lossy(), about.len());
    }
    Ok(state)
}
