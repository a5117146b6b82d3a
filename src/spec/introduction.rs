//! A commented spec for a program, from what its help says.

use super::axis::{RANDOM, RANGES};
use super::help::{Form, Habit, Help, ProgramOption, Stated};
use super::template::{Place, Template};
use crate::record::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

const SEEDS: [&str; 5] = ["seed", "random_seed", "rng_seed", "manual_seed", "global_seed"];
const FOLDERS: [&str; 10] = [
    "logdir",
    "log_dir",
    "outdir",
    "out_dir",
    "output_dir",
    "output_folder",
    "save_dir",
    "run_dir",
    "results_dir",
    "default_root_dir",
];
/// Folders where the help says that they are.
const FOLDERS_IF_SAID: [&str; 5] = ["out", "output", "logs", "results", "save"];
const RATES: [&str; 4] = ["lr", "learning_rate", "base_lr", "step_size"];

/// A spec, and what its author has to say yet.
pub struct Introduction {
    /// The file's text.
    pub text: String,
    /// Questions, one thought each.
    pub questions: Vec<String>,
}

/// A parameter as the spec has it.
struct Entry<'a> {
    name: String,
    option: &'a ProgramOption,
    value: Option<&'a Value>,
    /// Why its value stands in a comment.
    why: String,
}

/// Writes the spec of a program. `command` is the program alone, without places.
///
/// # Errors
/// Where `command` cannot be split into words or has places already, in words.
pub fn introduction(name: &str, command: &str, help: Option<&Help>) -> Result<Introduction, String> {
    let template = Template::parse(command).map_err(|error| error.to_string())?;
    if template.words().is_empty() || command.contains(['{', '}', '\n', '\r']) {
        return Err(
            "the command is to be the program alone, in one line and without places such as `{args}`".to_owned()
        );
    }
    let silent = Help { habit: Habit::Flags, options: Vec::new(), positional: Vec::new(), left_out: Vec::new() };
    let known = help.unwrap_or(&silent);
    let mut questions = Vec::new();
    if help.is_none() {
        questions
            .push(format!("`{command} --help` says nothing that was understood: write its parameters under `base:`"));
    }
    let seed =
        the_one(known, &mut questions, "seed", |option, name| SEEDS.contains(&name) && option.form == Form::Valued);
    let folder = the_one(known, &mut questions, "output folder", |option, name| {
        option.form == Form::Valued && (FOLDERS.contains(&name) || option.folder && FOLDERS_IF_SAID.contains(&name))
    });
    let spelled = spelling(known);
    let entries = entries(known, &[seed, folder], spelled, &mut questions);

    let mut text = format!(
        "# yaml-language-server: $schema=tessera.schema.json\nsweep: {name}\nabout: What is asked, in one line.\n"
    );
    let mut line = command.trim().to_owned();
    let joint = |name: &str| match known.habit {
        Habit::Flags => format!(" --{name} {{run.dir}}"),
        Habit::Fire => format!(" --{name}={{run.dir}}"),
        Habit::Hydra => format!(" {name}={{run.dir}}"),
    };
    if let Some(folder) = folder {
        line += &joint(&folder.name);
    }
    if known.habit == Habit::Hydra {
        line += &joint("hydra.run.dir");
    }
    line += match known.habit {
        Habit::Flags => " {args}",
        Habit::Fire => " {args:--k=v}",
        Habit::Hydra => " {args:k=v}",
    };
    let _ = writeln!(text, "command: {}", quoted(&line));
    let mut names: Vec<String> = entries
        .iter()
        .filter(|entry| entry.name != entry.option.name)
        .map(|entry| format!("{}: {}", key(&entry.name), quoted(&entry.option.name)))
        .collect();
    names.extend(seed.map(|seed| format!("seed: {}", quoted(&seed.name))));
    if !names.is_empty() {
        let _ = writeln!(text, "args: {{{}}}", names.join(", "));
    }
    match spelled {
        Form::Pair => text.push_str("spelling: {booleans: flag-or-no}\n"),
        Form::Valued if known.habit == Habit::Flags => text.push_str("spelling: {booleans: python}\n"),
        _ => {}
    }
    if folder.is_none() && known.habit != Habit::Hydra {
        text.push_str(
            "# Numbers are looked for in {run.dir}. No option for that folder was recognised: name it in the command, or let\n\
             # the program write into the folder that the variable TESSERA_RUN_DIR names.\n",
        );
        questions.push("no output folder was recognised: write `--NAME {run.dir}` into `command:`".to_owned());
    }
    for positional in &known.positional {
        let _ = writeln!(text, "# The program takes `{positional}` without a name: write it into the command.");
        questions.push(format!("the program takes `{positional}` without a name: write it into `command:`"));
    }
    for left_out in &known.left_out {
        let _ = writeln!(text, "# Left out, since it has no name that can be passed: {left_out}");
    }
    text.push_str(
        "\n# Which number are runs judged by, and is more of it better? It is one that the program logs.\n\
         # metric: {name: loss, goal: min, reduce: last}\n\n",
    );
    questions.push("which number are runs judged by? write it under `metric:`".to_owned());
    let chosen = entries.iter().position(|entry| entry.option.choices.len() > 1 && entry.value.is_some());
    write_base(&mut text, &entries, chosen);
    write_grid(&mut text, &entries, chosen.map(|i| &entries[i]), &mut questions);
    match seed {
        Some(_) => text.push_str("seeds: 2                               # 0 and 1; or a list\n"),
        None => {
            text.push_str("# No seed was recognised. `args: {seed: NAME}` passes it as --NAME, and then: seeds: 2\n");
            questions.push("no seed was recognised: `args: {seed: NAME}` passes it as `--NAME`".to_owned());
        }
    }
    text.push_str(
        "\n# resources: {gpu: 0.5, gpu_memory: 4 GiB, memory: 8 GiB, time: 2h}\n\
         resources: {cpu: 1}\n\
         on_failure: {oom: retry_alone, crash: retry 1}\n",
    );
    Ok(Introduction { text, questions })
}

