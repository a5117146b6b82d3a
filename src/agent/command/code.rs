//! The version of a command: the hash of its code.

use crate::pickup::matching;
use std::fs::File;
use std::io;
use std::path::Path;

/// 16 hex digits over the names and bytes of the files that match one of the patterns, from the spec's folder; empty
/// where nothing is asked for.
///
/// # Errors
/// Where a file cannot be read.
pub fn version(patterns: &[String], folder: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for pattern in patterns {
        let pattern = glob::Pattern::new(pattern).map_err(|error| io::Error::other(error.to_string()))?;
        files.extend(matching(folder, &pattern)?);
    }
    if files.is_empty() {
        return Ok(String::new());
    }
    files.sort();
    files.dedup();
    let mut all = blake3::Hasher::new();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        let hash = blake3::Hasher::new().update_reader(File::open(&file)?)?.finalize();
        all.update(name.as_bytes()).update(&[0]).update(hash.as_bytes());
    }
    Ok(all.finalize().to_hex()[..16].to_owned())
}
