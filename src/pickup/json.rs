//! Lines of JSON with numbers in them, as programs write them: nested maps, Python's bare `NaN` and `Infinity`.

use serde_json::Value;

/// Names under which they write the time, in seconds since 1970.
pub const TIMES: [&str; 4] = ["wall_time", "_timestamp", "timestamp", "time"];

/// Reads a line; none if it is no JSON object.
pub fn object(line: &str) -> Option<serde_json::Map<String, Value>> {
    let value = serde_json::from_str(line).or_else(|_| serde_json::from_str(&quote_bare(line)));
    match value {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// The numbers of an object by name, nested names joined by dots.
/// `text`: what is said of a text that is no number.
pub fn numbers(
    map: &serde_json::Map<String, Value>,
    prefix: &str,
    out: &mut Vec<(String, f64)>,
    text: &mut impl FnMut(&str, &str),
) {
    for (key, value) in map {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) => numbers(inner, &name, out, text),
            value => match (number(value), value) {
                (Some(number), _) => out.push((name, number)),
                (None, Value::String(found)) => text(&name, found),
                (None, _) => {}
            },
        }
    }
}

/// The number that a value is; the words for what is not finite count.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => match s.as_str() {
            "NaN" | "nan" => Some(f64::NAN),
            "Infinity" | "inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
            // Numbers written as texts are numbers.
            text => text.trim().parse().ok(),
        },
        _ => None,
    }
}

/// Takes the time out of a row's numbers.
pub fn time(numbers: &mut Vec<(String, f64)>) -> Option<f64> {
    // Smaller numbers are times since the beginning: a metric like any other.
    let place = TIMES.iter().find_map(|time| numbers.iter().position(|(name, x)| name == time && *x > 1e9))?;
    Some(numbers.remove(place).1)
}

/// Takes the column `elapsed` out of a row's numbers: seconds since the run began, as tessera itself writes them.
pub fn elapsed(numbers: &mut Vec<(String, f64)>) -> Option<f64> {
    let place = numbers.iter().position(|(name, _)| name == "elapsed")?;
    Some(numbers.remove(place).1)
}

/// The rows of a text that is one JSON array of objects; none if it is something else.
pub fn array(text: &str) -> Option<Vec<serde_json::Map<String, Value>>> {
    match serde_json::from_str(text).or_else(|_| serde_json::from_str(&quote_bare(text))).ok()? {
        Value::Array(items) => {
            items.into_iter().map(|item| if let Value::Object(map) = item { Some(map) } else { None }).collect()
        }
        _ => None,
    }
}

/// Puts quotes around `NaN`, `Infinity` and `-Infinity` outside of strings.
fn quote_bare(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let (mut rest, mut inside) = (line, false);
    while let Some(c) = rest.chars().next() {
        if !inside && let Some(word) = ["NaN", "Infinity", "-Infinity"].iter().find(|word| rest.starts_with(**word)) {
            out.extend(["\"", word, "\""]);
            rest = &rest[word.len()..];
            continue;
        }
        let mut length = c.len_utf8();
        if inside && c == '\\' {
            length += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if c == '"' {
            inside = !inside;
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_as_python_writes_it() {
        let map = object(r#"{"step": 3, "loss": NaN, "eval": {"acc": 0.5, "top": -Infinity}, "note": "a NaN \" NaN"}"#);
        let mut row = Vec::new();
        let mut texts = Vec::new();
        numbers(&map.unwrap(), "", &mut row, &mut |name, text| texts.push(format!("{name}: {text}")));
        assert_eq!(texts, ["note: a NaN \" NaN"]);
        assert_eq!(time(&mut row), None);
        assert_eq!(format!("{row:?}"), r#"[("step", 3.0), ("loss", NaN), ("eval.acc", 0.5), ("eval.top", -inf)]"#);
        assert!(object("[1]").is_none() && object("{\"a\": ").is_none());
    }
}
