//! A file that may still grow, read by position through one small buffer. What is passed over is not read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Reads after a jump start small and double while they go on, so that skipping an image costs one small read.
const SMALLEST: usize = 4 << 10;
const LARGEST: usize = 256 << 10;

/// Part of a file in memory.
pub struct Window {
    file: File,
    buffer: Vec<u8>,
    start: u64,
    next_read: usize,
    end: u64,
    /// Bytes read so far.
    pub read: u64,
}

impl Window {
    /// Opens a file; what it grows by later is not seen.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        Ok(Self { file, buffer: Vec::new(), start: 0, next_read: SMALLEST, end, read: 0 })
    }

    /// Length of the file when it was opened.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// `length` bytes at a position, at most 1 MiB; none if the file ends before.
    pub fn peek(&mut self, at: u64, length: usize) -> io::Result<Option<&[u8]>> {
        let Some(wanted_end) = at.checked_add(length as u64).filter(|end| *end <= self.end && length <= 1 << 20) else {
            return Ok(None);
        };
        let buffered = self.start + self.buffer.len() as u64;
        if at < self.start || wanted_end > buffered {
            if at < self.start || at > buffered {
                self.next_read = SMALLEST;
            } else {
                self.next_read = (self.next_read * 2).min(LARGEST);
            }
            let size = (self.next_read.max(length) as u64).min(self.end - at) as usize;
            self.buffer.resize(size, 0);
            self.start = at;
            if let Err(error) = self.file.read_exact_at(&mut self.buffer, at) {
                self.buffer.clear();
                // Cut short since it was opened.
                return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
            }
            self.read += size as u64;
        }
        let offset = (at - self.start) as usize;
        Ok(self.buffer.get(offset..offset + length))
    }
}
