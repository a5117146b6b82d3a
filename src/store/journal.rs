//! A journal: facts, one JSON object a line, appended and synced by one agent alone.
//!
//! The first line names the format. A line counts once its line break is there: what a power cut left without one is
//! cut off. A line ends with a sum of itself (those of older versions have none): one that is no fact, or whose sum
//! differs, is damaged, and is refused with its number or passed over on request.

use super::StoreError;
use super::files::{fail_point, make_folder, sync_folder};
use super::parallel::in_parallel;
use crate::record::Fact;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The version of the journal's format.
const FORMAT: u64 = 1;
/// Bytes that are read at a time …
const STRETCH: u64 = 8 << 20;
/// … and that a core parses at a time.
const PIECE: usize = 256 << 10;

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
    /// Opens or makes a journal; what a power cut left of its last line is cut off. Hands on the facts that it has.
    ///
    /// # Errors
    /// Where the file cannot be written, has another format, or holds a line that is no fact.
    pub fn open(path: &Path, sweep: &str, agent: &str, take: impl FnMut(Fact)) -> Result<Self, StoreError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder)?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(StoreError::file("write", path))?;
        let Read { length, damaged } = read_from(path, &file, take)?;
        refuse_damaged(path, damaged)?;
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

/// What was found of a journal beside its facts.
struct Read {
    /// Bytes that are whole lines.
    length: u64,
    /// Damaged lines, from 1, with what is wrong.
    damaged: Vec<(usize, String)>,
}

/// Hands on the facts of a journal, in its order; a last line without its line break is passed over.
///
/// # Errors
/// Where the file cannot be read, has another format, or holds a damaged line: then some facts were handed on.
pub fn read(path: &Path, take: impl FnMut(Fact)) -> Result<(), StoreError> {
    refuse_damaged(path, read_readable(path, take)?)
}

/// As [`read`], but damaged lines are passed over; gives them, counted from 1, each with what is wrong.
///
/// # Errors
/// Where the file cannot be read or has another format.
pub(super) fn read_readable(path: &Path, take: impl FnMut(Fact)) -> Result<Vec<(usize, String)>, StoreError> {
    let file = File::open(path).map_err(StoreError::file("read", path))?;
    Ok(read_from(path, &file, take)?.damaged)
}

fn refuse_damaged(path: &Path, damaged: Vec<(usize, String)>) -> Result<(), StoreError> {
    match damaged.into_iter().next() {
        Some((line, message)) => Err(StoreError::Journal { path: path.to_owned(), line, message }),
        None => Ok(()),
    }
}

/// The text of a journal without its damaged lines, and with more facts at its end.
///
/// # Errors
/// Where it cannot be read or has another format.
pub(super) fn mended(path: &Path, sweep: &str, agent: &str, more: &[Fact]) -> Result<Vec<u8>, StoreError> {
    let text = std::fs::read(path).map_err(StoreError::file("read", path))?;
    let damaged: Vec<usize> = read_from(path, &*text, drop)?.damaged.into_iter().map(|(line, _)| line).collect();
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

/// Reads a stretch at a time, whose lines all cores parse: neither the text nor the facts are in memory as a whole.
fn read_from(path: &Path, mut text: impl io::Read, mut take: impl FnMut(Fact)) -> Result<Read, StoreError> {
    let mut found = Read { length: 0, damaged: Vec::new() };
    let (mut stretch, mut line) = (Vec::new(), 1);
    loop {
        let read = text.by_ref().take(STRETCH).read_to_end(&mut stretch).map_err(StoreError::file("read", path))?;
        let whole = whole(&stretch).len();
        let mut lines: &[u8] = &stretch[..whole];
        if line == 1 && whole > 0 {
            let first = lines.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
            found.damaged.extend(wrong_header(path, first)?.map(|message| (1, message)));
            (lines, line) = (&lines[first.len()..], 2);
        }
        for parsed in in_parallel(&pieces(lines), |piece| Ok(parse(piece)))? {
            for fact in parsed {
                match fact {
                    Ok(fact) => take(fact),
                    Err(message) => found.damaged.push((line, message)),
                }
                line += 1;
            }
        }
        found.length += whole as u64;
        stretch.drain(..whole);
        if read == 0 {
            return Ok(found);
        }
    }
}

/// What is wrong with the first line, if anything is.
fn wrong_header(path: &Path, line: &[u8]) -> Result<Option<String>, StoreError> {
    match serde_json::from_slice::<Header>(line) {
        _ if !has_own_sum(line) => Ok(Some(CHANGED.to_owned())),
        Err(error) => Ok(Some(format!("this is no journal of tessera ({error})"))),
        Ok(header) if header.journal != FORMAT => {
            Err(StoreError::Format { path: path.to_owned(), found: header.journal, known: FORMAT })
        }
        Ok(_) => Ok(None),
    }
}

/// A stretch of whole lines in pieces of whole lines.
fn pieces(mut lines: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !lines.is_empty() {
        let end = lines.iter().skip(PIECE).position(|&byte| byte == b'\n').map_or(lines.len(), |last| PIECE + last + 1);
        let (piece, rest) = lines.split_at(end);
        pieces.push(piece);
        lines = rest;
    }
    pieces
}

/// The facts of lines, in their order; of a damaged line what is wrong.
fn parse(lines: &[u8]) -> Vec<Result<Fact, String>> {
    let fact = |line: &[u8]| match serde_json::from_slice(line) {
        _ if !has_own_sum(line) => Err(CHANGED.to_owned()),
        Err(error) => Err(format!("this is no fact ({error})")),
        Ok(fact) => Ok(fact),
    };
    lines.split_inclusive(|&byte| byte == b'\n').map(fact).collect()
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
