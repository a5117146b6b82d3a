//! Words broken into lines of a width.

use crate::figures::font;
use crate::report::block::Span;

/// A piece of a line: where it begins, from the line's left end, and its words.
pub struct Piece {
    pub x: f64,
    pub width: f64,
    pub span: Span,
}

/// Breaks spans into lines; a word that is wider than a line is cut where it must be.
pub fn broken(spans: &[Span], size: f64, room: f64) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut x = 0.0;
    for span in spans {
        for (n, part) in span.text.split('\n').enumerate() {
            if n > 0 {
                lines.push(Vec::new());
                x = 0.0;
            }
            for word in part.split_inclusive(' ') {
                for word in cut(word, size, room) {
                    let bare = font::width(word.trim_end(), size);
                    if x > 0.0 && x + bare > room + 0.01 {
                        lines.push(Vec::new());
                        x = 0.0;
                    }
                    let word = if x == 0.0 { word.trim_start() } else { word };
                    if word.is_empty() {
                        continue;
                    }
                    let width = font::advance(word, size);
                    x = push(&mut lines, x, width, word, span, size);
                }
            }
        }
    }
    lines
}

/// Puts a word on the line; where the next one begins. Words of code and of links are joined: they have one ground and
/// lead to one place. Others stand by themselves, since a font's kerning makes a whole line shorter than it measures.
fn push(lines: &mut [Vec<Piece>], x: f64, width: f64, word: &str, span: &Span, size: f64) -> f64 {
    let Some(line) = lines.last_mut() else { return x };
    let alike = |last: &&mut Piece| {
        let look = |s: &Span| (s.bold, s.italic, s.code, s.link.clone());
        (span.code || span.link.is_some()) && look(&last.span) == look(span)
    };
    match line.last_mut().filter(alike) {
        Some(last) => {
            last.span.text.push_str(word);
            last.width = font::advance(&last.span.text, size);
            last.x + last.width
        }
        None => {
            line.push(Piece { x, width, span: Span { text: word.to_owned(), ..span.clone() } });
            x + width
        }
    }
}

fn cut(word: &str, size: f64, room: f64) -> Vec<&str> {
    if font::width(word.trim_end(), size) <= room {
        return vec![word];
    }
    let (mut parts, mut from, mut last) = (Vec::new(), 0, 0);
    for (at, _) in word.char_indices().skip(1).chain([(word.len(), ' ')]) {
        if font::width(&word[from..at], size) > room && last > from {
            parts.push(&word[from..last]);
            from = last;
        }
        last = at;
    }
    parts.push(&word[from..]);
    parts
}

/// The width of spans on one line.
pub fn width(spans: &[Span], size: f64) -> f64 {
    spans.iter().map(|span| font::advance(&span.text, size)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_its_room_and_no_letter_is_lost() {
        let spans =
            [Span::plain("Some words and "), Span::bold("a-word-without-any-room-"), Span::plain("for it, then more.")];
        let lines = broken(&spans, 10.0, 60.0);
        let told: String = lines.iter().flatten().map(|piece| &*piece.span.text).collect();
        let letters = |text: &str| text.replace(' ', "");
        assert_eq!(letters(&told), letters(&spans.iter().map(|span| &*span.text).collect::<String>()));
        for line in &lines {
            let end =
                line.iter().map(|piece| piece.x + font::width(piece.span.text.trim_end(), 10.0)).fold(0.0, f64::max);
            assert!(end <= 60.5, "{end}");
        }
        assert!(lines.len() > 4);
    }
}
