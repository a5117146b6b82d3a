//! Help texts with a line `--name VALUE  what it is (default: 3)` for each option: argparse, simple-parsing, click, Typer.

use super::literal::{is_word, list, number, python};
use super::option::{Form, Habit, Help, ProgramOption, Stated, one_line};
use crate::record::Value;

/// Options that libraries add.
const OWN: [&str; 4] = ["help", "version", "install-completion", "show-completion"];

/// Reads the options; nothing where the text has none, or where the program has commands of its own.
pub(super) fn read(text: &str) -> Option<Help> {
    let mut help = Help { habit: Habit::Flags, options: Vec::new(), positional: Vec::new(), left_out: Vec::new() };
    let mut section = String::new();
    let mut block: Option<(usize, String, String)> = None;
    let usage = usage(text);
    for line in text.lines().chain([""]) {
        let depth = line.len() - line.trim_start_matches(' ').len();
        let said = line.trim();
        let begins = said.starts_with('-') && (1..=8).contains(&depth) && block.as_ref().is_none_or(|b| depth <= b.0);
        if said.is_empty() || depth == 0 || begins {
            finish(block.take(), &usage, &mut help);
        }
        if depth == 0 && !said.is_empty() {
            section = said.to_ascii_lowercase();
        }
        if section.starts_with("commands:")
            || (section.starts_with("positional") && depth == 2 && said.starts_with('{'))
        {
            return None;
        }
        if begins {
            let (invocation, rest) = said.split_once("  ").unwrap_or((said, ""));
            block = Some((depth, invocation.to_owned(), rest.trim().to_owned()));
        } else if let Some((_, _, about)) = block.as_mut().filter(|block| depth > block.0) {
            about.push('\n');
            about.push_str(said);
        } else if (section.starts_with("positional") || section == "arguments:") && depth == 2 {
            help.positional.extend(said.split_whitespace().next().map(one_line));
        }
    }
    (!help.options.is_empty() || !help.left_out.is_empty()).then_some(help)
}

/// The usage of argparse without what stands in brackets: what is left is required.
fn usage(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with("usage: ")).take_while(|line| !line.trim().is_empty());
    let mut depth = 0_usize;
    let mut bare = String::new();
    for c in lines.collect::<Vec<_>>().join(" ").chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

fn finish(block: Option<(usize, String, String)>, usage: &str, help: &mut Help) {
    let Some((_, invocation, about)) = block else { return };
    let names = Invocation::read(&invocation);
    let long: Vec<&str> = names.names.iter().filter_map(|name| name.strip_prefix("--")).collect();
    if names.names.iter().any(|name| name == "-h") || long.iter().any(|name| OWN.contains(name)) {
        return;
    }
    let valid = |name: &&&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let Some(name) = long.iter().find(valid) else {
        help.left_out.push(one_line(&invocation));
        return;
    };
    let name = (*name).to_owned();
    let (choices, form) = names.form(&name, &long);
    let default = default(&about, &names.value, &choices, form, &name);
    let flag = format!("--{name}");
    let required = about.contains("[required]")
        || about.contains("; required]")
        || usage.split([' ', '=']).any(|word| word == flag);
    let folder = matches!(&*names.value, "DIRECTORY" | "DIR" | "FOLDER") || {
        let about = about.to_ascii_lowercase();
        ["directory", "folder"].iter().any(|word| about.contains(word))
    };
    let words = about.rfind("(default").or_else(|| about.rfind("[default")).map_or(&*about, |end| &about[..end]);
    let about = one_line(&words.replace("[required]", ""));
    let about = about.trim_end_matches(['.', ';', ' ']).to_owned();
    help.options.push(ProgramOption { name, form, default, choices, required, folder, about });
}

/// `-l LR, --lr LR`, `--whiten / --no-whiten`.
struct Invocation {
    names: Vec<String>,
    value: String,
    slashed: bool,
}

