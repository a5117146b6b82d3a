//! A parameter's value: what YAML, JSON and Parquet agree on.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A value as YAML 1.2 and JSON have it. Numbers compare by value, so `1`, `1.0` and `1e0` are equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits in 64 bits.
    Integer(i64),
    /// Any other number; finite.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map with text keys, in the order written.
    Map(IndexMap<String, Value>),
}

impl Value {
    /// The number that this value is, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Number(x) => Some(*x),
            _ => None,
        }
    }

    /// The whole number that this value is; `3.0` counts as 3.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(i) => Some(*i),
            Self::Number(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
            _ => None,
        }
    }

    /// One value for all spellings of a number: whole numbers are integers, and zero has no sign.
    pub fn canonical(self) -> Self {
        match (&self, self.as_i64()) {
            (Self::Number(_), Some(i)) => Self::Integer(i),
            _ => self,
        }
    }

    /// The text that this value is, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value that this value is, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (a, b) => matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b),
        }
    }
}

/// The shortest spelling that reads back as the same value: `0.001`, `plateau`, `[1, 2]`. One spelling for equal
/// values, so it serves as a key and in identities.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => write!(f, "null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Number(x) => match self.as_i64() {
                Some(i) => write!(f, "{i}"),
                None if *x != 0.0 && (x.abs() < 1e-4 || x.abs() >= 1e15) => write!(f, "{x:e}"),
                None => write!(f, "{x}"),
            },
            Self::Text(text) => write!(f, "{text}"),
            Self::List(items) => {
                write!(f, "[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if i > 0 { ", " } else { "" }, Inside(item))?;
                }
                write!(f, "]")
            }
            Self::Map(map) => {
                write!(f, "{{")?;
                for (i, (key, item)) in map.iter().enumerate() {
                    write!(f, "{}{key}: {}", if i > 0 { ", " } else { "" }, Inside(item))?;
                }
                write!(f, "}}")
            }
        }
    }
}

/// A value inside a list or a map: a text stands in quotes where it would read as something else.
struct Inside<'a>(&'a Value);

impl std::fmt::Display for Inside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Value::Text(text) if reads_otherwise(text) => {
                write!(f, "{}", serde_json::to_string(text).unwrap_or_default())
            }
            value => write!(f, "{value}"),
        }
    }
}

/// Whether a text in a list would read as other values than the text.
fn reads_otherwise(text: &str) -> bool {
    text.is_empty()
        || text.trim() != text
        || text.contains(|c: char| c.is_control() || ",[]{}\"':#".contains(c))
        || text.parse::<f64>().is_ok()
        || matches!(&*text.to_ascii_lowercase(), "null" | "~" | "true" | "false")
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::Integer(i)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn different_lists_are_spelled_differently() {
        let list = |json: &str| serde_json::from_str::<Value>(json).map(|value| value.to_string()).ok();
        for (json, spelled) in [
            (r#"["a", "b"]"#, "[a, b]"),
            (r#"["a, b"]"#, r#"["a, b"]"#),
            (r#"[1, true, null]"#, "[1, true, null]"),
            (r#"["1", "True", "null", "~", ""]"#, r#"["1", "True", "null", "~", ""]"#),
            (r#"["a]", " a", "it's"]"#, r#"["a]", " a", "it's"]"#),
            (r#"[["a"], {"k": "a: b"}]"#, r#"[[a], {k: "a: b"}]"#),
        ] {
            assert_eq!(list(json).as_deref(), Some(spelled));
        }
    }
}
