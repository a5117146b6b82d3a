//! Spells parameters as arguments, in the styles of argparse, click, Fire and Hydra.

use super::Attempt;
use crate::record::Value;
use crate::spec::{ArgumentStyle, Booleans, Command, Lists, Nothing, Piece, Spelling, Template};
use std::collections::BTreeSet;

/// How values are spelled where a spec does not say: `--k v` as argparse has it, `--k=v` as Fire, `k=v` as Hydra.
pub fn suggested(template: &Template) -> Spelling {
    let style = template.words().iter().flatten().find_map(|piece| match piece {
        Piece::Arguments(style) => style.as_ref(),
        _ => None,
    });
    match style {
        Some(ArgumentStyle { prefix, joint: Some(_) }) if prefix.starts_with('-') => Spelling::FIRE,
        Some(ArgumentStyle { joint: Some(_), .. }) => Spelling::HYDRA,
        _ => Spelling::ARGPARSE,
    }
}

/// All parameters that the template does not name itself, by name.
pub fn all(
    command: &Command,
    template: &Template,
    style: Option<&ArgumentStyle>,
    spelling: &Spelling,
    attempt: &Attempt,
) -> Vec<String> {
    let usual = ArgumentStyle { prefix: "--".to_owned(), joint: None };
    let writer = Writer { style: style.unwrap_or(&usual), spelling };
    let named: BTreeSet<&str> = template.parameters().collect();
    let seed = Value::Text(attempt.seed.to_string());
    let mut words = Vec::new();
    for (name, value) in attempt.parameters {
        if !command.names.contains_key(name) && named.contains(name.as_str()) {
            continue;
        }
        if let Some(argument) = command.argument(name) {
            writer.write(&argument, value, &mut words);
        }
    }
    if let Some(Some(name)) = command.names.get("seed") {
        writer.one(name, Some(&seed.to_string()), &mut words);
    }
    words
}

struct Writer<'a> {
    style: &'a ArgumentStyle,
    spelling: &'a Spelling,
}

impl Writer<'_> {
    fn write(&self, name: &str, value: &Value, words: &mut Vec<String>) {
        match (value, self.spelling.booleans, self.spelling.none, self.spelling.lists) {
            (Value::Bool(true), Booleans::Flag | Booleans::FlagOrNo, ..) => self.one(name, None, words),
            (Value::Bool(false), Booleans::Flag, ..) | (Value::Null, _, Nothing::Omit, _) => {}
            (Value::Bool(false), Booleans::FlagOrNo, ..) => self.one(&format!("no-{name}"), None, words),
            (Value::List(items), _, _, Lists::Repeat) => {
                items.iter().for_each(|item| self.one(name, Some(&spelled(item, self.spelling)), words));
            }
            (Value::List(items), _, _, Lists::Words) if self.style.joint.is_none() => {
                self.one(name, None, words);
                words.extend(items.iter().map(|item| among_words(item, self.spelling)));
            }
            _ => self.one(name, Some(&spelled(value, self.spelling)), words),
        }
    }

    /// `--k v`, `--k=v`, or a flag alone.
    fn one(&self, name: &str, value: Option<&str>, words: &mut Vec<String>) {
        let name = format!("{}{name}", self.style.prefix);
        match (value, self.style.joint) {
            (None, _) => words.push(name),
            (Some(value), Some(joint)) => words.push(format!("{name}{joint}{value}")),
            (Some(value), None) if self.style.prefix == "--" && looks_like_a_flag(value) => {
                words.push(format!("{name}={value}"));
            }
            (Some(value), None) => words.extend([name, value.to_owned()]),
        }
    }
}

/// A value of a list as a word of its own: a number that argparse would take for a flag has its decimals written out.
fn among_words(value: &Value, spelling: &Spelling) -> String {
    let word = spelled(value, spelling);
    match value {
        Value::Number(x) if looks_like_a_flag(&word) => format!("{x}"),
        _ => word,
    }
}

/// Whether argparse would take a value for a flag: it begins with `-` and is no plain number; `-1e-5` is none to it.
fn looks_like_a_flag(value: &str) -> bool {
    value.strip_prefix('-').is_some_and(|rest| {
        let digits = rest.replacen('.', "", 1);
        digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit())
    })
}

/// A value as one word.
pub fn spelled(value: &Value, spelling: &Spelling) -> String {
    match value {
        Value::Bool(b) => match spelling.booleans {
            Booleans::Python if *b => "True".to_owned(),
            Booleans::Python => "False".to_owned(),
            Booleans::Digit => u8::from(*b).to_string(),
            Booleans::Json | Booleans::Flag | Booleans::FlagOrNo => b.to_string(),
        },
        Value::Null if spelling.none == Nothing::Python => "None".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| spelled(item, spelling)).collect();
            match spelling.lists {
                Lists::Commas => items.join(","),
                Lists::Words | Lists::Repeat | Lists::Brackets => format!("[{}]", items.join(",")),
            }
        }
        // Where values are parsed, a text that would be read as something else is put in quotes.
        Value::Text(text) if spelling.lists == Lists::Brackets && needs_quotes(text) => {
            if spelling.none == Nothing::Json { quoted_for_hydra(text) } else { quoted_for_python(text) }
        }
        other => other.to_string(),
    }
}

fn needs_quotes(text: &str) -> bool {
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "none" | "null" | "nan" | "inf");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    word || !text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/')) || !text.chars().all(plain)
}

/// As Python reads it.
fn quoted_for_python(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{escaped}'")
}

/// As Hydra reads it: backslashes are special only before a quote, and `${` would name another value.
fn quoted_for_hydra(text: &str) -> String {
    let text = text.replace("${", "\\${");
    let mut out = String::from("'");
    let mut backslashes = 0;
    for c in text.chars() {
        match c {
            '\\' => backslashes += 1,
            '\'' => {
                out.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        out.push(c);
    }
    out.extend(std::iter::repeat_n('\\', backslashes));
    out.push('\'');
    out
}
