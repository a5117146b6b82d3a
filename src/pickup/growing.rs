//! A text file that grows by lines. Only whole lines are given; the last one, still being written, waits.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes read by one poll; a line longer than this is passed over.
const CHUNK: u64 = 4 << 20;

/// A growing file and how far it was read.
pub struct Growing {
    /// Where it is.
    pub path: PathBuf,
    offset: u64,
    /// The file's first line, to notice when it is written anew.
    head: Vec<u8>,
    /// Of all bytes up to the offset.
    hash: blake3::Hasher,
    /// Whether the offset lies within a line that is too long.
    inside: bool,
    /// Lines that were too long.
    pub passed_over: u64,
}

/// What a poll of a growing file gives.
pub struct Lines {
    /// Whole lines.
    pub text: String,
    /// The file was written anew: these lines begin at its top.
    pub rewritten: bool,
    /// There is more to read now.
    pub more: bool,
}

impl Growing {
    /// Begins at the top of a file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, head: Vec::new(), hash: blake3::Hasher::new(), inside: false, passed_over: 0 }
    }

    /// The lines since the last call; with `all` a last line without line break too.
    pub fn poll(&mut self, all: bool) -> io::Result<Lines> {
        let length = fs::metadata(&self.path)?.len();
        let mut rewritten = length < self.offset;
        if length == self.offset {
            return Ok(Lines { text: String::new(), rewritten, more: false });
        }
        let mut file = File::open(&self.path)?;
        if !rewritten && !self.head.is_empty() {
            let mut head = vec![0; self.head.len()];
            rewritten = file.read_exact(&mut head).is_err() || head != self.head;
        }
        if rewritten {
            (self.offset, self.head, self.inside, self.passed_over) = (0, Vec::new(), false, 0);
            self.hash.reset();
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(CHUNK).read_to_end(&mut bytes)?;
        let full = bytes.len() as u64 == CHUNK;
        if self.inside {
            // The rest of a line that is too long is none of its own.
            let end = bytes.iter().position(|b| *b == b'\n').map(|end| end + 1);
            self.inside = end.is_none();
            bytes.truncate(end.unwrap_or(bytes.len()));
            self.offset += bytes.len() as u64;
            self.hash.update(&bytes);
            return Ok(Lines { text: String::new(), rewritten, more: self.offset < length });
        }
        let whole = match bytes.iter().rposition(|b| *b == b'\n') {
            Some(end) => end + 1,
            None if full => {
                self.passed_over += 1;
                self.inside = true;
                self.offset += CHUNK;
                self.hash.update(&bytes);
                return Ok(Lines { text: String::new(), rewritten, more: true });
            }
            None => 0,
        };
        let whole = if all && !full { bytes.len() } else { whole };
        bytes.truncate(whole);
        if self.offset == 0 {
            let line = bytes.iter().position(|b| *b == b'\n').map_or(0, |end| end + 1);
            self.head = bytes[..line.min(4096)].to_vec();
        }
        self.offset += whole as u64;
        self.hash.update(&bytes);
        let more = whole > 0 && self.offset < length;
        Ok(Lines { text: String::from_utf8_lossy(&bytes).into_owned(), rewritten, more: more && full })
    }

    /// Whether the file is there.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Whether the file still begins with what was read of it; one that is gone does, as far as can be known.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn is_as_read(&self) -> io::Result<bool> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            file => file?,
        };
        let mut hash = blake3::Hasher::new();
        let mut start = file.take(self.offset);
        let read = io::copy(&mut start, &mut hash)?;
        Ok(read == self.offset && hash.finalize() == self.hash.finalize())
    }
}
