//! The log of one attempt. Of a very long log the head and the tail are kept.

use super::tail::Tail;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes kept from the start of a log, and as many from its end.
pub const KEPT: u64 = 32 << 20;

/// A log that is written. Its file is made with its first byte; what comes after the head goes round in a region of
/// the same size behind it, which [`close`](Self::close) puts in order.
pub struct Log {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    kept: u64,
    last: Tail,
}

impl Log {
    /// A log at this place.
    pub fn new(path: PathBuf) -> Self {
        Self::keeping(path, KEPT)
    }

    fn keeping(path: PathBuf, kept: u64) -> Self {
        Self { path, file: None, written: 0, kept, last: Tail::default() }
    }

    /// Where it is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what a worker said.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.last.take(bytes);
        if self.file.is_none() && !bytes.is_empty() {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            self.file = Some(File::options().read(true).write(true).create(true).truncate(true).open(&self.path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        while !bytes.is_empty() {
            let (place, room) = place(self.written, self.kept);
            if place == self.kept {
                file.seek(SeekFrom::Start(place))?;
            }
            let count = bytes.len().min(room as usize);
            file.write_all(&bytes[..count])?;
            self.written += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Puts the tail in order behind a line that says how much is left out.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn close(&mut self) -> io::Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        if self.written <= 2 * self.kept {
            return Ok(());
        }
        let (place, _) = place(self.written, self.kept);
        let mut tail = vec![0; self.kept as usize];
        file.seek(SeekFrom::Start(self.kept))?;
        file.read_exact(&mut tail)?;
        let oldest = (place - self.kept) as usize;
        tail.rotate_left(oldest);
        file.seek(SeekFrom::Start(self.kept))?;
        writeln!(file, "\n[tessera: {} bytes are left out here]", self.written - 2 * self.kept)?;
        file.write_all(&tail)
    }

    /// The last lines, as a terminal would show them.
    pub fn last_lines(&self) -> String {
        self.last.text()
    }
}

/// Where byte number `written` goes, and how many bytes fit from there.
fn place(written: u64, kept: u64) -> (u64, u64) {
    if written < kept {
        return (written, kept - written);
    }
    let round = (written - kept) % kept;
    (kept + round, kept - round)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(pieces: &[&str], kept: u64) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::keeping(folder.path().join("logs/a.log"), kept);
        for piece in pieces {
            log.write(piece.as_bytes()).unwrap();
        }
        log.close().unwrap();
        std::fs::read_to_string(log.path()).unwrap_or_default()
    }

    #[test]
    fn short_logs_are_kept_whole() {
        assert_eq!(logged(&["abc", "def"], 4), "abcdef");
        assert_eq!(logged(&["abcd", "efgh"], 4), "abcdefgh");
        assert_eq!(logged(&[], 4), "");
    }

    #[test]
    fn of_long_logs_head_and_tail_are_kept() {
        let left_out = |n| format!("abcd\n[tessera: {n} bytes are left out here]\n");
        assert_eq!(logged(&["abcdefghi"], 4), left_out(1) + "fghi");
        assert_eq!(logged(&["abc", "defghij", "k", "lmn"], 4), left_out(6) + "klmn");
        assert_eq!(logged(&["abcdefghijkl"], 4), left_out(4) + "ijkl");
    }

    #[test]
    fn the_last_lines_are_at_hand() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(folder.path().join("a.log"));
        for i in 0..10_000 {
            log.write(format!("line {i}\n\n").as_bytes()).unwrap();
        }
        assert!(log.last_lines().ends_with("line 9998\n\nline 9999"));
    }
}