/// The only option that fits; several are a question.
fn the_one<'a>(
    help: &'a Help,
    questions: &mut Vec<String>,
    what: &str,
    fits: impl Fn(&ProgramOption, &str) -> bool,
) -> Option<&'a ProgramOption> {
    let own = |name: &str| name.rsplit('.').next().unwrap_or(name).replace('-', "_").to_ascii_lowercase();
    let found: Vec<&ProgramOption> = help.options.iter().filter(|option| fits(option, &own(&option.name))).collect();
    match *found {
        [one] => Some(one),
        [] => None,
        _ => {
            let names: Vec<&str> = found.iter().map(|option| &*option.name).collect();
            questions.push(format!("several options may be the {what}: {}", names.join(", ")));
            None
        }
    }
}

/// How truth values are passed: a spec has one way, and options that want another stay comments.
fn spelling(help: &Help) -> Form {
    let has = |form| help.options.iter().any(|option| option.form == form);
    let valued = help
        .options
        .iter()
        .any(|option| option.form == Form::Valued && matches!(option.default, Stated::Value(Value::Bool(_))));
    match () {
        () if has(Form::Pair) => Form::Pair,
        () if has(Form::Flag) => Form::Flag,
        () if valued => Form::Valued,
        () => Form::Flag,
    }
}

fn entries<'a>(
    help: &'a Help,
    special: &[Option<&ProgramOption>],
    spelled: Form,
    questions: &mut Vec<String>,
) -> Vec<Entry<'a>> {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for option in &help.options {
        if special.iter().flatten().any(|one| one.name == option.name) {
            continue;
        }
        let name = if help.habit == Habit::Flags { option.name.replace('-', "_") } else { option.name.clone() };
        if !passable(&name) || !seen.insert(name.clone()) {
            questions.push(format!("`{}` cannot be a parameter's name here: pass it in `command:`", option.name));
            continue;
        }
        let (value, why) = match &option.default {
            Stated::Value(Value::Bool(_)) if help.habit == Habit::Flags && option.form != spelled => {
                (None, "its truth value is passed in another way than the others'".to_owned())
            }
            Stated::Value(value) => (Some(value), String::new()),
            Stated::Unsure(said) => (None, format!("its default, as the help has it: {said}")),
            Stated::Nothing if option.required => (None, "required".to_owned()),
            Stated::Nothing if option.form == Form::Flag => (None, "a flag".to_owned()),
            Stated::Nothing => (None, "its default is not said".to_owned()),
        };
        if value.is_none() && option.required {
            questions.push(format!("the program needs a value of `{name}`: write it under `base:`"));
        }
        entries.push(Entry { name, option, value, why });
    }
    // A name cannot be a value and hold others at once.
    let holds = |name: &str| seen.iter().any(|other| other.starts_with(&format!("{name}.")));
    for entry in &mut entries {
        if holds(&entry.name) && entry.value.take().is_some() {
            entry.why = "other names stand below it".to_owned();
        }
    }
    entries
}

