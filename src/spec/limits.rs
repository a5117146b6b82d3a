//! What a spec may be at most: deeper, larger or longer ones are refused at once, with the limit.

use super::origin::{Origin, Origins};
use super::problem::{Problem, Severity};
use std::sync::Arc;

/// A file has at most so many bytes.
pub(super) const FILE: usize = 16 << 20;

/// More values than this in one text, aliases followed, are refused.
pub(super) const VALUES: usize = 2_000_000;

/// A key has at most so many bytes …
pub(super) const KEY: usize = 1_000;

/// … and a text so many.
pub(super) const TEXT: usize = 1 << 20;

/// Lists and maps lie in each other at most so deep: the YAML library's limit.
pub(super) const DEPTH: usize = 128;

/// Aliases are followed at most so many times as often as a text has values: the YAML library's limit.
pub(super) const ALIASES: usize = 100;

/// So many brackets open at once are too many in any case. The YAML library's time grows with the square of the depth, so
/// they are counted before it reads; what is only text seldom has so many.
const OPEN: usize = 1_000;

/// Why a text is refused before it is read as YAML.
pub(super) fn refused(text: &Arc<Origins>, yaml: &str) -> Option<Problem> {
    let problem = |start: usize, message: String, help: &str| Problem {
        severity: Severity::Error,
        message,
        help: Some(help.to_owned()),
        label: String::new(),
        source: Some(text.source.clone()),
        span: text.start + start..text.start + start + 1,
    };
    if yaml.len() > FILE {
        let message = format!("larger than a spec may be: {} bytes, at most {FILE}", yaml.len());
        return Some(Origin::top(text.clone()).problem(Severity::Error, message, "write ranges instead of long lists"));
    }
    too_deep(yaml).map(|place| problem(place, deep(), FLATTER))
}

/// What is said of a text that is nested too deeply.
pub(super) fn deep() -> String {
    format!("nested too deeply: lists and maps may lie in each other {DEPTH} deep")
}

/// The remedy.
pub(super) const FLATTER: &str = "is a bracket not closed? parameters of sections are `a.b.c: 1`";

/// The bracket that is one too many, outside of quotes and comments.
fn too_deep(yaml: &str) -> Option<usize> {
    let bytes = yaml.as_bytes();
    let (mut open, mut quote) = (0_usize, None);
    for (i, &byte) in bytes.iter().enumerate() {
        let before = i.checked_sub(1).map_or(b'\n', |i| bytes[i]);
        match (quote, byte) {
            (Some(b'#'), b'\n') => quote = None,
            (Some(b'"'), b'"') if before != b'\\' => quote = None,
            (Some(b'\''), b'\'') => quote = None,
            (Some(_), _) => {}
            (None, b'#') if before.is_ascii_whitespace() => quote = Some(byte),
            // An apostrophe in a word is none.
            (None, b'"' | b'\'') if before.is_ascii_whitespace() || b"[{,:(".contains(&before) => quote = Some(byte),
            (None, b'[' | b'{') => open += 1,
            (None, b']' | b'}') => open = open.saturating_sub(1),
            (None, _) => {}
        }
        if open > OPEN {
            return Some(i);
        }
    }
    None
}
