//! A cursor into a YAML document that reports what is wrong where it stands.

use super::origin::Origin;
use super::problem::{Problem, Problems, Severity};
use super::tree::{Content, Tree};
use crate::record::Value;
use indexmap::IndexMap;
use std::cell::RefCell;

/// A value in a document, and where problems go.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// What is there.
    pub value: &'a Tree,
    /// What was found wrong so far.
    pub(super) problems: &'a RefCell<Problems>,
}

impl<'a> Node<'a> {
    /// The top of a document.
    pub(super) fn root(value: &'a Tree, problems: &'a RefCell<Problems>) -> Self {
        Self { value, problems }
    }

    /// Where it was written.
    pub fn origin(&self) -> &'a Origin {
        &self.value.origin
    }

    /// The node under a key of a map, if there is one.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.map()?.get(key).map(|value| self.child(value))
    }

    /// The entries of a map, in order; reports a mistake and gives none if it is no map.
    pub fn entries(&self) -> Vec<(String, Node<'a>)> {
        match self.map() {
            Some(map) => map.iter().map(|(key, value)| (key.clone(), self.child(value))).collect(),
            None => {
                self.error(format!("expected a map (`key: value` lines), found {}", self.found()), "");
                Vec::new()
            }
        }
    }

    /// The items of a list; a value that is no list counts as a list of one.
    pub fn items(&self) -> Vec<Node<'a>> {
        match self.value.as_list() {
            Some(items) => items.iter().map(|value| self.child(value)).collect(),
            None => vec![*self],
        }
    }

    /// The text here; numbers and booleans count as their spelling. Reports a mistake otherwise.
    pub fn text(&self) -> Option<String> {
        self.expect(self.value.scalar_text(), "text")
    }

    /// The number here. Reports a mistake otherwise.
    pub fn number(&self) -> Option<f64> {
        self.expect(self.plain().and_then(|value| value.as_f64()), "a number")
    }

    /// The whole number ≥ 0 here. Reports a mistake otherwise.
    pub fn whole(&self) -> Option<u64> {
        let whole = self.plain().and_then(|value| u64::try_from(value.as_i64()?).ok());
        self.expect(whole, "a whole number of 0 or more")
    }

    /// The truth value here. Reports a mistake otherwise.
    pub fn boolean(&self) -> Option<bool> {
        self.expect(self.plain().and_then(|value| value.as_bool()), "true or false")
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

    /// The value as plain data; `None` if it holds a number that is not finite.
    pub fn plain(&self) -> Option<Value> {
        self.value.plain()
    }

    /// Reports a mistake at this value.
    pub fn error(&self, message: String, help: &str) {
        self.push(self.origin().problem(Severity::Error, message, help));
    }

    /// Reports a mistake at this value's key.
    pub fn error_at_key(&self, message: String, help: &str) {
        self.push(self.origin().problem_at_key(Severity::Error, message, help));
    }

    /// Reports something odd at this value's key.
    pub fn warning(&self, message: String, help: &str) {
        self.push(self.origin().problem_at_key(Severity::Warning, message, help));
    }

    /// What is here, in words for a message.
    pub fn found(&self) -> String {
        self.value.found()
    }

    pub(super) fn map(&self) -> Option<&'a IndexMap<String, Tree>> {
        match &self.value.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().0.push(problem);
    }

    fn child(&self, value: &'a Tree) -> Node<'a> {
        Node { value, problems: self.problems }
    }

    fn expect<T>(&self, found: Option<T>, what: &str) -> Option<T> {
        if found.is_none() {
            self.error(format!("expected {what}, found {}", self.found()), "");
        }
        found
    }
}

/// "did you mean …?" for a word near one of the known ones, else the known ones.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let lower = word.to_lowercase();
    let distance = |k: &str| strsim::damerau_levenshtein(&lower, &k.to_lowercase());
    let near = known.iter().map(|k| (distance(k), *k)).min();
    let last = |k: &str| k.rsplit('.').next() == Some(word);
    // `lr` is how many a script calls its `learning_rate`.
    let initials = |k: &str| k.split(['_', '.']).filter_map(|part| part.chars().next()).collect::<String>() == lower;
    match near {
        Some((distance, k)) if distance <= 1 + word.chars().count() / 4 => format!("did you mean `{k}`?"),
        _ => match known.iter().find(|k| last(k)).or_else(|| known.iter().find(|k| initials(k))) {
            Some(k) => format!("did you mean `{k}`?"),
            None if !known.is_empty() && known.len() <= 24 => format!("known here: {}", known.join(", ")),
            None => String::new(),
        },
    }
}
