//! Help texts of Hydra: the program's configuration in YAML.

use super::literal::is_word;
use super::option::{Form, Habit, Help, ProgramOption, Stated, one_line};
use crate::record::Value;
use serde_yaml::Value as Yaml;

/// Reads the configuration between its two lines; nothing where it is no map.
pub(super) fn read(text: &str) -> Option<Help> {
    let (before, rest) = text.split_once("Override anything in the config (foo.bar=value)")?;
    let (configuration, _) = rest.split_once("Powered by Hydra")?;
    let Ok(Yaml::Mapping(map)) = serde_yaml::from_str(configuration) else { return None };
    let mut help = Help { habit: Habit::Hydra, options: Vec::new(), positional: Vec::new(), left_out: Vec::new() };
    let groups = groups(before);
    for (group, choices) in &groups {
        let about = "a group of configurations; the names below it are those of its choice".to_owned();
        help.options.push(ProgramOption { choices: choices.clone(), about, ..named(group.clone()) });
    }
    for (key, value) in &map {
        add(key, value, "", &groups, &mut help);
    }
    Some(help)
}

fn named(name: String) -> ProgramOption {
    ProgramOption {
        name,
        form: Form::Valued,
        default: Stated::Nothing,
        choices: Vec::new(),
        required: false,
        folder: false,
        about: String::new(),
    }
}

/// `optimizer: adam, sgd` of the section of groups.
fn groups(before: &str) -> Vec<(String, Vec<String>)> {
    let Some((_, section)) = before.split_once("(group=option)") else { return Vec::new() };
    let lines = section.lines().take_while(|line| !line.starts_with("=="));
    let entry = |line: &str| {
        let (group, choices) = line.split_once(": ")?;
        Some((
            group.replace('/', "."),
            choices.split(", ").filter(|choice| is_word(choice)).map(str::to_owned).collect(),
        ))
    };
    lines.filter_map(entry).collect()
}

fn add(key: &Yaml, value: &Yaml, above: &str, groups: &[(String, Vec<String>)], help: &mut Help) {
    let Yaml::String(key) = key else {
        help.left_out.push(one_line(&format!("{above}{key:?}")));
        return;
    };
    let name = format!("{above}{key}");
    if let Yaml::Mapping(map) = value {
        map.iter().for_each(|(key, value)| add(key, value, &format!("{name}."), groups, help));
        return;
    }
    let chosen = groups.iter().any(|(group, _)| name.starts_with(&format!("{group}.")));
    let default = match value {
        Yaml::String(text) if text == "???" => Stated::Nothing,
        _ => match plain(value) {
            Some(value) if !chosen => Stated::Value(value),
            _ => Stated::Unsure(one_line(&serde_yaml::to_string(value).unwrap_or_default())),
        },
    };
    let required = matches!(value, Yaml::String(text) if text == "???");
    help.options.push(ProgramOption { default, required, ..named(name) });
}

/// A value that is what it says; `${…}` is computed from others.
fn plain(value: &Yaml) -> Option<Value> {
    match value {
        Yaml::Null => Some(Value::Null),
        Yaml::Bool(b) => Some(Value::Bool(*b)),
        Yaml::Number(n) => match n.as_i64() {
            Some(i) => Some(Value::Integer(i)),
            None => n.as_f64().filter(|x| x.is_finite()).map(|x| Value::Number(x).canonical()),
        },
        Yaml::String(text) => (!text.contains("${")).then(|| Value::Text(text.clone())),
        Yaml::Sequence(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(Value::List),
        _ => None,
    }
}