impl Invocation {
    fn read(text: &str) -> Self {
        let slashed = text.contains(" / -");
        let mut read = Self { names: Vec::new(), value: String::new(), slashed };
        for part in text.replace(" / -", ", -").replace(", -", "\n-").lines() {
            let (name, value) = part.split_once([' ', '=']).unwrap_or((part, ""));
            read.names.push(name.trim().to_owned());
            if !value.trim().is_empty() {
                read.value = value.trim().to_owned();
            }
        }
        read
    }

    fn form(&self, name: &str, long: &[&str]) -> (Vec<String>, Form) {
        let value = &*self.value;
        if value.is_empty() {
            let pair = long.iter().any(|other| *other == format!("no-{name}"));
            return (
                Vec::new(),
                if pair {
                    Form::Pair
                } else if self.slashed {
                    Form::Other
                } else {
                    Form::Flag
                },
            );
        }
        let inner = |open, close| value.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
        let (between, separator) = match (inner('{', '}'), inner('[', ']').or_else(|| inner('<', '>'))) {
            (Some(inner), _) => (inner, ','),
            (None, Some(inner)) => (inner, '|'),
            (None, None) => ("", ','),
        };
        if between.contains(separator) && between.split(separator).all(is_word) {
            return (between.split(separator).map(str::to_owned).collect(), Form::Valued);
        }
        let words: Vec<&str> = value.split(' ').collect();
        let form = match &*words {
            _ if value.ends_with("...]") => Form::List,
            ["INTEGER" | "FLOAT", "RANGE"] => Form::Valued,
            [word] if !word.starts_with(['[', '{']) => Form::Valued,
            [first, rest @ ..] if rest.iter().all(|word| word == first) => Form::List,
            _ => Form::Other,
        };
        (Vec::new(), form)
    }
}

/// What stands after `default:` in the last brackets.
fn default(about: &str, value: &str, choices: &[String], form: Form, name: &str) -> Stated {
    let round = about.rfind("(default: ").map(|at| (at, &about[at + "(default: ".len()..], true));
    let square = about.rfind('[').and_then(|at| {
        let inner = &about[at..];
        inner.find("default:").map(|begin| (at, &inner[begin + "default:".len()..], false))
    });
    let Some((_, rest, round)) = [round, square].into_iter().flatten().max_by_key(|(at, ..)| *at) else {
        return Stated::Nothing;
    };
    let close = if round { rest.rfind(')') } else { rest.find(']') };
    let Some(close) = close else { return Stated::Unsure(one_line(rest)) };
    let said = match round {
        true => &rest[..close],
        false => rest[..close].split(';').next().unwrap_or_default(),
    };
    let said = said.trim();
    let alone = rest[close + 1..].trim().is_empty() || (!round && rest[close + 1..].trim() == "[required]");
    let unsure = || if said == "None" { Stated::Nothing } else { Stated::Unsure(one_line(said)) };
    // What a line was broken in may have been one blank or several.
    if !alone || said.contains('\n') {
        return unsure();
    }
    let text = matches!(value, "TEXT" | "STR" | "str" | "<str>" | "PATH" | "<path>" | "DIRECTORY" | "FILE");
    let found = match (form, said) {
        (Form::Pair, _) if said == name => Some(Value::Bool(true)),
        (Form::Pair, _) if said.strip_prefix("no-") == Some(name) => Some(Value::Bool(false)),
        // A flag that is on by default turns something off: what it means to pass it is not said.
        (Form::Flag, "False") => Some(Value::Bool(false)),
        (Form::Pair, "True" | "False") => python(said),
        (Form::List, _) => said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(list),
        (Form::Valued, _) if !choices.is_empty() => choices
            .iter()
            .any(|choice| choice == said)
            .then(|| number(said).unwrap_or_else(|| Value::Text(said.to_owned()))),
        (Form::Valued, "True" | "False") if matches!(value, "bool" | "BOOLEAN" | "<bool>") => python(said),
        (Form::Valued, _) if text => {
            (said != "None" && (is_word(said) || !round)).then(|| Value::Text(said.to_owned()))
        }
        (Form::Valued, _) => number(said),
        _ => None,
    };
    found.map_or_else(unsure, Stated::Value)
}
