//! A YAML text as data that knows where it was written: aliases and merge keys followed, within bounds.

use super::origin::{Origin, Origins, Step, offset, token_end};
use super::problem::{Problem, Problems, Severity};
use super::value::Value;
use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// More values than this in one text, aliases followed, are refused.
const LARGEST: usize = 2_000_000;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) content: Content,
    pub(super) origin: Origin,
}

/// What is there.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Map(Box<IndexMap<String, Tree>>),
}

impl Tree {
    /// Reads a text; what cannot be read at all is one problem, a key that is there twice is one more and read on.
    pub(super) fn read(text: &Arc<Origins>) -> Result<(Self, Problems), Box<Problem>> {
        let yaml = text.source.text.get(text.start..).unwrap_or("");
        let state = State { nodes: Cell::new(0), twice: RefCell::default() };
        let top = Origin::top(text.clone());
        let grow = Grow { state: &state, origin: top.clone() };
        match grow.deserialize(serde_yaml::Deserializer::from_str(yaml)) {
            Ok(tree) => Ok((tree, Problems(state.twice.into_inner()))),
            Err(error) => Err(Box::new(syntax(&error, text, yaml))),
        }
    }

    /// The map here, if it is one.
    pub fn as_mapping(&self) -> Option<&IndexMap<String, Tree>> {
        match &self.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list here, if it is one.
    pub(super) fn as_list(&self) -> Option<&[Tree]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// The text here; numbers and truth values count as their spelling.
    pub(super) fn scalar_text(&self) -> Option<String> {
        Some(match &self.content {
            Content::Bool(b) => b.to_string(),
            Content::Integer(i) => i.to_string(),
            Content::Number(x) => Value::Number(*x).to_string(),
            Content::Text(text) => text.clone(),
            _ => return None,
        })
    }

    /// The value as plain data; `None` where a number is not finite.
    pub(super) fn plain(&self) -> Option<Value> {
        Some(match &self.content {
            Content::Null => Value::Null,
            Content::Bool(b) => Value::Bool(*b),
            Content::Integer(i) => Value::Integer(*i),
            Content::Number(x) => Value::Number(Some(*x).filter(|x| x.is_finite())?),
            Content::Text(text) => Value::Text(text.clone()),
            Content::List(items) => Value::List(items.iter().map(Self::plain).collect::<Option<_>>()?),
            Content::Map(map) => {
                Value::Map(map.iter().map(|(k, v)| Some((k.clone(), v.plain()?))).collect::<Option<_>>()?)
            }
        })
    }

    /// What is here, in words for a message.
    pub(super) fn found(&self) -> String {
        match &self.content {
            Content::Null => "nothing".to_owned(),
            Content::Bool(b) => format!("`{b}`"),
            Content::Integer(i) => format!("the number {i}"),
            Content::Number(x) => format!("the number {}", Value::Number(*x)),
            Content::Text(text) => format!("the text `{text}`"),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }

    /// As YAML.
    pub(super) fn to_yaml(&self) -> String {
        serde_yaml::to_string(self).unwrap_or_default()
    }
}

impl serde::Serialize for Tree {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(b) => serializer.serialize_bool(*b),
            Content::Integer(i) => serializer.serialize_i64(*i),
            Content::Number(x) if x.fract() == 0.0 && x.abs() < 1e15 => serializer.serialize_i64(*x as i64),
            Content::Number(x) => serializer.serialize_f64(*x),
            Content::Text(text) => serializer.serialize_str(text),
            Content::List(items) => serializer.collect_seq(items),
            Content::Map(map) => serializer.collect_map(map.iter()),
        }
    }
}

