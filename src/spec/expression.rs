//! What a parameter is given: a value, a multiple of another (`0.1x`, `0.1x learning_rate`), or arithmetic
//! (`= 1 - learning_rate`).

use super::decimal;
use crate::record::Value;
use std::sync::Arc;

/// What a parameter is given.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A value as written.
    Value(Value),
    /// So many times the base value, or the value of another parameter.
    Multiple {
        /// How many times.
        factor: f64,
        /// The other parameter; none: this parameter's base value, else its default.
        of: Option<Arc<str>>,
    },
    /// `= …`
    Formula(Arc<Formula>),
}

/// Reads `0.1x` and `0.1x learning_rate`; `None` if the text is something else.
pub(super) fn multiple(text: &str) -> Option<(f64, Option<&str>)> {
    let (factor, of) = match text.trim().split_once(char::is_whitespace) {
        Some((factor, of)) => (factor, Some(of.trim())),
        None => (text.trim(), None),
    };
    let factor = factor.strip_suffix(['x', '×'])?;
    if !factor.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+')) {
        return None;
    }
    let factor: f64 = factor.parse().ok().filter(|x: &f64| x.is_finite())?;
    Some((factor, of))
}

/// Arithmetic over numbers and parameters: `+ - * /` and brackets.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A number.
    Number(f64),
    /// The value of a parameter.
    Name(Arc<str>),
    /// `a + b` and the like.
    Binary(char, Box<Formula>, Box<Formula>),
    /// `-a`
    Minus(Box<Formula>),
}

impl Formula {
    /// Reads what stands after the `=`; the error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let formula = parser.sum()?;
        match parser.peek() {
            None => Ok(formula),
            Some(c) => Err(format!("`{c}` is not expected there")),
        }
    }

    /// Names of the parameters in it.
    pub fn names(&self) -> Vec<&Arc<str>> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Name(name) => vec![name],
            Self::Binary(_, a, b) => a.names().into_iter().chain(b.names()).collect(),
            Self::Minus(a) => a.names(),
        }
    }

    /// Its value, decimals exact where they can be.
    pub fn evaluate<E>(&self, value: &mut impl FnMut(&str) -> Result<f64, E>) -> Result<f64, E> {
        Ok(match self {
            Self::Number(x) => *x,
            Self::Name(name) => value(name)?,
            Self::Minus(a) => -a.evaluate(value)?,
            Self::Binary(operator, a, b) => {
                let (a, b) = (a.evaluate(value)?, b.evaluate(value)?);
                match operator {
                    '+' => decimal::add(a, b),
                    '-' => decimal::add(a, -b),
                    '*' => decimal::multiply(a, b),
                    _ => a / b,
                }
            }
        })
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, any: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| any.contains(c))?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn sum(&mut self) -> Result<Formula, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&['+', '-']) {
            left = Formula::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Formula, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.take(&['*', '/']) {
            left = Formula::Binary(operator, Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Formula, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("it is nested too deeply".to_owned());
        }
        let formula = self.atom();
        self.depth -= 1;
        formula
    }

    fn atom(&mut self) -> Result<Formula, String> {
        if self.take(&['-']).is_some() {
            return Ok(Formula::Minus(Box::new(self.factor()?)));
        }
        if self.take(&['(']).is_some() {
            let inner = self.sum()?;
            return self.take(&[')']).map(|_| inner).ok_or_else(|| "a `)` is missing".to_owned());
        }
        let Some(first) = self.peek() else { return Err("it ends too early".to_owned()) };
        let number = first.is_ascii_digit() || first == '.';
        let mut end = 0;
        for (i, c) in self.rest.char_indices() {
            let sign = number && matches!(c, '+' | '-') && self.rest[..i].ends_with(['e', 'E']);
            if !(c.is_alphanumeric() || matches!(c, '_' | '.') || sign) {
                break;
            }
            end = i + c.len_utf8();
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match (word, number) {
            ("", _) => Err(format!("`{first}` is not expected there")),
            (word, true) => word.parse().map(Formula::Number).map_err(|_| format!("`{word}` is no number")),
            (word, false) => Ok(Formula::Name(word.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64, String> {
        Formula::parse(text)?.evaluate(&mut |name| if name == "a.b" { Ok(0.1) } else { Err(format!("no {name}")) })
    }

    #[test]
    fn arithmetic() {
        assert_eq!(value("1 - a.b"), Ok(0.9));
        assert_eq!(value("1 - 2 - 3 * (4 - 2) / 2"), Ok(-4.0));
        assert_eq!(value("-1e-3*2"), Ok(-0.002));
        assert!(value("1 +").is_err() && value("(1").is_err() && value("1 2").is_err() && value("b").is_err());
        assert!(value(&"(".repeat(10_000)).is_err());
    }

    #[test]
    fn multiples() {
        assert_eq!(multiple("0.1x"), Some((0.1, None)));
        assert_eq!(multiple("2x learning_rate"), Some((2.0, Some("learning_rate"))));
        assert!(multiple("x").is_none() && multiple("max").is_none() && multiple("0x10").is_none());
    }
}
