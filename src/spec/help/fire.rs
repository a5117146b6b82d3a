//! Help texts of Fire: sections of `--name=NAME` with a literal of Python as the default.

use super::literal::python;
use super::option::{Form, Habit, Help, ProgramOption, Stated, one_line};

/// Reads the flags; arguments of a function may be given by name too. Nothing where the program has only commands.
pub(super) fn read(text: &str) -> Option<Help> {
    let mut help = Help { habit: Habit::Fire, options: Vec::new(), positional: Vec::new(), left_out: Vec::new() };
    let mut section = "";
    for line in text.lines() {
        let depth = line.len() - line.trim_start_matches(' ').len();
        let said = line.trim();
        match (section, depth) {
            (_, 0) if !said.is_empty() => section = said,
            ("COMMANDS" | "GROUPS", _) if !said.is_empty() => return None,
            ("FLAGS" | "POSITIONAL ARGUMENTS" | "ARGUMENTS", 4) => match name_of(said, section == "FLAGS") {
                Some(name) => help.options.push(ProgramOption {
                    name,
                    form: Form::Valued,
                    default: Stated::Nothing,
                    choices: Vec::new(),
                    required: section != "FLAGS",
                    folder: false,
                    about: String::new(),
                }),
                None if said.starts_with('-') => help.left_out.push(one_line(said)),
                None => {}
            },
            ("FLAGS" | "POSITIONAL ARGUMENTS" | "ARGUMENTS", 8) => {
                let Some(option) = help.options.last_mut() else { continue };
                if let Some(default) = said.strip_prefix("Default: ") {
                    option.default = match python(default) {
                        Some(value) => Stated::Value(value),
                        None => Stated::Unsure(one_line(default)),
                    };
                } else if !said.starts_with("Type: ") && option.about.is_empty() {
                    option.about = one_line(said);
                }
            }
            _ => {}
        }
    }
    Some(help)
}

fn name_of(said: &str, flag: bool) -> Option<String> {
    if !flag {
        let plain = said.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return (plain && !said.is_empty()).then(|| said.to_ascii_lowercase());
    }
    let long = said.split(", ").find_map(|part| part.strip_prefix("--"))?;
    long.split_once('=').map(|(name, _)| name.to_owned())
}
