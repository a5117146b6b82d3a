//! The parameters of a past run, from its event files: the HParams plugin, or a text named `train_args`.

use super::event_files::{find, texts};
use crate::record::{Parameters, Value};
use std::io;
use std::path::Path;

/// The parameters that the event files under a folder tell; texts count whose tag begins with `tag`.
///
/// # Errors
/// Where a file cannot be read.
pub fn hyperparameters(folder: &Path, tag: &str) -> io::Result<Parameters> {
    let mut files = Vec::new();
    find(folder, folder, 0, &mut files)?;
    let (mut told, mut written) = (Parameters::new(), Parameters::new());
    for (_, path) in files {
        texts(&path, |value| {
            if value.plugin == "hparams" && value.tag == b"_hparams_/session_start_info" {
                session_start(&value.content, &mut told);
            }
            if let Some(text) = &value.text
                && value.tag.starts_with(tag.as_bytes())
            {
                written.extend(arguments(&String::from_utf8_lossy(text)));
            }
        })?;
    }
    written.extend(told);
    Ok(written)
}

/// Reads arguments as people log them: JSON, `Namespace(a=1, b='x')`, a Markdown table, lines of `a: 1` or `a = 1`.
pub fn arguments(text: &str) -> Parameters {
    let text = text.trim().trim_matches('`').trim();
    let json = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    let mut parameters = Parameters::new();
    if let Ok(map) = json {
        flatten("", &map, &mut parameters);
        return parameters;
    }
    let inside = text.strip_prefix("Namespace(").and_then(|rest| rest.strip_suffix(')'));
    let braces = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inside.or(braces) {
        Some(inside) => {
            for entry in top_level(inside) {
                pair(&entry, if braces.is_some() { &[':'] } else { &['='] }, &mut parameters);
            }
        }
        None => {
            for line in text.lines().map(|line| line.trim().trim_matches('|').trim_start_matches(['-', '*', ' '])) {
                pair(line, &['|', ':', '='], &mut parameters);
            }
        }
    }
    parameters
}

/// Takes `name = value`; lines that say no name are passed over.
fn pair(line: &str, between: &[char], parameters: &mut Parameters) {
    let Some((name, value)) = line.split_once(between) else { return };
    let bare = |text: &str| text.trim().trim_matches(['\'', '"', '`', '*', '-']).trim().to_owned();
    let name = bare(name);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'));
    let heading =
        matches!(name.to_ascii_lowercase().as_str(), "" | "key" | "name" | "parameter" | "argument" | "hparam");
    if is_name && !heading {
        parameters.insert(name, literal(value.trim().trim_end_matches('|').trim()));
    }
}

/// A value as Python, JSON or YAML write it.
pub fn literal(text: &str) -> Value {
    match text {
        "True" | "true" => return Value::Bool(true),
        "False" | "false" => return Value::Bool(false),
        "None" | "null" => return Value::Null,
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Value::Integer(whole);
    }
    // `nan` and `inf` are words here.
    let number = text.parse::<f64>().ok().filter(|x| {
        x.is_finite() && text.starts_with(['-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    });
    if let Some(number) = number {
        return Value::Number(number);
    }
    if let Some(items) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let items: Vec<Value> = top_level(items).iter().map(|item| literal(item)).collect();
        if items.iter().all(|item| item.as_f64().is_some()) {
            return Value::List(items);
        }
    }
    Value::Text(text.trim_matches(['\'', '"']).to_owned())
}

/// Splits at commas outside of quotes and brackets.
fn top_level(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quote) = (vec![String::new()], 0_i32, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(' | '{') => depth += 1,
            (None, ']' | ')' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn flatten(prefix: &str, map: &serde_json::Map<String, serde_json::Value>, parameters: &mut Parameters) {
    for (key, value) in map {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let serde_json::Value::Object(inner) = value {
            flatten(&name, inner, parameters);
        } else if let Ok(value) = serde_json::from_value::<Value>(value.clone()) {
            let simple = !matches!(&value, Value::List(items) if items.iter().any(|item| item.as_f64().is_none()));
            parameters.insert(name, if simple { value } else { Value::Text(value.to_string()) });
        }
    }
}

/// HParamsPluginData { 3: SessionStartInfo { 1: map entry { 1: name, 2: google.protobuf.Value } } }
fn session_start(content: &[u8], parameters: &mut Parameters) {
    for info in fields(content).filter_map(|(n, field)| field.bytes(n == 3)) {
        for entry in fields(info).filter_map(|(n, field)| field.bytes(n == 1)) {
            let name = fields(entry).find_map(|(n, field)| field.bytes(n == 1));
            let value = fields(entry).find_map(|(n, field)| field.bytes(n == 2));
            let (Some(name), Some(value)) = (name, value) else { continue };
            let value = match fields(value).next() {
                Some((2, Field::Fixed(bits))) => Value::Number(f64::from_bits(bits)),
                Some((3, Field::Bytes(text))) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                Some((4, Field::Varint(b))) => Value::Bool(b != 0),
                _ => Value::Null,
            };
            if value.as_f64().is_none_or(f64::is_finite) {
                parameters.insert(String::from_utf8_lossy(name).into_owned(), value);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Field<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn bytes(self, wanted: bool) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) if wanted => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of a message in memory, up to the first that is malformed.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        let key = varint(&mut rest)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut rest)?),
            1 => Field::Fixed(u64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Field::Bytes(rest.split_off(..length)?)
            }
            _ => return None,
        };
        Some((key >> 3, field))
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_as_people_log_them() {
        let expected: Parameters = [
            ("lr", Value::Number(0.01)),
            ("method", Value::Text("two_losses".into())),
            ("whiten", Value::Bool(true)),
            ("sizes", Value::List(vec![Value::Integer(1), Value::Integer(2)])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        for text in [
            r#"{"lr": 0.01, "method": "two_losses", "whiten": true, "sizes": [1, 2]}"#,
            "{'lr': 0.01, 'method': 'two_losses', 'whiten': True, 'sizes': [1, 2]}",
            "Namespace(lr=0.01, method='two_losses', whiten=True, sizes=[1, 2])",
            "lr: 0.01\nmethod: two_losses\nwhiten: true\nsizes: [1, 2]\n",
            "|name|value|\n|----|-----|\n|lr|0.01|\n|method|two_losses|\n|whiten|True|\n|sizes|[1, 2]|",
        ] {
            assert_eq!(arguments(text), expected, "{text}");
        }
    }

    #[test]
    fn the_hparams_of_a_fixture() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pickup/runs/mixed");
        let parameters = hyperparameters(&folder, "train_args").unwrap();
        let spelled: Vec<String> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
        // torch's `add_hparams` writes a boolean as the number 1: a boolean is an integer in Python.
        assert_eq!(spelled, ["learning_rate=0.01", "lr=0.1", "method=lagrange", "whiten=1"]);
    }
}
