//! A journal: facts, one JSON object a line, appended and synced by one agent alone.
//!
//! The first line names the format. A line counts once its line break is there: what a power cut left without one is
//! cut off. A line ends with a sum of itself (those of older versions have none): one that is no fact, or whose sum
//! differs, is damaged, and is refused with its number or passed over on request.

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
        parse(path, &text)?.whole(path)?;
        let mut journal = Self { file, path: path.to_owned(), length, dirty: false };
        journal.cut()?;
        if length == 0 {
            let header = Header { journal: FORMAT, sweep: sweep.to_owned(), agent: agent.to_owned() };
            let line = summed(&header).map_err(|error| journal.refuse(error))?;
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
            lines.extend(summed(fact).map_err(|error| self.refuse(error))?);
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

/// What a journal says, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// In its order.
    pub facts: Vec<Fact>,
    /// Damaged lines, from 1, with what is wrong.
    pub damaged: Vec<(usize, String)>,
}

impl Lines {
    /// The facts, where no line is damaged.
    fn whole(self, path: &Path) -> Result<Vec<Fact>, StoreError> {
        match self.damaged.into_iter().next() {
            Some((line, message)) => Err(StoreError::Journal { path: path.to_owned(), line, message }),
            None => Ok(self.facts),
        }
    }
}

/// The facts of a journal, in its order; a last line without its line break is passed over.
///
/// # Errors
/// Where the file cannot be read, has another format, or holds a damaged line.
pub fn read(path: &Path) -> Result<Vec<Fact>, StoreError> {
    read_lines(path)?.whole(path)
}

/// As [`read`], but damaged lines are passed over and named.
///
/// # Errors
/// Where the file cannot be read or has another format.
pub(super) fn read_lines(path: &Path) -> Result<Lines, StoreError> {
    parse(path, &std::fs::read(path).map_err(StoreError::file("read", path))?)
}

/// The text of a journal without its damaged lines, and with more facts at its end.
///
/// # Errors
/// Where it cannot be read or has another format.
pub(super) fn mended(path: &Path, sweep: &str, agent: &str, more: &[Fact]) -> Result<Vec<u8>, StoreError> {
    let text = std::fs::read(path).map_err(StoreError::file("read", path))?;
    let damaged: Vec<usize> = parse(path, &text)?.damaged.into_iter().map(|(line, _)| line).collect();
    let refuse =
        |error: serde_json::Error| StoreError::Journal { path: path.to_owned(), line: 0, message: error.to_string() };
    let mut kept = Vec::new();
    if damaged.contains(&1) {
        let header = Header { journal: FORMAT, sweep: sweep.to_owned(), agent: agent.to_owned() };
        kept = summed(&header).map_err(refuse)?;
    }
    for (i, line) in whole(&text).split_inclusive(|&byte| byte == b'\n').enumerate() {
        if !damaged.contains(&(i + 1)) {
            kept.extend_from_slice(line);
        }
    }
    for fact in more {
        kept.extend(summed(fact).map_err(refuse)?);
    }
    Ok(kept)
}

/// The part of the text that ends with a line break.
fn whole(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    &text[..end]
}

fn parse(path: &Path, text: &[u8]) -> Result<Lines, StoreError> {
    let mut found = Lines::default();
    let mut lines = whole(text).split_inclusive(|&byte| byte == b'\n').enumerate();
    let Some((_, first)) = lines.next() else { return Ok(found) };
    match serde_json::from_slice::<Header>(first) {
        _ if !has_own_sum(first) => found.damaged.push((1, CHANGED.to_owned())),
        Err(error) => found.damaged.push((1, format!("this is no journal of tessera ({error})"))),
        Ok(header) if header.journal != FORMAT => {
            return Err(StoreError::Format { path: path.to_owned(), found: header.journal, known: FORMAT });
        }
        Ok(_) => {}
    }
    for (i, line) in lines {
        match serde_json::from_slice(line) {
            _ if !has_own_sum(line) => found.damaged.push((i + 1, CHANGED.to_owned())),
            Err(error) => found.damaged.push((i + 1, format!("this is no fact ({error})"))),
            Ok(fact) => found.facts.push(fact),
        }
    }
    Ok(found)
}

/// What is said of a line whose sum differs.
const CHANGED: &str = "this line is not as it was written: its sum differs";

/// Stands before a line's sum …
const SUM: &[u8] = b",\"sum\":\"";

/// … which has so many digits and is followed by these.
const DIGITS: usize = 8;
const CLOSE: &[u8] = b"\"}";

/// An object as a line that ends with a sum of what stands before it.
fn summed(object: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(object)?;
    line.pop();
    let sum = sum(&line);
    line.extend_from_slice(SUM);
    line.extend_from_slice(&sum);
    line.extend_from_slice(CLOSE);
    line.push(b'\n');
    Ok(line)
}

/// Whether a line's sum fits; one without a sum was written by an older version.
fn has_own_sum(line: &[u8]) -> bool {
    let split = line.strip_suffix(b"\n").and_then(|line| line.strip_suffix(CLOSE)).and_then(|line| {
        let (before, digits) = line.split_at_checked(line.len().checked_sub(DIGITS)?)?;
        Some((before.strip_suffix(SUM)?, digits))
    });
    split.is_none_or(|(before, digits)| sum(before) == digits)
}

fn sum(text: &[u8]) -> Vec<u8> {
    blake3::hash(text).to_hex().as_bytes()[..DIGITS].to_vec()
}
