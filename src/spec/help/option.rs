//! What a program says of one of its options.

use crate::record::Value;

/// The library whose habits a help text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// argparse, and what builds on it; click, Typer and others that write `--k v` and `[default: v]`.
    Flags,
    /// Fire: `--k=v` with Python literals.
    Fire,
    /// Hydra: `k=v`.
    Hydra,
}

/// How an option takes a truth value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `--k v`.
    Valued,
    /// `--k v w`.
    List,
    /// `--k` alone.
    Flag,
    /// `--k` and `--no-k`.
    Pair,
    /// Something else, which is left to the reader.
    Other,
}

/// What is said of a default.
#[derive(Clone, Debug, PartialEq)]
pub enum Stated {
    /// A value that can be passed as it stands.
    Value(Value),
    /// A text that may be a value or prose.
    Unsure(String),
    /// Nothing.
    Nothing,
}

/// An option of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramOption {
    /// Its name as it is passed, without dashes before it.
    pub name: String,
    /// How it takes its value.
    pub form: Form,
    /// What is said of its default.
    pub default: Stated,
    /// The values that it may have, where it says them.
    pub choices: Vec<String>,
    /// Whether the program needs it.
    pub required: bool,
    /// Whether its value is a folder by what is said of it.
    pub folder: bool,
    /// What it is, in the program's words; one line.
    pub about: String,
}

/// What a help text was understood to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Help {
    /// The library that wrote it.
    pub habit: Habit,
    /// The options, in the program's order.
    pub options: Vec<ProgramOption>,
    /// Arguments without a name that the program takes.
    pub positional: Vec<String>,
    /// Options that cannot be passed as `--name`, in the program's words.
    pub left_out: Vec<String>,
}

/// One line of plain text, at most 70 characters: what a program prints may be anything.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    match plain.char_indices().nth(70) {
        Some((end, _)) => format!("{}…", plain[..end].trim_end()),
        None => plain,
    }
}
