//! Reads the keys of `command:`: any program as a trainer.

use super::command::{Checkpoints, Command, Metrics, MetricsSource, Spelling};
use super::node::Node;
use super::template::{Place, Template, Word, pieces};
use super::{Booleans, Description, Kind, Lists, Nothing, Parameter, Quantity};
use crate::record::Value;
use indexmap::IndexMap;

/// Reads a command and its options.
pub(super) fn read(top: &Node, command: &Node) -> Option<Command> {
    let list = |key: &str| -> Vec<String> {
        top.get(key).iter().flat_map(Node::items).filter_map(|item| item.text()).collect()
    };
    Some(Command {
        template: template(command)?,
        resume: top.get("resume").and_then(|node| template(&node)),
        environment: entries(top, "environment").into_iter().filter_map(|(k, node)| Some((k, word(&node)?))).collect(),
        directory: top.get("directory").and_then(|node| word(&node)),
        virtual_environment: top.get("virtual_environment").and_then(|node| node.text()),
        setup: list("setup"),
        names: entries(top, "args").into_iter().filter_map(|(k, node)| Some((k, argument_name(&node)?))).collect(),
        spelling: top.get("spelling").and_then(|node| spelling(&node)),
        metrics: top.get("metrics").map(|node| metrics(&node)).unwrap_or_default(),
        checkpoints: top.get("checkpoints").and_then(|node| checkpoints(&node)),
        code: list("code"),
    })
}

/// Checks what can only be checked with the parameters known.
pub(super) fn check(top: &Node, command: &Command, names: &[String], seeds: usize, strict: bool) {
    let mut templates = vec![("command", &command.template)];
    templates.extend(command.resume.as_ref().map(|resume| ("resume", resume)));
    for (key, template) in templates {
        let Some(node) = top.get(key) else { continue };
        for name in template.parameters() {
            if !names.iter().any(|known| known == name) && !strict {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                node.error(
                    format!("`{{{name}}}` names a parameter that the spec gives nothing"),
                    &super::node::suggestion(name, &known),
                );
            }
        }
        for (name, place) in Place::ALL {
            if template.names(place) && names.iter().any(|known| known == name) {
                node.error(
                    format!("`{{{name}}}` is a place of the command, and the spec has a parameter `{name}` too"),
                    &format!("write `{{param.{name}}}` for the parameter's value, or rename the parameter"),
                );
            }
        }
        if key == "command" && !template.has_arguments() && template.parameters().next().is_none() && !names.is_empty()
        {
            node.warning(
                "the command has no place for its parameters".to_owned(),
                "`{args}` becomes `--name value` for each; `{name}` is one value; all stand in `TESSERA_*` too",
            );
        }
    }
    let seeded = command.template.names(Place::Seed)
        || command.names.get("seed").is_some_and(Option::is_some)
        || command.environment.values().flatten().any(|piece| *piece == super::Piece::Place(Place::Seed));
    if seeds > 1 && !seeded {
        let node = top.get("seeds").unwrap_or(*top);
        node.error_at_key(
            format!("{seeds} seeds, and the command takes none: its runs would be equal"),
            "put `{seed}` into `command:`, or write `args: {seed: NAME}` for `--NAME 0`",
        );
    }
}

/// `parameters:` what the command says of itself; nothing where it says nothing.
pub(super) fn declared(top: &Node, trainer: &str) -> Description {
    let mut description = Description::silent(trainer);
    let Some(node) = top.get("parameters") else { return description };
    for (name, node) in node.entries() {
        description.parameters.extend(parameter(&name, &node));
    }
    description.metrics = Vec::<Quantity>::new();
    description
}

