//! A file of a report, written as a whole or not at all.

use super::error::ReportError;
use std::path::Path;

/// Writes a file aside and renames it, so that no reader sees half of it.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(ReportError::file("make the folder", folder))?;
    }
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let aside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, path));
    written.map_err(|cause| {
        // Nothing half-written stays behind; that it is gone already is as good.
        let _ = std::fs::remove_file(&aside);
        ReportError::File { verb: "write", path: path.to_owned(), cause }
    })
}
