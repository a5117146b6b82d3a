//! Tells whether there is room to write, by writing a small file.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Bytes that are written to see whether there is room.
const TRIED: usize = 1 << 20;

/// Whether a folder takes no file of some size any more. Another reason why it takes none says nothing about room.
pub fn is_full(folder: &Path) -> bool {
    let path = folder.join(format!(".room-{}", std::process::id()));
    // What a file system has taken it may still refuse when it puts it down.
    let outcome =
        File::create(&path).and_then(|mut file| file.write_all(&vec![1; TRIED]).and_then(|()| file.sync_all()));
    let _ = std::fs::remove_file(&path);
    outcome.is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_room_is_not_full() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_full(folder.path()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!is_full(&folder.path().join("none")));
    }
}