fn parameter(name: &str, node: &Node) -> Option<Parameter> {
    const KINDS: [(&str, Kind); 7] = [
        ("integer", Kind::Integer),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
        ("choice", Kind::Choice),
        ("text", Kind::Text),
        ("path", Kind::Path),
        ("list", Kind::List),
    ];
    let mut parameter = Parameter {
        name: name.to_owned(),
        kind: Kind::Text,
        unit: None,
        default: None,
        minimum: None,
        above: None,
        maximum: None,
        choices: Vec::new(),
        active: None,
        identity: true,
        about: String::new(),
    };
    if node.map().is_none() {
        // `batch_size: 32` is its default, which says what kind it is.
        let default = node.plain()?;
        parameter.kind = kind_of(&default).or_else(|| {
            node.error(format!("expected a default or a map, found {}", node.found()), "");
            None
        })?;
        parameter.default = Some(default);
        return Some(parameter);
    }
    node.check_keys(&[
        "kind", "unit", "default", "minimum", "above", "maximum", "choices", "active", "identity", "about",
    ]);
    let default = node.get("default").and_then(|node| node.plain());
    parameter.choices = node.get("choices").iter().flat_map(Node::items).filter_map(|item| item.text()).collect();
    parameter.kind = match node.get("kind") {
        Some(kind) => KINDS[kind.choice(&KINDS.map(|(word, _)| word))?].1,
        None if !parameter.choices.is_empty() => Kind::Choice,
        None => match default.as_ref().and_then(kind_of) {
            Some(kind) => kind,
            None => {
                node.error_at_key(
                    format!("nothing says what kind `{name}` is"),
                    &format!("kinds: {}", KINDS.map(|(word, _)| word).join(", ")),
                );
                return None;
            }
        },
    };
    let number = |key: &str| node.get(key).and_then(|node| node.number());
    parameter.unit = node.get("unit").and_then(|node| node.text());
    (parameter.minimum, parameter.above, parameter.maximum) = (number("minimum"), number("above"), number("maximum"));
    parameter.identity = node.get("identity").and_then(|node| node.boolean()).unwrap_or(true);
    parameter.about = node.get("about").and_then(|node| node.text()).unwrap_or_default();
    if let Some(active) = node.get("active") {
        let text = active.text()?;
        match super::Condition::parse(&text) {
            Ok(condition) => parameter.active = Some(condition),
            Err(wrong) => active.error(wrong, "comparisons `== != < <= > >=`, joined by `and` and `or`"),
        }
    }
    if let Some(default) = default {
        match parameter.check(&default) {
            Ok(default) => parameter.default = Some(default),
            Err((message, help)) => node.get("default").iter().for_each(|node| node.error(message.clone(), &help)),
        }
    }
    Some(parameter)
}

fn kind_of(value: &Value) -> Option<Kind> {
    Some(match value {
        Value::Bool(_) => Kind::Boolean,
        Value::Integer(_) => Kind::Integer,
        Value::Number(_) => Kind::Number,
        Value::Text(_) => Kind::Text,
        Value::List(_) => Kind::List,
        Value::Null | Value::Map(_) => return None,
    })
}

fn entries<'a>(top: &Node<'a>, key: &str) -> IndexMap<String, Node<'a>> {
    top.get(key).map(|node| node.entries().into_iter().collect()).unwrap_or_default()
}

fn template(node: &Node) -> Option<Template> {
    let text = node.text()?;
    Template::parse(&text).map_err(|error| node.error(error.to_string(), "")).ok()
}

fn word(node: &Node) -> Option<Word> {
    let text = node.text()?;
    pieces(&text).map_err(|error| node.error(error.to_string(), "")).ok()
}

/// A name on the command line; null: not passed.
#[expect(clippy::option_option, reason = "a mistake, not passed, a name")]
fn argument_name(node: &Node) -> Option<Option<String>> {
    if node.value.is_null() { Some(None) } else { node.text().map(Some) }
}

