//! A cursor into a YAML document that knows where it is, so that every mistake gets its line and caret.
//!
//! The YAML library gives positions only for errors raised while it deserialises. A path is therefore located when a
//! problem is reported, by deserialising again down to that path and raising an error there.

use super::problem::{Problem, Problems, Severity, Source};
use super::value::Value;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::ops::Range;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Where a node is, from the top of its document.
pub type Path = Vec<Step>;

/// A document with the problems found in it so far.
pub struct Document {
    /// Its text.
    pub source: Source,
    /// What was found; in order of discovery.
    pub problems: RefCell<Problems>,
}

/// A value in a document.
#[derive(Clone)]
pub struct Node<'a> {
    /// What is there.
    pub value: &'a serde_yaml::Value,
    /// Where it is.
    pub path: Path,
    /// The document.
    pub document: &'a Document,
}

impl<'a> Node<'a> {
    /// The top of a document.
    pub fn root(value: &'a serde_yaml::Value, document: &'a Document) -> Self {
        Self { value, path: Vec::new(), document }
    }

    /// The node under a key of a map, if there is one.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.value.as_mapping()?.get(key).map(|value| self.child(value, Step::Key(key.to_owned())))
    }

    /// The entries of a map, in order; reports a mistake and gives none if it is no map or a key is no text.
    pub fn entries(&self) -> Vec<(String, Node<'a>)> {
        let Some(map) = self.value.as_mapping() else {
            self.error(format!("expected a map (`key: value` lines), found {}", self.found()), "");
            return Vec::new();
        };
        let mut entries = Vec::with_capacity(map.len());
        for (key, value) in map {
            match scalar_text(key) {
                Some(key) => entries.push((key.clone(), self.child(value, Step::Key(key)))),
                None => self.error("a key must be a plain word".to_owned(), ""),
            }
        }
        entries
    }

    /// The items of a list; a value that is no list counts as a list of one.
    pub fn items(&self) -> Vec<Node<'a>> {
        match self.value.as_sequence() {
            Some(items) => items.iter().enumerate().map(|(i, v)| self.child(v, Step::Index(i))).collect(),
            None => vec![self.clone()],
        }
    }

    /// The text here; numbers and booleans count as their spelling. Reports a mistake otherwise.
    pub fn text(&self) -> Option<String> {
        let text = scalar_text(self.value);
        if text.is_none() {
            self.error(format!("expected text, found {}", self.found()), "");
        }
        text
    }

    /// The number here. Reports a mistake otherwise.
    pub fn number(&self) -> Option<f64> {
        let number = self.value.as_f64().filter(|x| x.is_finite());
        if number.is_none() {
            self.error(format!("expected a number, found {}", self.found()), "");
        }
        number
    }

    /// The whole number ≥ 0 here. Reports a mistake otherwise.
    pub fn whole(&self) -> Option<u64> {
        let whole = self.value.as_u64();
        if whole.is_none() {
            self.error(format!("expected a whole number of 0 or more, found {}", self.found()), "");
        }
        whole
    }

    /// The truth value here. Reports a mistake otherwise.
    pub fn boolean(&self) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            self.error(format!("expected true or false, found {}", self.found()), "");
        }
        truth
    }

    /// One of the words, by its place in `words`. Reports a mistake with the nearest word otherwise.
    pub fn choice(&self, words: &[&str]) -> Option<usize> {
        let text = self.text()?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            self.error(format!("`{text}` is not one of the choices here"), &suggestion(&text, words));
        }
        found
    }

    /// Reports every key that is not in `known`, with the nearest known one.
    pub fn check_keys(&self, known: &[&str]) {
        for (key, node) in self.entries() {
            if !known.contains(&key.as_str()) {
                node.error_at_key(format!("unknown key `{key}`"), &suggestion(&key, known));
            }
        }
    }

    /// The value as plain data; `None` if it holds what parameters cannot (tags, keys that are no text).
    pub fn plain(&self) -> Option<Value> {
        plain(self.value)
    }

    /// Reports a mistake at this value.
    pub fn error(&self, message: String, help: &str) {
        self.report(Severity::Error, message, help, false);
    }

    /// Reports a mistake at this value's key.
    pub fn error_at_key(&self, message: String, help: &str) {
        self.report(Severity::Error, message, help, true);
    }

    /// Reports something odd at this value's key.
    pub fn warning(&self, message: String, help: &str) {
        self.report(Severity::Warning, message, help, true);
    }

    /// Byte range of this value, or of its key, in the document.
    pub fn span(&self, key: bool) -> Range<usize> {
        locate(&self.document.source.text, &self.path, key)
    }

    /// What is here, in words for a message.
    pub fn found(&self) -> String {
        match self.value {
            serde_yaml::Value::Null => "nothing".to_owned(),
            serde_yaml::Value::Bool(b) => format!("`{b}`"),
            serde_yaml::Value::Number(n) => format!("the number {n}"),
            serde_yaml::Value::String(s) => format!("the text `{s}`"),
            serde_yaml::Value::Sequence(_) => "a list".to_owned(),
            serde_yaml::Value::Mapping(_) => "a map".to_owned(),
            serde_yaml::Value::Tagged(t) => format!("the tag {}", t.tag),
        }
    }

    fn child(&self, value: &'a serde_yaml::Value, step: Step) -> Node<'a> {
        let mut path = self.path.clone();
        path.push(step);
        Node { value, path, document: self.document }
    }

    fn report(&self, severity: Severity, message: String, help: &str, key: bool) {
        self.document.problems.borrow_mut().0.push(Problem {
            severity,
            message,
            help: (!help.is_empty()).then(|| help.to_owned()),
            label: String::new(),
            source: Some(self.document.source.clone()),
            span: self.span(key),
        });
    }
}

