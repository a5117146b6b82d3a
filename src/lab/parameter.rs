//! Parameters of a trainer: their tables (name, type, unit, default, bounds, meaning) and how a job's values are read.
//! The tables are the only place where a default stands.

use serde::Serialize;
use tessera::record::{Parameters, Value};

/// One parameter, as `src/spec/parameter.rs` spells it.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// Dotted name.
    pub name: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    /// What holds where a spec is silent; none: must be given where active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<f64>,
    /// The words allowed where the kind is `choice`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub choices: &'static [&'static str],
    /// When the parameter means anything, in the language of `when`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<&'static str>,
    identity: bool,
    about: &'static str,
}

impl Parameter {
    fn new(name: &'static str, kind: &'static str, default: Option<Value>, about: &'static str) -> Self {
        Self {
            name,
            kind,
            unit: None,
            default,
            minimum: None,
            above: None,
            maximum: None,
            choices: &[],
            active: None,
            identity: true,
            about,
        }
    }

    /// A whole number with a default.
    pub fn integer(name: &'static str, default: i64, about: &'static str) -> Self {
        Self::new(name, "integer", Some(default.into()), about)
    }

    /// A real number with a default.
    pub fn number(name: &'static str, default: f64, about: &'static str) -> Self {
        Self::new(name, "number", Some(default.into()), about)
    }

    /// A truth value with a default.
    pub fn boolean(name: &'static str, default: bool, about: &'static str) -> Self {
        Self::new(name, "boolean", Some(default.into()), about)
    }

    /// One of some words; the first is the default.
    pub fn choice(name: &'static str, choices: &'static [&'static str], about: &'static str) -> Self {
        let default = choices.first().map(|word| Value::from(*word));
        Self { choices, ..Self::new(name, "choice", default, about) }
    }

    /// A list of numbers with a default.
    pub fn list(name: &'static str, default: &[f64], about: &'static str) -> Self {
        let default = Value::List(default.iter().map(|x| Value::Number(*x)).collect());
        Self::new(name, "list", Some(default), about)
    }

    /// A file or folder that must be given.
    pub fn path(name: &'static str, about: &'static str) -> Self {
        Self::new(name, "path", None, about)
    }

    /// A text with a default.
    pub fn text(name: &'static str, default: &str, about: &'static str) -> Self {
        Self::new(name, "text", Some(default.into()), about)
    }

    /// The same without a default.
    pub fn required(self) -> Self {
        Self { default: None, ..self }
    }

    /// The same with a unit.
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The same with a smallest value.
    pub fn minimum(self, minimum: f64) -> Self {
        Self { minimum: Some(minimum), ..self }
    }

    /// The same with a value that it must exceed.
    pub fn above(self, above: f64) -> Self {
        Self { above: Some(above), ..self }
    }

    /// The same with a largest value.
    pub fn maximum(self, maximum: f64) -> Self {
        Self { maximum: Some(maximum), ..self }
    }

    /// The same, active only where a condition holds.
    pub fn when(self, condition: &'static str) -> Self {
        Self { active: Some(condition), ..self }
    }

    /// The same, no part of a run's identity.
    pub fn not_identity(self) -> Self {
        Self { identity: false, ..self }
    }

    /// Why a value cannot be this parameter's, if so.
    fn fault(&self, value: &Value) -> Option<String> {
        let fits = match self.kind {
            "integer" => value.as_i64().is_some(),
            "number" => value.as_f64().is_some(),
            "boolean" => value.as_bool().is_some(),
            "choice" => value.as_str().is_some_and(|word| self.choices.contains(&word)),
            "list" => matches!(value, Value::List(items) if items.iter().all(|item| item.as_f64().is_some())),
            _ => value.as_str().is_some(),
        };
        if !fits {
            let choices =
                if self.choices.is_empty() { String::new() } else { format!(": {}", self.choices.join(", ")) };
            return Some(format!("`{}` is {value}, expected a {}{choices}", self.name, self.kind));
        }
        let x = value.as_f64()?;
        let wrong = |bound: Option<f64>, out: bool, word: &str| {
            bound.filter(|_| out).map(|bound| format!("`{}` is {value}, must be {word} {bound}", self.name))
        };
        wrong(self.minimum, self.minimum.is_some_and(|b| x < b), "at least")
            .or_else(|| wrong(self.above, self.above.is_some_and(|b| x <= b), "above"))
            .or_else(|| wrong(self.maximum, self.maximum.is_some_and(|b| x > b), "at most"))
    }
}

/// A job's values read through a table: what the job leaves out has its default.
pub struct Values<'a> {
    table: &'a [Parameter],
    given: &'a Parameters,
}

impl<'a> Values<'a> {
    /// Checks that all given values are known, of their type and within bounds.
    pub fn check(table: &'a [Parameter], given: &'a Parameters) -> Result<Self, String> {
        for (name, value) in given {
            let Some(parameter) = table.iter().find(|parameter| parameter.name == name) else {
                return Err(format!("unknown parameter `{name}`"));
            };
            if let Some(fault) = parameter.fault(value) {
                return Err(fault);
            }
        }
        Ok(Self { table, given })
    }

    fn value(&self, name: &str) -> Result<Value, String> {
        let default = || self.table.iter().find(|parameter| parameter.name == name)?.default.clone();
        self.given.get(name).cloned().or_else(default).ok_or_else(|| format!("parameter `{name}` must be given"))
    }

    /// A real number.
    pub fn number(&self, name: &str) -> Result<f64, String> {
        self.value(name)?.as_f64().ok_or_else(|| format!("`{name}` is no number"))
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<i64, String> {
        self.value(name)?.as_i64().ok_or_else(|| format!("`{name}` is no whole number"))
    }

    /// A count of steps.
    pub fn steps(&self, name: &str) -> Result<u64, String> {
        u64::try_from(self.integer(name)?).map_err(|_| format!("`{name}` is negative"))
    }

    /// A truth value.
    pub fn boolean(&self, name: &str) -> Result<bool, String> {
        self.value(name)?.as_bool().ok_or_else(|| format!("`{name}` is neither true nor false"))
    }

    /// A word or text.
    pub fn text(&self, name: &str) -> Result<String, String> {
        self.value(name)?.as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` is no text"))
    }

    /// A list of numbers of a given length.
    pub fn list<const N: usize>(&self, name: &str) -> Result<[f64; N], String> {
        let numbers: Option<Vec<f64>> = match self.value(name)? {
            Value::List(items) => items.iter().map(Value::as_f64).collect(),
            _ => None,
        };
        let found = numbers.unwrap_or_default();
        found.try_into().map_err(|_| format!("`{name}` must be a list of {N} numbers"))
    }
}
