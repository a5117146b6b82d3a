//! Compaction: rows of ended attempts move from segments into parts, sorted by run and step.
//!
//! A part names the segments that it took in, so the moment it is renamed into place is the moment its segments count
//! no more; a kill before it leaves the segments, a kill after it leaves files that nobody reads. What is in a part is
//! never written again.

use super::files::{ASIDE, fail_point, sync_folder};
use super::part::{Sized, write_part};
use super::rows_file::{RowsFile, Span};
use super::table::Table;
use super::writer::segment_of;
use super::{StoreError, Sweep};
use crate::presence::claim::Claim;
use std::path::{Path, PathBuf};

/// A part holds at most about so many rows …
const ROWS_A_PART: u64 = 20_000_000;

/// … of segments of at most so many bytes.
const BYTES_A_PART: u64 = 4 << 30;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Parts written.
    pub parts: usize,
    /// Segments taken in.
    pub segments: usize,
    /// Their rows.
    pub rows: u64,
    /// Segments that wait, since one of their attempts is not over.
    pub waiting: usize,
}

impl Sweep {
    /// Moves the rows of ended attempts into parts and rebuilds `runs.parquet`. May be called at any time, beside
    /// writers and readers; what is done already is not done again.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another process does the same; where a file cannot be read or written.
    pub fn compact(&self) -> Result<Compacted, StoreError> {
        let _claim = Claim::take(&self.layout.claims(), "compact")?;
        let mut done = Compacted::default();
        remove_leftovers(self.layout.root(), "runs.parquet")?;
        for table in ["history", "arrays"] {
            self.compact_table(table, &mut done)?;
        }
        self.write_runs()?;
        Ok(done)
    }

    fn compact_table(&self, table: &str, done: &mut Compacted) -> Result<(), StoreError> {
        let folder = self.layout.parts(table);
        remove_leftovers(&folder, "")?;
        let found = self.table(table)?;
        remove(&found.taken)?;
        let is_over = |span: &Span| {
            self.state(&span.run)
                .is_some_and(|run| span.attempt < run.attempt || span.attempt == run.attempt && run.status.is_over())
        };
        let segments = found.files.iter().filter(|file| !file.path.starts_with(&folder));
        let (mut ready, waiting): (Vec<_>, Vec<_>) = segments.partition(|file| file.footer.spans.iter().all(is_over));
        let mut damaged = Vec::new();
        for (place, file) in ready.iter().enumerate() {
            match file.is_whole()? {
                true => {}
                false if self.skip_damaged => damaged.push(place),
                false => {
                    let message = "rows are not as they were written: their sums differ".to_owned();
                    return Err(StoreError::Table { path: file.path.clone(), message });
                }
            }
        }
        damaged.iter().rev().for_each(|&place| _ = ready.remove(place));
        // In the order in which they were written: the tenth after the ninth.
        ready.sort_by_key(|file| age(file));
        done.waiting += waiting.len();
        let numbers = next_part(&found, &folder)..;
        for (number, set) in numbers.zip(sets(ready)?) {
            let path = folder.join(format!("part-{number}.parquet"));
            write_part(&path, table, &self.name, &set)?;
            done.parts += 1;
            done.segments += set.len();
            done.rows += set.iter().map(|(file, _)| file.footer.rows()).sum::<u64>();
            remove(&set.iter().map(|(file, _)| file.path.clone()).collect::<Vec<_>>())?;
        }
        if self.layout.segments().is_dir() { sync_folder(&self.layout.segments()) } else { Ok(()) }
    }
}

/// A segment's place among those of its agent.
fn age(file: &RowsFile) -> (String, u64) {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    segment_of(&name).map_or_else(|| (name.to_string(), 0), |(agent, number)| (agent.to_owned(), number))
}

/// The segments by the part that takes them in.
fn sets(segments: Vec<&RowsFile>) -> Result<Vec<Vec<Sized<'_>>>, StoreError> {
    let mut sets: Vec<Vec<Sized>> = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    for file in segments {
        let size = std::fs::metadata(&file.path).map_err(StoreError::file("read", &file.path))?.len();
        rows += file.footer.rows();
        bytes += size;
        match sets.last_mut() {
            Some(set) if rows <= ROWS_A_PART && bytes <= BYTES_A_PART => set.push((file, size)),
            _ => {
                sets.push(vec![(file, size)]);
                (rows, bytes) = (file.footer.rows(), size);
            }
        }
    }
    Ok(sets)
}

fn next_part(found: &Table, folder: &Path) -> u64 {
    let numbers = found
        .files
        .iter()
        .filter(|file| file.path.starts_with(folder))
        .filter_map(|file| file.path.file_stem()?.to_string_lossy().strip_prefix("part-")?.parse::<u64>().ok());
    numbers.max().map_or(1, |newest| newest + 1)
}

/// Removes segments that a part took in.
fn remove(segments: &[PathBuf]) -> Result<(), StoreError> {
    for path in segments {
        fail_point("delete");
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::file("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes what a compactor that was killed left half-written; only the holder of the claim writes these.
fn remove_leftovers(folder: &Path, ending: &str) -> Result<(), StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(StoreError::file("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::file("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(ASIDE) && name.ends_with(ending) {
            std::fs::remove_file(entry.path()).map_err(StoreError::file("remove", &entry.path()))?;
        }
    }
    Ok(())
}