/// "did you mean …?" for a word near one of the known ones, else the known ones.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|k| (strsim::damerau_levenshtein(word, k), k)).min();
    match near {
        Some((distance, k)) if distance <= 1 + word.chars().count() / 4 => format!("did you mean `{k}`?"),
        _ if known.len() <= 24 => format!("known here: {}", known.join(", ")),
        _ => String::new(),
    }
}

fn scalar_text(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::Bool(b) => Some(b.to_string()),
        serde_yaml::Value::Number(n) => Some(n.to_string()),
        serde_yaml::Value::String(s) => Some(s.clone()),
        _ => None,
    }
}

fn plain(value: &serde_yaml::Value) -> Option<Value> {
    Some(match value {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(b) => Value::Bool(*b),
        serde_yaml::Value::Number(n) => match n.as_i64() {
            Some(i) => Value::Integer(i),
            None => Value::Number(n.as_f64().filter(|x| x.is_finite())?),
        },
        serde_yaml::Value::String(s) => Value::Text(s.clone()),
        serde_yaml::Value::Sequence(items) => Value::List(items.iter().map(plain).collect::<Option<_>>()?),
        serde_yaml::Value::Mapping(map) => {
            Value::Map(map.iter().map(|(k, v)| Some((scalar_text(k)?, plain(v)?))).collect::<Option<_>>()?)
        }
        serde_yaml::Value::Tagged(_) => return None,
    })
}

/// Byte range of what is at `path` (or of its key); of its nearest ancestor where aliases or merge keys hide it.
fn locate(text: &str, path: &[Step], key: bool) -> Range<usize> {
    for length in (0..=path.len()).rev() {
        let want_key = key && length == path.len() && matches!(path.last(), Some(Step::Key(_)));
        let seed = Descend { path: &path[..length], key: want_key };
        let found = seed.deserialize(serde_yaml::Deserializer::from_str(text));
        if let Err(error) = found
            && error.to_string().contains(HERE)
            && let Some(place) = error.location()
        {
            let start = offset(text, place.line(), place.column());
            return start..token_end(text, start);
        }
    }
    0..0
}

/// Byte offset of a line and column, both from 1 and the column in characters.
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("");
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(i, _)| i)
}

fn token_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let line = rest.lines().next().unwrap_or("");
    let length = match line.chars().next() {
        Some(quote @ ('"' | '\'')) => line[1..].find(quote).map_or(line.len(), |i| i + 2),
        Some('[' | '{') => line.rfind([']', '}']).map_or(line.len(), |i| i + 1),
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

const HERE: &str = "tessera-is-here";

struct Descend<'p> {
    path: &'p [Step],
    key: bool,
}

impl<'de> DeserializeSeed<'de> for Descend<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            return Err(D::Error::custom(HERE));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the path that was found before")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.path.split_first() else { return Ok(()) };
        let raise = self.key && rest.is_empty();
        while let Some(hit) = map.next_key_seed(KeySeed { wanted, raise })? {
            if hit {
                return map.next_value_seed(Descend { path: rest, key: self.key });
            }
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

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        struct Spelled;
        impl Visitor<'_> for Spelled {
            type Value = String;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }
            fn visit_bool<E: serde::de::Error>(self, b: bool) -> Result<String, E> {
                Ok(b.to_string())
            }
            fn visit_i64<E: serde::de::Error>(self, i: i64) -> Result<String, E> {
                Ok(i.to_string())
            }
            fn visit_u64<E: serde::de::Error>(self, i: u64) -> Result<String, E> {
                Ok(i.to_string())
            }
            fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<String, E> {
                Ok(x.to_string())
            }
        }
        let hit = deserializer.deserialize_any(Spelled)? == self.wanted;
        if hit && self.raise { Err(D::Error::custom(HERE)) } else { Ok(hit) }
    }
}
