//! Parameters of a command that would reach it under one name: as one argument, or as one variable.

use super::Command;
use super::node::Node;
use std::collections::BTreeMap;

/// Variables of a command that mean something else, and what.
const TAKEN: [(&str, &str); 9] = [
    ("TESSERA_RUN_DIR", "the attempt's folder"),
    ("TESSERA_RUN_ID", "the run's id"),
    ("TESSERA_RUN_ATTEMPT", "the number of the attempt"),
    ("TESSERA_RUN", "the run's id"),
    ("TESSERA_RUN_AGENT", "the tessera that executes the run"),
    ("TESSERA_SPEC_DIR", "the folder of the spec"),
    ("TESSERA_PARAMETERS", "all parameters as JSON"),
    ("TESSERA_RESULTS", "the results folder"),
    ("TESSERA_LAB", "the program of the built-in trainers"),
];

/// Those that mean something else only in a command that goes on from a checkpoint.
const RESUMED: [(&str, &str); 2] =
    [("TESSERA_CHECKPOINT", "the checkpoint to go on from"), ("TESSERA_STEP", "the step to go on from")];

/// The variable of a parameter or a place: `TESSERA_OPTIMIZER_LR` of `optimizer.lr`.
pub fn variable(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    format!("TESSERA_{}", name.to_uppercase())
}

impl Command {
    /// The name under which a parameter is passed; none where `args:` says that it is not.
    pub fn argument(&self, name: &str) -> Option<String> {
        match self.names.get(name) {
            Some(other) => other.clone(),
            None if self.spelling.is_some_and(|spelling| spelling.dashes) => Some(name.replace('_', "-")),
            None => Some(name.to_owned()),
        }
    }

    /// The parameters, of these, that have a variable of their own: no other has it, and it means nothing else.
    pub fn with_variables<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Vec<&'n str> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        names.clone().for_each(|name| *counts.entry(variable(name)).or_default() += 1);
        names.filter(|name| counts[&variable(name)] == 1 && self.taken(name).is_none()).collect()
    }

    /// What else a parameter's variable means.
    fn taken(&self, name: &str) -> Option<&'static str> {
        let variable = variable(name);
        let resumed = RESUMED.iter().filter(|_| self.resume.is_some());
        TAKEN.iter().chain(resumed).find(|(taken, _)| *taken == variable).map(|(_, meaning)| *meaning)
    }
}

/// Refuses parameters that would be passed as one argument, and warns of those that have no variable.
pub(super) fn check(top: &Node, command: &Command, names: &[String]) {
    let mut arguments: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut variables: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names.iter().map(String::as_str) {
        let own = command.names.get(name).is_none() && command.template.parameters().any(|named| named == name);
        if let Some(argument) = command.argument(name).filter(|_| !own) {
            arguments.entry(argument).or_default().push(name);
        }
        variables.entry(variable(name)).or_default().push(name);
    }
    if let Some(Some(argument)) = command.names.get("seed")
        && !names.iter().any(|name| name == "seed")
    {
        arguments.entry(argument.clone()).or_default().push("seed");
    }
    arguments.retain(|_, names| names.len() > 1);
    variables.retain(|_, names| names.len() > 1);
    if command.template.has_arguments() {
        for (argument, names) in arguments {
            top.get("args").unwrap_or(*top).error_at_key(
                format!("`{}` are both passed as `{argument}`", names.join("` and `")),
                &format!("give one of them another name: `args: {{{}: NAME}}`", names[names.len() - 1]),
            );
        }
    }
    for (variable, names) in variables {
        written(top, names[names.len() - 1]).warning(
            format!("`{}` would both be `{variable}`, which is not set", names.join("` and `")),
            "a program that reads variables finds them in `TESSERA_PARAMETERS`, under their own names",
        );
    }
    for name in names {
        if let Some(meaning) = command.taken(name) {
            let variable = variable(name);
            written(top, name).warning(
                format!("`{variable}` is {meaning} and not the parameter `{name}`"),
                &format!("a program that reads variables finds `{name}` in `TESSERA_PARAMETERS`"),
            );
        }
    }
}

/// Where a parameter is written first, as far as its name stands there as a whole; else the top.
fn written<'a>(top: &Node<'a>, name: &str) -> Node<'a> {
    let sections = ["base", "grid", "zip"].iter().filter_map(|section| top.get(section));
    sections.into_iter().find_map(|section| section.get(name)).unwrap_or(*top)
}
