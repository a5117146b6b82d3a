//! Texts of defaults as values, where only one reading is possible.

use crate::record::Value;

/// A number as Python and people write it. A text such as `1.10` or `007` may be a version or a label, and a whole number
/// beyond 2⁵³ would lose digits: these are none.
pub(super) fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !plain || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let padded = (whole.len() > 1 && whole.starts_with('0')) || (decimals.len() > 1 && decimals.ends_with('0'));
    let x: f64 = text.parse().ok()?;
    if padded
        || !x.is_finite()
        || (x != 0.0 && x.abs() < f64::MIN_POSITIVE)
        || x.abs() > 9e15 && x.fract() == 0.0 && !digits.contains(['e', 'E'])
    {
        return None;
    }
    Some(Value::Number(x).canonical())
}

/// A literal of Python: a number, a text in quotes, a truth value, `None`, or a list or tuple of these.
pub(super) fn python(text: &str) -> Option<Value> {
    let text = text.trim();
    let listed = |open, close| text.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    match text {
        "True" => Some(Value::Bool(true)),
        "False" => Some(Value::Bool(false)),
        "None" => Some(Value::Null),
        _ => match listed('[', ']').or_else(|| listed('(', ')')) {
            Some(inner) => list(inner),
            None => number(text).or_else(|| quoted(text)),
        },
    }
}

/// Values with commas between them; texts in them hold no comma, bracket or quote.
pub(super) fn list(inner: &str) -> Option<Value> {
    let inner = inner.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Some(Value::List(Vec::new()));
    }
    let items = inner.split(',').map(|item| match python(item)? {
        Value::List(_) | Value::Null => None,
        Value::Text(text) if text.contains(['(', '[', ')', ']']) => None,
        value => Some(value),
    });
    items.collect::<Option<Vec<_>>>().map(Value::List)
}

fn quoted(text: &str) -> Option<Value> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\', '\n'])).then(|| Value::Text(inner.to_owned()))
}

/// A text without blanks and marks, which nobody writes as prose in brackets where a text is asked for.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':'))
}
