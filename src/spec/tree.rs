//! A YAML text as data that knows where it was written.

use super::origin::Origin;
use crate::record::Value;
use indexmap::IndexMap;

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
