//! Grows a tree from a YAML text: aliases and merge keys followed, within bounds.

use super::limits;
use super::origin::{Origin, Origins, Step};
use super::problem::{Problem, Problems, Severity};
use super::syntax::{LONG_KEY, LONG_TEXT, TAG, TOO_LARGE, syntax};
use super::tree::{Content, Tree};
use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

impl Tree {
    /// Reads a text; what cannot be read at all is one problem, a key that is there twice is one more and read on.
    pub(super) fn read(text: &Arc<Origins>) -> Result<(Self, Problems), Box<Problem>> {
        let yaml = text.source.text.get(text.start..).unwrap_or("");
        if let Some(problem) = limits::refused(text, yaml) {
            return Err(Box::new(problem));
        }
        let state = State { nodes: Cell::new(0), twice: RefCell::default() };
        let top = Origin::top(text.clone());
        let grow = Grow { state: &state, origin: top.clone() };
        match grow.deserialize(serde_yaml::Deserializer::from_str(yaml)) {
            Ok(tree) => Ok((tree, Problems(state.twice.into_inner()))),
            Err(error) => Err(Box::new(syntax(&error, text, yaml))),
        }
    }
}

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
        if self.state.nodes.get() > limits::VALUES {
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
        if text.len() > limits::TEXT {
            return Err(E::custom(LONG_TEXT));
        }
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
        if text.len() > limits::KEY {
            return Err(E::custom(LONG_KEY));
        }
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
