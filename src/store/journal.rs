//! A journal: facts, one JSON object a line, appended and synced by one agent alone.
//!
//! The first line names the format. A line counts once its line break is there: what a power cut left without one is
//! cut off. A whole line that is no fact was not written by tessera and is refused with its number.

use super::StoreError;
use super::files::{fail_point, make_folder, sync_folder};
use crate::record::Fact;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The version of the journal's format.
const FORMAT: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    journal: u64,
    sweep: String,
    agent: String,
}

/// A journal open for appending.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes that are whole lines.
    length: u64,
    /// Whether lines were appended since the last sync.
    dirty: bool,
}

impl Journal {
    /// Opens or makes a journal; what a power cut left of its last line is cut off.
    ///
    /// # Errors
    /// Where the file cannot be written, has another format, or holds a line that is no fact.
    pub fn open(path: &Path, sweep: &str, agent: &str) -> Result<Self, StoreError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder)?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(StoreError::file("write", path))?;
        let text = std::fs::read(path).map_err(StoreError::file("read", path))?;
        let length = whole(&text).len() as u64;
        parse(path, &text)?;
        let mut journal = Self { file, path: path.to_owned(), length, dirty: false };
        journal.cut()?;
        if length == 0 {
            let header = Header { journal: FORMAT, sweep: sweep.to_owned(), agent: agent.to_owned() };
            let mut line = serde_json::to_vec(&header).map_err(|error| journal.refuse(error))?;
            line.push(b'\n');
            journal.write(&line)?;
            journal.sync()?;
            sync_folder(folder)?;
        }
        Ok(journal)
    }

    /// Appends facts; after [`sync`](Self::sync) they are safe.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is.
    pub fn append<'a>(&mut self, facts: impl IntoIterator<Item = &'a Fact>) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        for fact in facts {
            serde_json::to_writer(&mut lines, fact).map_err(|error| self.refuse(error))?;
            lines.push(b'\n');
        }
        if lines.is_empty() { Ok(()) } else { self.write(&lines) }
    }

    /// Makes what was appended safe.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        if self.dirty {
            self.file.sync_data().map_err(StoreError::file("sync", &self.path))?;
            self.dirty = false;
            fail_point("synced");
        }
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        fail_point("append");
        let outcome = self.file.write_all(lines);
        if outcome.is_err() {
            // Half a line may be there (a full disk): the next line must not be glued to it.
            self.cut()?;
        }
        outcome.map_err(StoreError::file("write", &self.path))?;
        self.length += lines.len() as u64;
        self.dirty = true;
        fail_point("appended");
        Ok(())
    }

    /// Leaves whole lines alone in the file, and goes to its end.
    fn cut(&mut self) -> Result<(), StoreError> {
        let actual = self.file.metadata().map_err(StoreError::file("read", &self.path))?.len();
        if actual != self.length {
            self.file.set_len(self.length).map_err(StoreError::file("write", &self.path))?;
            self.dirty = true;
        }
        self.file.seek(SeekFrom::Start(self.length)).map_err(StoreError::file("write", &self.path))?;
        Ok(())
    }

    fn refuse(&self, error: serde_json::Error) -> StoreError {
        StoreError::Journal { path: self.path.clone(), line: 0, message: error.to_string() }
    }
}

/// The facts of a journal, in its order; a last line without its line break is passed over.
///
/// # Errors
/// Where the file cannot be read, has another format, or holds a line that is no fact.
pub fn read(path: &Path) -> Result<Vec<Fact>, StoreError> {
    parse(path, &std::fs::read(path).map_err(StoreError::file("read", path))?)
}

/// The part of the text that ends with a line break.
fn whole(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    &text[..end]
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Fact>, StoreError> {
    let refuse = |line: usize, message: String| StoreError::Journal { path: path.to_owned(), line, message };
    let mut lines = whole(text).split_inclusive(|&byte| byte == b'\n').enumerate();
    let Some((_, first)) = lines.next() else { return Ok(Vec::new()) };
    let header: Header =
        serde_json::from_slice(first).map_err(|error| refuse(1, format!("this is no journal of tessera ({error})")))?;
    if header.journal != FORMAT {
        return Err(StoreError::Format { path: path.to_owned(), found: header.journal, known: FORMAT });
    }
    lines
        .map(|(i, line)| {
            serde_json::from_slice(line).map_err(|error| refuse(i + 1, format!("this is no fact ({error})")))
        })
        .collect()
}
