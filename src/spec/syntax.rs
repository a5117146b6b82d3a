//! What YAML itself could not be read for, in words that help.

use super::limits;
use super::origin::{Origins, offset, token_end};
use super::problem::{Problem, Severity};
use std::sync::Arc;

/// Raised while a tree grows: too many values …
pub(super) const TOO_LARGE: &str = "tessera-too-large";
/// … a key or a text that is too long …
pub(super) const LONG_KEY: &str = "tessera-long-key";
pub(super) const LONG_TEXT: &str = "tessera-long-text";
/// … or a tag.
pub(super) const TAG: &str = "tessera-tag";

/// The problem that an error of the YAML library is.
pub(super) fn syntax(error: &serde_yaml::Error, text: &Arc<Origins>, yaml: &str) -> Problem {
    let said = error.to_string();
    let place = error.location();
    let mut start = place.map_or(0, |place| offset(yaml, place.line(), place.column()));
    if said.contains("repetition limit") {
        // The library names no place here: the first alias it is.
        start = yaml.find('*').unwrap_or(0);
    }
    let line = yaml[..start].rfind('\n').map_or(0, |i| i + 1);
    let indent = &yaml[line..].lines().next().unwrap_or("");
    let tab = indent.find('\t').filter(|&i| indent[..i].trim().is_empty());
    let (start, message, help) = if let Some(tab) = tab {
        (line + tab, "a tab cannot indent YAML".to_owned(), "indent with spaces")
    } else if said.contains("repetition limit") {
        let times = limits::ALIASES;
        let message =
            format!("too large once its aliases are followed: more than {times} times as many as there are values");
        (start, message, "aliases of aliases multiply; write fewer of them")
    } else if said.contains(TOO_LARGE) {
        let message = format!("too large once its aliases are followed: more than {} values", limits::VALUES);
        (start, message, "aliases of aliases multiply; write fewer of them")
    } else if said.contains(LONG_KEY) {
        (start, format!("a key has at most {} bytes", limits::KEY), "is a quote not closed?")
    } else if said.contains(LONG_TEXT) {
        (start, format!("a text has at most {} bytes", limits::TEXT), "put it into a file and name the file")
    } else if said.contains("recursion limit") {
        (start, limits::deep(), limits::FLATTER)
    } else if said.contains("unknown anchor") {
        (start, "an alias without its anchor".to_owned(), "an anchor `&name` must stand above its alias `*name`")
    } else if said.contains("more than one document") {
        let second = yaml.get(1..).and_then(|rest| rest.find("\n---")).map_or(0, |i| i + 2);
        (second, "more than one document in a file".to_owned(), "keep one, without `---` between")
    } else if said.contains(TAG) {
        (start, "a tag (`!word`) has no meaning here".to_owned(), "put quotes around text that begins with `!`")
    } else if let Some(bare) = without_colon(yaml, &said, line) {
        let written = yaml[bare..].lines().next().unwrap_or("");
        let help = if written.contains('=') {
            "a name and its value are joined by `: `, not by `=`"
        } else {
            "`key: value` needs a colon and a blank; a section is `key:`"
        };
        (bare, "this line has no `:`".to_owned(), help)
    } else if let Some(deeper) = deeper_than_above(yaml, &said, line) {
        let help = "lines of one section begin in the same column; text with `: ` in it needs quotes";
        (deeper, "this line is indented deeper than the one above, which has its value already".to_owned(), help)
    } else {
        let said = said.split(" at line ").next().unwrap_or(&said);
        (start, format!("this is not YAML: {said}"), hint(said))
    };
    let written = text.source.text.trim_end().len();
    // What ends too early is shown by its last character.
    let start = if start + text.start >= written && written > 0 {
        text.source.text[..written].char_indices().next_back().map_or(0, |(i, _)| i)
    } else {
        start + text.start
    };
    let end = token_end(&text.source.text, start);
    Problem {
        severity: Severity::Error,
        message,
        help: (!help.is_empty()).then(|| help.to_owned()),
        label: String::new(),
        source: Some(text.source.clone()),
        span: start..end,
    }
}

/// The first word of the line above `line` where that one lacks its colon.
fn without_colon(yaml: &str, said: &str, line: usize) -> Option<usize> {
    let above = said.contains("could not find expected ':'").then(|| above(yaml, line))??;
    (!yaml[above..line].contains(':')).then_some(above)
}

/// The first word of `line` where it is indented deeper than the one above, and that is `key: value`.
fn deeper_than_above(yaml: &str, said: &str, line: usize) -> Option<usize> {
    let above = said.contains("mapping values are not allowed").then(|| above(yaml, line))??;
    let column = |start: usize| start - yaml[..start].rfind('\n').map_or(0, |i| i + 1);
    let first = line + yaml[line..].find(|c: char| c != ' ')?;
    (column(first) > column(above) && yaml[above..line].contains(": ")).then_some(first)
}

/// The first word of the nearest line above that has one.
fn above(yaml: &str, line: usize) -> Option<usize> {
    let mut start = line;
    while start > 0 {
        let end = start - 1;
        start = yaml[..end].rfind('\n').map_or(0, |i| i + 1);
        let words = yaml[start..end].trim_start();
        if !words.is_empty() && !words.starts_with('#') {
            return Some(end - words.len());
        }
    }
    None
}

fn hint(said: &str) -> &'static str {
    if said.contains("did not find expected key") {
        "is a line indented differently from its neighbours, or is a `:` or a bracket missing above?"
    } else if said.contains("mapping values are not allowed") {
        "a `:` too many on this line, or the line above lacks its `:`; text with `: ` in it needs quotes"
    } else if said.contains("could not find expected ':'") {
        "`key: value` needs a colon and a blank"
    } else if said.contains("expected ',' or") {
        "a bracket opened above is not closed"
    } else if said.contains("cannot start any token") {
        "put quotes around text that begins with this character"
    } else {
        ""
    }
}