fn spelling(node: &Node) -> Option<Spelling> {
    if node.map().is_none() {
        return Some(Spelling::ALL[node.choice(&Spelling::ALL.map(|(word, _)| word))?].1);
    }
    node.check_keys(&["style", "booleans", "none", "lists", "dashes"]);
    let mut spelling = match node.get("style") {
        Some(style) => Spelling::ALL[style.choice(&Spelling::ALL.map(|(word, _)| word))?].1,
        None => Spelling::ARGPARSE,
    };
    let choice = |key: &str, words: &[&str]| node.get(key).and_then(|node| node.choice(words));
    if let Some(i) = choice("booleans", &["flag", "flag-or-no", "python", "json", "digit"]) {
        spelling.booleans = [Booleans::Flag, Booleans::FlagOrNo, Booleans::Python, Booleans::Json, Booleans::Digit][i];
    }
    if let Some(i) = choice("none", &["omit", "python", "json"]) {
        spelling.none = [Nothing::Omit, Nothing::Python, Nothing::Json][i];
    }
    if let Some(i) = choice("lists", &["words", "repeat", "commas", "brackets"]) {
        spelling.lists = [Lists::Words, Lists::Repeat, Lists::Commas, Lists::Brackets][i];
    }
    if let Some(dashes) = node.get("dashes").and_then(|node| node.boolean()) {
        spelling.dashes = dashes;
    }
    Some(spelling)
}

fn metrics(node: &Node) -> Metrics {
    if node.map().is_none() {
        return Metrics { source: source(node), ..Metrics::default() };
    }
    node.check_keys(&["from", "step", "tags", "stop_on_nan"]);
    let patterns = |key: &str| node.get(key).iter().flat_map(Node::items).filter_map(|item| pattern(&item)).collect();
    Metrics {
        source: node.get("from").and_then(|from| source(&from)),
        step: node.get("step").and_then(|step| step.text()).map(|step| step.to_string()),
        tags: patterns("tags"),
        stop_on_nan: patterns("stop_on_nan"),
    }
}

fn source(node: &Node) -> Option<MetricsSource> {
    let text = node.text()?;
    let glob =
        |text: &str| glob::Pattern::new(text).map_err(|error| node.error(format!("no pattern: {error}"), "")).ok();
    Some(match &*text {
        "tensorboard" => MetricsSource::TensorBoard,
        "events" => MetricsSource::Events,
        "csv" => MetricsSource::Csv(glob("metrics.csv")?),
        "jsonl" => MetricsSource::JsonLines(glob("*.jsonl")?),
        path if path.ends_with(".csv") => MetricsSource::Csv(glob(path)?),
        path if path.ends_with(".jsonl") || path.ends_with(".json") => MetricsSource::JsonLines(glob(path)?),
        _ => {
            node.error(
                format!("`{text}` is no source of numbers"),
                "`tensorboard`, `events`, `csv`, `jsonl`, or a pattern like `logs/*.csv`",
            );
            return None;
        }
    })
}

fn pattern(node: &Node) -> Option<glob::Pattern> {
    let text = node.text()?;
    glob::Pattern::new(&text)
        .map_err(|error| node.error(format!("no pattern: {error}"), "`*` and `?` stand for anything"))
        .ok()
}

fn checkpoints(node: &Node) -> Option<Checkpoints> {
    if node.map().is_none() {
        return pattern(node).map(|pattern| Checkpoints { pattern, keep: None, step: None });
    }
    node.check_keys(&["match", "keep", "step"]);
    let Some(found) = node.get("match") else {
        node.error("`checkpoints` needs `match`".to_owned(), "`checkpoints: {match: 'step-*.pt', keep: 2}`");
        return None;
    };
    let keep = node.get("keep").and_then(|node| node.whole()).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let step = node.get("step").and_then(|step| step_of_name(&step));
    Some(Checkpoints { pattern: pattern(&found)?, keep, step })
}

/// `model_{step}.pt`, with `*` for anything: where a file's name has its step.
fn step_of_name(node: &Node) -> Option<regex::Regex> {
    let text = node.text()?;
    let Some((before, after)) = text.split_once("{step}") else {
        let help = "`checkpoints: {match: 'model_*.pt', step: 'model_{step}.pt'}`";
        node.error("`step` of checkpoints needs the place `{step}` of the number".to_owned(), help);
        return None;
    };
    let part = |text: &str| regex::escape(text).replace(r"\*", ".*");
    let pattern = format!(r"^{}(\d+){}$", part(before), part(after));
    regex::Regex::new(&pattern).map_err(|error| node.error(format!("no pattern: {error}"), "")).ok()
}
