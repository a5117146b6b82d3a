//! `tessera docs DIR`: writes the reference of the command line from the commands themselves.

use crate::error::{Error, ExitCode};
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;
use std::path::PathBuf;

/// Write the reference of the command line: `cli.md`, and man pages in `man/`
#[derive(clap::Args)]
pub struct Docs {
    /// A folder
    folder: PathBuf,
}

impl Docs {
    /// Writes the pages.
    pub fn run(self) -> Result<ExitCode, Error> {
        let command = super::Arguments::command().disable_help_subcommand(true);
        let man = self.folder.join("man");
        std::fs::create_dir_all(&man)
            .and_then(|()| clap_mangen::generate_to(command.clone(), &man))
            .and_then(|()| std::fs::write(self.folder.join("cli.md"), markdown(command)))
            .map_err(|error| Error::failure(format!("{}: {error}", self.folder.display())))?;
        Ok(ExitCode::Success)
    }
}

/// All commands that are not hidden, a section each.
fn markdown(mut command: Command) -> String {
    command.build();
    let mut text = "# The command line\n\n`./just docs` writes this page and the man pages in `man/` from the commands themselves.\n\n".to_owned();
    text += &format!("{}\n\n", words(command.get_about()));
    let commands: Vec<&Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    text += "| command | |\n|---|---|\n";
    for command in &commands {
        let name = command.get_name();
        let _ = writeln!(text, "| [`{name}`](#tessera-{name}) | {} |", cell(&words(command.get_about())));
    }
    text += "\nEvery command takes:\n\n";
    text += &table(command.get_arguments().filter(|arg| arg.is_global_set()));
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(text, "\n{after}");
    }
    for command in commands {
        text += &section(command);
    }
    text
}

fn section(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let about = words(command.get_long_about().or(command.get_about()));
    let mut text = format!("\n## {name}\n\n{about}\n\n```\n{usage}\n```\n");
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help").collect();
    if !own.is_empty() {
        let _ = write!(text, "\n{}", table(own.into_iter()));
    }
    if let Some(after) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = writeln!(text, "\n{after}");
    }
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|command| text += &section(command));
    text
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = "| argument | |\n|---|---|\n".to_owned();
    for argument in arguments.filter(|argument| !argument.is_hide_set()) {
        let mut about = words(argument.get_long_help().or(argument.get_help())).replace("\n\n", " ");
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| match value.get_help() {
                Some(help) => format!("`{}` ({help})", value.get_name()),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        if argument.get_action().takes_values() && !values.is_empty() {
            let _ = write!(about, ". One of {}", values.join(", "));
        }
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
        if argument.get_action().takes_values() && !defaults.is_empty() {
            let _ = write!(about, " [default: {}]", defaults.join(", "));
        }
        if let Some(variable) = argument.get_env() {
            let _ = write!(about, " [env: `{}`]", variable.to_string_lossy());
        }
        let _ = writeln!(text, "| `{}` | {} |", cell(&spelled(argument)), cell(&about));
    }
    text
}

/// `--slots <N>`, `<SPEC>`, `-f, --follow`.
fn spelled(argument: &Arg) -> String {
    let flags = [argument.get_short().map(|c| format!("-{c}")), argument.get_long().map(|name| format!("--{name}"))];
    let flags: Vec<String> = flags.into_iter().flatten().collect();
    let names: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(|n| format!("<{n}>")).collect();
    match (flags.is_empty(), argument.get_action().takes_values()) {
        (true, _) => argument.to_string(),
        (false, true) => format!("{} {}", flags.join(", "), names.join(" ")),
        (false, false) => flags.join(", "),
    }
}

fn words(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// What a bar or a line break would end.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
