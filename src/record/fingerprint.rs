//! The fingerprint of a folder of data: 16 hex digits over the sorted names, sizes and BLAKE3 hashes of its files.
//! A data set has the same fingerprint wherever it lies. Hidden files and subfolders do not count. Hashes are
//! cached, and used again while a file's size, modification time and inode stay the same.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder or a file in it that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct FingerprintError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The fingerprint of a folder's files. `cache` is a folder for the hashes (made when needed); a cache that cannot be read or
/// written is done without.
pub fn fingerprint(folder: &Path, cache: Option<&Path>) -> Result<String, FingerprintError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| FingerprintError { path, source }
    };
    let absolute = fs::canonicalize(folder).map_err(at(folder))?;
    let cache = cache.map(|cache| cache.join(format!("{}.json", name_in_cache(&absolute))));
    let known = cache.as_deref().and_then(read_cache).unwrap_or_default();
    let mut seen = Hashes::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let metadata = fs::metadata(&path).map_err(at(&path))?;
        if name.starts_with('.') || !metadata.is_file() {
            continue;
        }
        let state = State::of(&metadata);
        let hash = match known.get(&name) {
            Some((before, hash)) if *before == state => hash.clone(),
            _ => hash(&path).map_err(at(&path))?,
        };
        seen.insert(name, (state, hash));
    }
    let mut hasher = blake3::Hasher::new();
    for (name, (state, hash)) in &seen {
        // A file name holds no NUL, so no two folders give one text.
        hasher.update(format!("{name}\0{}\0{hash}\0", state.size).as_bytes());
    }
    if let Some(cache) = cache.filter(|_| seen != known) {
        // Without the cache the next call is slower, no more.
        write_cache(&cache, &seen).ok();
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// What a file looked like when it was hashed, and its BLAKE3.
type Hashes = BTreeMap<String, (State, String)>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    size: u64,
    modified: (i64, i64),
    inode: u64,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.size(), modified: (metadata.mtime(), metadata.mtime_nsec()), inode: metadata.ino() }
    }
}

fn name_in_cache(folder: &Path) -> String {
    let hash = blake3::hash(folder.as_os_str().as_encoded_bytes());
    format!("fingerprint-{}", &hash.to_hex()[..16])
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn read_cache(path: &Path) -> Option<Hashes> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Written aside and renamed, so that a reader sees one state or the other.
fn write_cache(path: &Path, hashes: &Hashes) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let aside = path.with_extension(format!("{}.aside", std::process::id()));
    fs::write(&aside, serde_json::to_vec(hashes)?)?;
    fs::rename(&aside, path).inspect_err(|_| {
        fs::remove_file(&aside).ok();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn print(folder: &tempfile::TempDir, cache: Option<&Path>) -> String {
        fingerprint(folder.path(), cache).unwrap()
    }

    #[test]
    fn names_and_contents_count_and_places_do_not() {
        let one = print(&folder(&[("a.mat", "1"), ("b.mat", "2")]), None);
        assert_eq!(one.len(), 16);
        assert_eq!(one, print(&folder(&[("b.mat", "2"), ("a.mat", "1"), (".hidden", "3")]), None));
        assert_ne!(one, print(&folder(&[("a.mat", "1"), ("b.mat", "3")]), None));
        assert_ne!(one, print(&folder(&[("a.mat", "1"), ("c.mat", "2")]), None));
        assert_ne!(one, print(&folder(&[("a.mat", "1")]), None));
    }

    #[test]
    fn the_cache_is_used_while_files_stay_what_they_were() {
        let cache = tempfile::tempdir().unwrap();
        let data = folder(&[("a.mat", "1")]);
        let one = print(&data, Some(cache.path()));
        let file = fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        let forged = fs::read_to_string(&file).unwrap().replace(&blake3::hash(b"1").to_hex()[..], "forged");
        fs::write(&file, forged).unwrap();
        assert_ne!(one, print(&data, Some(cache.path())), "hashed although the cache knew");
        fs::write(data.path().join("a.mat"), "22").unwrap();
        assert_eq!(print(&data, Some(cache.path())), print(&folder(&[("a.mat", "22")]), None));
        fs::write(&file, "no json").unwrap();
        assert_eq!(print(&data, Some(cache.path())), print(&folder(&[("a.mat", "22")]), None));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = fingerprint(Path::new("/no/such/folder"), None).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /no/such/folder: No such file or directory (os error 2)");
    }
}
