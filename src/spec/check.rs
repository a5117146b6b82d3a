//! Whether a value can be a parameter's: type, choices, bounds.

use super::axis::RANGES_IN_WORDS;
use super::decimal::number;
use super::node::suggestion;
use super::parameter::{Kind, Parameter};
use crate::record::Value;

/// What is wrong with a value, and the remedy.
pub type Fault = (String, String);

impl Parameter {
    /// The value as this parameter holds it, or what is wrong.
    pub fn check(&self, value: &Value) -> Result<Value, Fault> {
        let checked = match self.kind {
            Kind::Integer => value.as_i64().map(Value::Integer),
            Kind::Number => value.as_f64().map(|x| Value::Number(x + 0.0)),
            Kind::Boolean => value.as_bool().map(Value::Bool),
            Kind::Choice => return self.choice(value),
            Kind::Text | Kind::Path => value.as_str().map(Value::from),
            Kind::List => match value {
                Value::List(items) => {
                    items.iter().map(|item| item.as_f64().map(number)).collect::<Option<_>>().map(Value::List)
                }
                _ => None,
            },
        };
        let Some(checked) = checked else {
            let help = match (self.kind, value) {
                (Kind::Text, Value::Integer(_) | Value::Number(_)) => "put it in quotes".to_owned(),
                (Kind::Boolean, Value::Text(_)) => "YAML 1.2: yes and no are text".to_owned(),
                (Kind::Number | Kind::Integer, Value::Text(text)) if text.replace(',', ".").parse::<f64>().is_ok() => {
                    "decimals are written with a point".to_owned()
                }
                (Kind::Number | Kind::Integer, Value::Text(text)) if text.contains('(') => RANGES_IN_WORDS.to_owned(),
                (Kind::Number | Kind::Integer, Value::Text(_)) => {
                    "a number is written like `1500`, `0.01` or `1e-3`; `0.1x` multiplies the base value".to_owned()
                }
                _ => self.about.clone(),
            };
            return Err((format!("`{}` must be {}, found {}", self.name, self.kind.words(), spelled(value)), help));
        };
        self.bounds(&checked)?;
        Ok(checked)
    }

    fn choice(&self, value: &Value) -> Result<Value, Fault> {
        let word = match value {
            Value::Text(word) => word.clone(),
            Value::Bool(_) | Value::Integer(_) | Value::Number(_) => value.to_string(),
            _ => {
                return Err((
                    format!("`{}` must be one of its choices, found {}", self.name, spelled(value)),
                    format!("choices: {}", self.choices.join(", ")),
                ));
            }
        };
        if self.choices.contains(&word) {
            return Ok(Value::Text(word));
        }
        let choices: Vec<&str> = self.choices.iter().map(|choice| &**choice).collect();
        let several = word.split(',').map(str::trim).all(|part| choices.contains(&part));
        if several && word.contains(',') {
            return Err((
                format!("`{word}` is not one of the choices of `{}`", self.name),
                format!("several values are a list: `[{word}]`"),
            ));
        }
        let near = suggestion(&word, &choices);
        let all = format!("choices: {}", choices.join(", "));
        let help = if near.starts_with("did you mean") { format!("{near} ({all})") } else { all };
        Err((format!("`{word}` is not one of the choices of `{}`", self.name), help))
    }

    fn bounds(&self, value: &Value) -> Result<(), Fault> {
        let numbers: Vec<f64> = match value {
            Value::List(items) => items.iter().filter_map(Value::as_f64).collect(),
            other => other.as_f64().into_iter().collect(),
        };
        let unit = self.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        for x in numbers {
            let wrong = if self.minimum.is_some_and(|bound| x < bound) {
                ("at least", self.minimum)
            } else if self.above.is_some_and(|bound| x <= bound) {
                ("above", self.above)
            } else if self.maximum.is_some_and(|bound| x > bound) {
                ("at most", self.maximum)
            } else {
                continue;
            };
            let bound = wrong.1.unwrap_or_default();
            return Err((
                format!("`{}` must be {} {bound}{unit}, found {}", self.name, wrong.0, number(x)),
                self.about.clone(),
            ));
        }
        Ok(())
    }

    /// Whether values of this parameter are single numbers, so that `0.1x` means something.
    pub fn is_numeric(&self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Number)
    }
}

impl Kind {
    /// In words for a message.
    pub fn words(self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Choice => "one of its choices",
            Self::Text => "text",
            Self::Path => "a path",
            Self::List => "a list of numbers",
        }
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Text(text) => format!("the text `{text}`"),
        other => format!("`{other}`"),
    }
}
