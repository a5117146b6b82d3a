//! Where something was written, so that every mistake gets its line and caret.
//!
//! The YAML library gives positions only for errors raised while it deserialises. A place is therefore kept as a path
//! and found when a problem is reported, by deserialising again down to that path and raising an error there.

use super::problem::{Problem, Severity, Source};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a map.
    Key(String),
    /// Into a map, at the second time that it has the key.
    Again(String),
    /// Into a list.
    Index(usize),
}

/// A path from the top of a document; its beginning is shared.
#[derive(Debug)]
struct Trail {
    up: Option<Arc<Trail>>,
    step: Step,
}

/// A text with YAML in it: a file, or the argument of `--set`.
#[derive(Debug)]
pub(super) struct Origins {
    /// The text and its name.
    pub source: Source,
    /// Where YAML begins: after the `=` of an argument.
    pub start: usize,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
}

/// Where a value was written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Origin {
    pub(super) text: Arc<Origins>,
    trail: Option<Arc<Trail>>,
}

impl Origin {
    /// The top of a text.
    pub(super) fn top(text: Arc<Origins>) -> Self {
        Self { text, trail: None }
    }

    /// One step further down.
    pub(super) fn child(&self, step: Step) -> Self {
        Self { text: self.text.clone(), trail: Some(Arc::new(Trail { up: self.trail.clone(), step })) }
    }

    /// Whether this was an argument of the command line.
    pub fn is_argument(&self) -> bool {
        self.text.start > 0
    }

    /// Whether two values were written in the same file or argument.
    pub fn same_text(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// A problem with the value here.
    pub fn problem(&self, severity: Severity, message: String, help: &str) -> Problem {
        self.report(severity, message, help, false)
    }

    /// A problem with the key of what is here.
    pub fn problem_at_key(&self, severity: Severity, message: String, help: &str) -> Problem {
        self.report(severity, message, help, true)
    }

    /// A problem with a part of the text here: the part's `nth` occurrence, from 0, or the whole where the file spells it
    /// otherwise.
    pub fn problem_within(&self, part: (&str, usize), message: String, help: &str) -> Problem {
        let mut problem = self.report(Severity::Error, message, help, false);
        let (words, nth) = part;
        let first = words.lines().next().unwrap_or("").trim_end();
        let rest = self.text.source.text.get(problem.span.start..).unwrap_or("");
        if !first.is_empty()
            && let Some((at, _)) = rest.match_indices(first).nth(nth)
        {
            problem.span = problem.span.start + at..problem.span.start + at + first.len();
        }
        problem
    }

    fn report(&self, severity: Severity, message: String, help: &str, key: bool) -> Problem {
        Problem {
            severity,
            message,
            help: (!help.is_empty()).then(|| help.to_owned()),
            label: String::new(),
            source: Some(self.text.source.clone()),
            span: self.span(key),
        }
    }

    /// Byte range of the value, or of its key.
    fn span(&self, key: bool) -> Range<usize> {
        let (text, start) = (&self.text.source.text, self.text.start);
        let mut path = Vec::new();
        let mut trail = &self.trail;
        while let Some(here) = trail {
            path.push(&here.step);
            trail = &here.up;
        }
        path.reverse();
        if path.is_empty() && start > 0 {
            return if key { 0..start - 1 } else { start..text.len() };
        }
        let found = locate(text.get(start..).unwrap_or(""), &path, key);
        found.start + start..found.end + start
    }
}

/// Byte range of what is at `path` (or of its key); of its nearest ancestor where it cannot be found.
fn locate(text: &str, path: &[&Step], key: bool) -> Range<usize> {
    for length in (0..=path.len()).rev() {
        let want_key = key && length == path.len() && matches!(path.last(), Some(Step::Key(_) | Step::Again(_)));
        let seed = Descend { path: &path[..length], key: want_key };
        if let Err(error) = seed.deserialize(serde_yaml::Deserializer::from_str(text))
            && error.to_string().contains(HERE)
            && let Some(place) = error.location()
        {
            let start = offset(text, place.line(), place.column());
            let end = if want_key { key_end(text, start) } else { token_end(text, start) };
            return start..end;
        }
    }
    0..0
}

/// Byte offset of a line and column, both from 1 and the column in characters.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("");
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(i, _)| i)
}

/// Where a plain key ends; values may hold a comma or a bracket, keys end at their colon.
fn key_end(text: &str, start: usize) -> usize {
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    match line.find(": ").or_else(|| line.strip_suffix(':').map(str::len)) {
        Some(end) => start + line[..end].trim_end().len(),
        None => token_end(text, start),
    }
}

/// Where the word, quoted text or bracket that begins at `start` ends; on the same line.
pub(super) fn token_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    let line = rest.lines().next().unwrap_or("");
    let length = match line.chars().next() {
        Some(quote @ ('"' | '\'')) => line[1..].find(quote).map_or(line.len(), |i| i + 2),
        Some('[' | '{') => bracket_end(line),
        _ => line
            .char_indices()
            .find(|&(i, c)| {
                let after = line[i + c.len_utf8()..].chars().next();
                matches!(c, ',' | ']' | '}')
                    || (c == ':' && after.is_none_or(char::is_whitespace))
                    || line[i..].starts_with(" #")
            })
            .map_or(line.len(), |(i, _)| i),
    };
    start + line[..length].trim_end().len()
}

fn bracket_end(line: &str) -> usize {
    let mut depth = 0;
    for (i, c) in line.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    line.len()
}

const HERE: &str = "tessera-is-here";

struct Descend<'p> {
    path: &'p [&'p Step],
    key: bool,
}

impl<'de> DeserializeSeed<'de> for Descend<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            // An error raised while a value is visited gets that value's position.
            return deserializer.deserialize_any(Raise);
        }
        deserializer.deserialize_any(self)
    }
}

/// Raises an error at whatever comes.
struct Raise;

impl<'de> Visitor<'de> for Raise {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HERE)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom(HERE))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(HERE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(HERE))
    }
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the path that was found before")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else { return Ok(()) };
        let (wanted, mut passes) = match step {
            Step::Key(key) => (key, 0),
            Step::Again(key) => (key, 1),
            Step::Index(_) => return Ok(()),
        };
        let raise = self.key && rest.is_empty();
        while let Some(hit) = map.next_key_seed(KeySeed { wanted, raise: raise && passes == 0 })? {
            if hit && passes == 0 {
                return map.next_value_seed(Descend { path: rest, key: self.key });
            }
            passes -= usize::from(hit);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.path.split_first() else { return Ok(()) };
        for _ in 0..*wanted {
            seq.next_element::<IgnoredAny>()?;
        }
        seq.next_element_seed(Descend { path: rest, key: self.key }).map(|_| ())
    }
}

struct KeySeed<'p> {
    wanted: &'p str,
    raise: bool,
}

impl KeySeed<'_> {
    /// Whether this is the key; an error where it is and one is asked for. Raised here, it gets the key's position.
    fn hit<E: serde::de::Error>(&self, key: &str) -> Result<bool, E> {
        let hit = key == self.wanted;
        if hit && self.raise { Err(E::custom(HERE)) } else { Ok(hit) }
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<bool, E> {
        self.hit(text)
    }

    fn visit_bool<E: serde::de::Error>(self, b: bool) -> Result<bool, E> {
        self.hit(&b.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, i: i64) -> Result<bool, E> {
        self.hit(&i.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, i: u64) -> Result<bool, E> {
        self.hit(&i.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<bool, E> {
        self.hit(&x.to_string())
    }
}
