//! When a parameter is active: `method == lagrange and rho > 0 or method == none` (`and` binds tighter, no brackets).

use crate::record::Value;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::Arc;

/// Any of these, each of which is all of its comparisons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    /// As it is written.
    text: String,
    /// The alternatives.
    pub any: Vec<Vec<Clause>>,
}

impl TryFrom<String> for Condition {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.text
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// `name == value`
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// A parameter.
    pub name: Arc<str>,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: Value,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Condition {
    /// Reads a condition; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains(['(', ')']) {
            return Err("brackets are not read here; `and` binds tighter than `or`".to_owned());
        }
        let split = |text: &str, word: &str| -> Vec<String> {
            let mut parts = vec![Vec::new()];
            for token in text.split_whitespace() {
                match parts.last_mut() {
                    Some(part) if token != word => part.push(token),
                    _ => parts.push(Vec::new()),
                }
            }
            parts.into_iter().map(|part| part.join(" ")).collect()
        };
        let all = |text: &String| split(text, "and").iter().map(|part| Clause::parse(part)).collect();
        Ok(Self { text: text.to_owned(), any: split(text, "or").iter().map(all).collect::<Result<_, _>>()? })
    }

    /// Names of the parameters in it.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.any.iter().flatten().map(|comparison| &comparison.name)
    }
}

impl Clause {
    fn parse(text: &str) -> Result<Self, String> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("==", Operator::Equal),
            ("!=", Operator::Different),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let found = OPERATORS.iter().find_map(|(word, operator)| Some((text.split_once(word)?, *operator)));
        let Some(((name, value), operator)) = found else {
            let help = if text.contains('=') { "; equality is `==`" } else { "" };
            return Err(format!("expected a comparison like `method == lagrange`, found `{text}`{help}"));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || value.is_empty() || name.contains(' ') {
            return Err(format!("expected a comparison like `method == lagrange`, found `{text}`"));
        }
        Ok(Self { name: name.into(), operator, value: scalar(value) })
    }

    /// Whether it holds for a value.
    pub fn holds(&self, value: &Value) -> bool {
        let order = match (value.as_f64(), self.value.as_f64()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => (*value == self.value).then_some(Ordering::Equal),
        };
        match self.operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::Different => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

fn scalar(text: &str) -> Value {
    let quoted = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    if let Some(inner) = quoted('"').or_else(|| quoted('\'')) {
        return inner.into();
    }
    match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true", ..) => true.into(),
        ("false", ..) => false.into(),
        (_, Ok(i), _) => i.into(),
        (_, _, Ok(x)) if x.is_finite() => x.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let condition = Condition::parse("a == b and c > 1e-3 or d.e != 'x y'").unwrap();
        assert_eq!(condition.any.len(), 2);
        assert!(condition.any[0][1].holds(&0.01.into()) && !condition.any[0][1].holds(&"z".into()));
        assert!(condition.any[1][0].holds(&1.0.into()) && !condition.any[1][0].holds(&"x y".into()));
        for text in ["", "a", "a = b", "a ==", "a == b and", "(a == b)"] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
