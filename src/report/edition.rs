//! Editions: copies of a report as it was on a day, below the newest one, which stands in the report's own folder.

use super::error::ReportError;
use super::file::put;
use super::form::Form;
use std::path::{Path, PathBuf};

/// A name for an edition, which is one of a folder.
///
/// # Errors
/// Where it has other characters than letters, digits, `-`, `_` and `.`, or begins with `.`.
pub fn edition_name(name: String) -> Result<String, ReportError> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if letters && !name.is_empty() && !name.starts_with('.') { Ok(name) } else { Err(ReportError::Edition(name)) }
}

/// The folder of an edition.
pub(super) fn folder(out: &Path, name: &str) -> PathBuf {
    out.join("editions").join(name)
}

/// The names of the editions that are kept.
pub(super) fn names(out: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(out.join("editions")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    names
}

/// Keeps what was written in these forms as an edition; one of the same name is replaced.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn keep(out: &Path, name: &str, forms: &[Form]) -> Result<PathBuf, ReportError> {
    let to = folder(out, name);
    if to.exists() {
        std::fs::remove_dir_all(&to).map_err(ReportError::file("replace", &to))?;
    }
    copy(&out.join("report.json"), &to.join("report.json"))?;
    for form in forms {
        copy(&out.join(form.file()), &to.join(form.file()))?;
    }
    for entry in std::fs::read_dir(out.join("figures")).into_iter().flatten().flatten() {
        copy(&entry.path(), &to.join("figures").join(entry.file_name()))?;
    }
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> Result<(), ReportError> {
    put(to, &std::fs::read(from).map_err(ReportError::file("read", from))?)
}
