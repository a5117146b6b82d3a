//! How much of the disk runs take, and how much is free.

use super::table::Table;
use super::{RunState, StoreError, Sweep};
use crate::record::RunId;
use nix::sys::statfs::{FsType, NFS_SUPER_MAGIC, TMPFS_MAGIC};
use std::collections::HashMap;
use std::path::Path;

impl Sweep {
    /// Bytes of each run's rows: its share of the files that hold them.
    ///
    /// # Errors
    /// Where a folder cannot be listed.
    pub fn bytes_of_rows(&self) -> Result<HashMap<RunId, f64>, StoreError> {
        let mut bytes = HashMap::new();
        for table in ["history", "arrays"] {
            for file in Table::open(&self.layout, table)?.files {
                let size = std::fs::metadata(&file.path).map_or(0, |about| about.len()) as f64;
                let rows = file.footer.rows().max(1) as f64;
                for span in file.footer.spans {
                    *bytes.entry(span.run).or_insert(0.0) += size * span.rows as f64 / rows;
                }
            }
        }
        Ok(bytes)
    }

    /// Bytes of a run's own files: its folder, checkpoints and newest log.
    pub fn bytes_of_files(&self, run: &RunState) -> f64 {
        let log = std::fs::metadata(self.layout.log(&run.run, run.attempt)).map_or(0, |about| about.len());
        (log + folder(&self.layout.work(&run.run, run.attempt)) + folder(&self.layout.checkpoints(&run.run))) as f64
    }
}

/// Bytes of all files below a folder; a link counts as a link.
fn folder(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => folder(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// Lustre, which `statfs.h` does not name.
const LUSTRE: FsType = FsType(0x0bd0_0bd0);

/// Free bytes and the kind of file system.
pub fn room(folder: &Path) -> Option<(u64, &'static str)> {
    let about = nix::sys::statfs::statfs(folder).ok()?;
    let kind = match about.filesystem_type() {
        NFS_SUPER_MAGIC => " on NFS",
        LUSTRE => " on Lustre",
        TMPFS_MAGIC => " in memory (tmpfs): gone after a reboot",
        _ => "",
    };
    Some((about.blocks_available() * u64::try_from(about.block_size()).ok()?, kind))
}