fn passable(name: &str) -> bool {
    let words: Vec<&str> = name.split('.').collect();
    let plain = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    words.iter().all(plain)
        && !words[1..].iter().any(|word| *word == "kind" || RANGES.contains(word) || RANDOM.contains(word))
        && !matches!(name, "args" | "seed")
        && !Place::ALL.iter().any(|(place, _)| *place == name && name.contains('.'))
}

/// The entry `chosen` is an axis, and an axis without multiples would make its base value useless.
fn write_base(text: &mut String, entries: &[Entry], chosen: Option<usize>) {
    let some = entries.iter().enumerate().any(|(i, entry)| entry.value.is_some() && Some(i) != chosen);
    text.push_str(if some {
        "base:                                  # parameters that all runs share, with the program's defaults\n"
    } else {
        "base: {}                               # parameters that all runs share\n"
    });
    for (i, entry) in entries.iter().enumerate() {
        let setting = match entry.value {
            Some(value) if Some(i) == chosen => format!("  # {}: {}", key(&entry.name), written(value)),
            Some(value) => format!("  {}: {}", key(&entry.name), written(value)),
            None => format!("  # {}:", entry.name),
        };
        let mut notes: Vec<String> = Vec::new();
        notes.extend(Some(entry.option.about.clone()).filter(|about| !about.is_empty()));
        if !entry.option.choices.is_empty() {
            notes.push(format!("one of {}", entry.option.choices.join(", ")));
        }
        notes.extend(Some(entry.why.clone()).filter(|why| !why.is_empty()));
        notes.extend((Some(i) == chosen).then(|| "an axis below".to_owned()));
        match notes.is_empty() {
            true => text.push_str(&setting),
            false => _ = write!(text, "{setting:38} # {}", notes.join("; ")),
        }
        text.push('\n');
    }
    text.push('\n');
}

fn write_grid(text: &mut String, entries: &[Entry], chosen: Option<&Entry>, questions: &mut Vec<String>) {
    let own = |name: &str| name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let number = |entry: &Entry| entry.value.and_then(Value::as_f64).filter(|x| *x != 0.0);
    let mut axes = Vec::new();
    if let Some(rate) = entries.iter().find(|entry| RATES.contains(&&*own(&entry.name)) && number(entry).is_some()) {
        axes.push(format!("  {}: [1x, 0.1x]", key(&rate.name)));
    }
    if let Some(choice) = chosen {
        let choices: Vec<String> =
            choice.option.choices.iter().take(2).map(|text| written(&Value::Text(text.clone()))).collect();
        axes.push(format!("  {}: [{}]", key(&choice.name), choices.join(", ")));
    }
    for entry in entries {
        let fraction = number(entry).is_some_and(|x| x.fract() != 0.0);
        if axes.len() < 2 && fraction && !axes.iter().any(|axis| axis.starts_with(&format!("  {}:", key(&entry.name))))
        {
            axes.push(format!("  {}: [1x, 0.5x]", key(&entry.name)));
        }
    }
    if axes.is_empty() {
        text.push_str("# grid:                                # every combination of these axes\n#   NAME: [1, 2]\n");
        questions.push("no axis suggested itself: write what is to be compared under `grid:`".to_owned());
    } else {
        text.push_str("grid:                                  # every combination; an example, put yours here\n");
        text.push_str(&axes.join("\n"));
        text.push('\n');
    }
}

/// A name that YAML would read as something else has quotes.
fn key(name: &str) -> String {
    let word = matches!(&*name.to_ascii_lowercase(), "true" | "false" | "null");
    if word { format!("\"{name}\"") } else { name.to_owned() }
}

/// A value in YAML: JSON is that too.
fn written(value: &Value) -> String {
    match value {
        Value::Text(text) if safe(text) => text.clone(),
        Value::Text(text) => quoted(text),
        Value::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Whether a text is itself without quotes, and nothing that YAML or Tessera reads as something else.
fn safe(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/'))
        && !words.contains(&&*text.to_ascii_lowercase())
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '{' | '}' | '=');
    if text.contains(' ') && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain) {
        return text.trim().to_owned();
    }
    if safe(text) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
