//! Files that are there whole or not at all, after a power cut too.

use super::StoreError;
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Names that begin with this are files being written; readers pass over them.
pub(crate) const ASIDE: &str = ".aside-";

/// Writes a file aside, syncs it, renames it into place and syncs the folder.
///
/// # Errors
/// When the file or folder cannot be written; then nothing is left behind under `path`.
pub(crate) fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!("{ASIDE}{}-{name}", std::process::id()));
    let outcome = write_aside(&aside, write).and_then(|value| {
        fail_point("rename");
        std::fs::rename(&aside, path).map_err(StoreError::file("write", path))?;
        fail_point("renamed");
        sync_folder(folder)?;
        Ok(value)
    });
    if outcome.is_err() {
        // The error at hand says more than one about the leftover would.
        let _ = std::fs::remove_file(&aside);
    }
    outcome
}

fn write_aside<T>(
    aside: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(aside);
    let mut writer = BufWriter::with_capacity(1 << 20, file.map_err(StoreError::file("write", aside))?);
    let value = write(&mut writer)?;
    let file = writer.into_inner().map_err(|error| StoreError::file("write", aside)(error.into_error()))?;
    file.sync_all().map_err(StoreError::file("write", aside))?;
    Ok(value)
}

/// Makes a folder and what leads to it.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(folder).map_err(StoreError::file("make the folder", folder))
}

/// Makes renames and new names in a folder safe.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::file("sync", folder))
}

/// The files of a folder with an ending, sorted by name; none where there is no folder.
pub(crate) fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::file("list", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::file("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(ending) && !name.starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Ends the process here as a power cut would, if `TESSERA_FAIL_POINT` is `name:n` and this is the nth time: tests
/// show with it that nothing is lost at any point.
pub(crate) fn fail_point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static WANTED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("TESSERA_FAIL_POINT").ok()?;
        let (name, count) = text.split_once(':')?;
        Some((name.to_owned(), AtomicU64::new(count.parse().ok()?)))
    });
    if let Some((wanted, left)) = wanted
        && wanted == name
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
    }
}
