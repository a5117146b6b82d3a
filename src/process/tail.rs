//! The last lines of a program's output, as a terminal would show them.

use std::collections::VecDeque;

/// Bytes that are kept.
const KEPT: usize = 128 << 10;
/// Bytes of one line that are kept.
const LONGEST_LINE: usize = 8 << 10;

/// The last lines. A line that is redrawn after a carriage return, as progress bars are, counts once.
#[derive(Default)]
pub struct Tail {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    line: Vec<u8>,
    /// Whether what comes next is written over the line.
    returned: bool,
}

impl Tail {
    /// Takes what was said.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while let Some(place) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.push(&bytes[..place]);
            if bytes[place] == b'\r' {
                self.returned = true;
            } else {
                self.end_line();
            }
            bytes = &bytes[place + 1..];
        }
        self.push(bytes);
    }

    fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.returned) {
            self.line.clear();
        }
        let room = LONGEST_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        self.returned = false;
        let line = std::mem::take(&mut self.line);
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > KEPT {
            self.bytes -= self.lines.pop_front().map_or(self.bytes, |line| line.len() + 1);
        }
    }

    /// The lines, without the colours and movements of a terminal.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.bytes + self.line.len());
        for line in self.lines.iter().chain([&self.line]) {
            text.push_str(&plain(&String::from_utf8_lossy(line)));
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// A line without the sequences that begin with the escape character.
fn plain(line: &str) -> String {
    if !line.contains('\u{1b}') {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('[') => drop(rest.find(|c| ('@'..='~').contains(c))),
            Some(']') => drop(rest.find(|c| matches!(c, '\u{7}' | '\\'))),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[&str]) -> String {
        let mut tail = Tail::default();
        pieces.iter().for_each(|piece| tail.take(piece.as_bytes()));
        tail.text()
    }

    #[test]
    fn a_line_that_is_redrawn_counts_once() {
        assert_eq!(text(&["KeyError: lr\n", "\r 10%|#   ", "|", "\r 20%|##  |", "\r"]), "KeyError: lr\n 20%|##  |");
        assert_eq!(text(&["a\r", "\nb\r\n\nc"]), "a\nb\n\nc");
    }

    #[test]
    fn colours_are_left_out() {
        assert_eq!(text(&["\u{1b}[1;31mKeyError\u{1b}[0m: \u{1b}]8;;http://x\u{1b}\\lr\u{1b}[K"]), "KeyError: lr");
    }

    #[test]
    fn the_end_of_much_is_kept() {
        let mut tail = Tail::default();
        (0..100_000).for_each(|i| tail.take(format!("line {i}\n").as_bytes()));
        let text = tail.text();
        assert!(text.len() <= KEPT && text.ends_with("line 99998\nline 99999"), "{}", text.len());
    }
}