/// What YAML itself could not be read for, in words that help.
fn syntax(error: &serde_yaml::Error, text: &Arc<Origins>, yaml: &str) -> Problem {
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
    } else if said.contains("repetition limit") || said.contains(TOO_LARGE) {
        (
            start,
            "too large once its aliases are followed".to_owned(),
            "aliases of aliases multiply; write fewer of them",
        )
    } else if said.contains("recursion limit") {
        (start, "nested too deeply".to_owned(), "")
    } else if said.contains("unknown anchor") {
        (start, "an alias without its anchor".to_owned(), "an anchor `&name` must stand above its alias `*name`")
    } else if said.contains("more than one document") {
        let second = yaml.get(1..).and_then(|rest| rest.find("\n---")).map_or(0, |i| i + 2);
        (second, "more than one document in a file".to_owned(), "keep one, without `---` between")
    } else if said.contains(TAG) {
        (start, "a tag (`!word`) has no meaning here".to_owned(), "put quotes around text that begins with `!`")
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

const TOO_LARGE: &str = "tessera-too-large";
const TAG: &str = "tessera-tag";

struct State {
    nodes: Cell<usize>,
    twice: RefCell<Vec<Problem>>,
}

struct Grow<'s> {
    state: &'s State,
    origin: Origin,
}

impl Grow<'_> {
    fn leaf(self, content: Content) -> Tree {
        Tree { content, origin: self.origin }
    }
}

impl<'de> DeserializeSeed<'de> for Grow<'_> {
    type Value = Tree;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        self.state.nodes.set(self.state.nodes.get() + 1);
        if self.state.nodes.get() > LARGEST {
            return Err(D::Error::custom(TOO_LARGE));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(self.leaf(Content::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(self.leaf(Content::Null))
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<Tree, E> {
        Ok(self.leaf(Content::Bool(b)))
    }

    fn visit_i64<E: Error>(self, i: i64) -> Result<Tree, E> {
        Ok(self.leaf(Content::Integer(i)))
    }

    fn visit_u64<E: Error>(self, i: u64) -> Result<Tree, E> {
        Ok(self.leaf(i64::try_from(i).map_or(Content::Number(i as f64), Content::Integer)))
    }

    fn visit_i128<E: Error>(self, i: i128) -> Result<Tree, E> {
        Ok(self.leaf(Content::Number(i as f64)))
    }

    fn visit_u128<E: Error>(self, i: u128) -> Result<Tree, E> {
        Ok(self.leaf(Content::Number(i as f64)))
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<Tree, E> {
        Ok(self.leaf(Content::Number(x)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(self.leaf(Content::Text(text.to_owned())))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Tree, A::Error> {
        Err(A::Error::custom(TAG))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        loop {
            let origin = self.origin.child(Step::Index(items.len()));
            match seq.next_element_seed(Grow { state: self.state, origin })? {
                Some(item) => items.push(item),
                None => return Ok(self.leaf(Content::List(items))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = IndexMap::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let twice = entries.contains_key(&key);
            let step = if twice { Step::Again(key.clone()) } else { Step::Key(key.clone()) };
            let origin = self.origin.child(step);
            let value = map.next_value_seed(Grow { state: self.state, origin: origin.clone() })?;
            if twice {
                let message = format!("the key `{key}` is here twice");
                let help = "keep one of them";
                self.state.twice.borrow_mut().push(origin.problem_at_key(Severity::Error, message, help));
            } else {
                entries.insert(key, value);
            }
        }
        if let Some(merged) = entries.shift_remove("<<") {
            merge(&mut entries, merged)?;
        }
        Ok(self.leaf(Content::Map(Box::new(entries))))
    }
}

/// `<<: *anchor` or `<<: [*one, *two]`: keys that are not there yet.
fn merge<E: Error>(entries: &mut IndexMap<String, Tree>, merged: Tree) -> Result<(), E> {
    match merged.content {
        Content::Map(map) => {
            for (key, value) in *map {
                entries.entry(key).or_insert(value);
            }
            Ok(())
        }
        Content::List(items) => items.into_iter().try_for_each(|item| merge(entries, item)),
        _ => Err(E::custom("`<<` takes a map, as in `<<: *anchor`")),
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A key as text; numbers and truth values count as their spelling.
impl Visitor<'_> for KeySeed {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a plain word as the key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<String, E> {
        Ok(b.to_string())
    }

    fn visit_i64<E: Error>(self, i: i64) -> Result<String, E> {
        Ok(i.to_string())
    }

    fn visit_u64<E: Error>(self, i: u64) -> Result<String, E> {
        Ok(i.to_string())
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<String, E> {
        Ok(x.to_string())
    }
}
