//! Help texts of programs: which options they say, and with which defaults. What can be read in two ways is not read.

mod fire;
mod flags;
mod hydra;
mod literal;
mod option;

pub use option::{Form, Habit, Help, ProgramOption, Stated};

/// What `--help` of a program says; nothing where its habits are unknown or it has commands of its own.
pub fn read_help(text: &str) -> Option<Help> {
    let text = plain(text);
    if text.contains("Powered by Hydra") && text.contains("== Config ==") {
        hydra::read(&text)
    } else if text.contains("\nSYNOPSIS\n") && text.contains("NAME\n") {
        fire::read(&text)
    } else {
        flags::read(&text)
    }
}

/// The text without colours, frames and tabs.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.by_ref().skip(1).find(char::is_ascii_alphabetic);
            }
            '\t' => out.push_str("        "),
            '│' | '╭' | '╰' | '╮' | '╯' | '─' => out.push(' '),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
