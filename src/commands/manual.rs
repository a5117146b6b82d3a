//! `tessera manual`: what every command's help says, as one page of Markdown or as man pages.

use super::Arguments;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use clap::CommandFactory;
use std::path::{Path, PathBuf};

/// The help of all commands as Markdown, or as man pages
#[derive(clap::Args)]
pub struct Manual {
    /// Write a man page a command into this folder
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
}

/// Lines of help have at most so many characters.
const WIDTH: usize = 100;

impl Manual {
    /// Prints the page, or writes the man pages and prints their names.
    pub fn run(self) -> Result<ExitCode, Error> {
        match self.man {
            Some(folder) => answer(&man_pages(&folder)?)?,
            None => answer(&page())?,
        }
        Ok(ExitCode::Success)
    }
}

/// The command line, built as far as help needs it.
fn command() -> clap::Command {
    let mut command = Arguments::command().term_width(WIDTH);
    command.build();
    command
}

/// The commands that people see.
fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn page() -> String {
    let mut command = command();
    let mut text = "# Commands\n\nWhat `--help` of each command says; `tessera manual` writes this page.\n".to_owned();
    let names: Vec<String> = shown(&command).map(|command| command.get_name().to_owned()).collect();
    text += &format!("\n## tessera\n\n```\n{}\n```\n", command.render_long_help().to_string().trim());
    for name in names {
        if let Some(command) = command.find_subcommand_mut(&name) {
            let help = command.clone().term_width(WIDTH).render_long_help().to_string();
            text += &format!("\n## tessera {name}\n\n```\n{}\n```\n", help.trim());
        }
    }
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

fn man_pages(folder: &Path) -> Result<String, Error> {
    let unwritable = |error: std::io::Error| Error::failure(format!("cannot write {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let command = command();
    let mut written = String::new();
    for command in std::iter::once(&command).chain(shown(&command)) {
        let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone()).render(&mut page).map_err(unwritable)?;
        std::fs::write(&path, page).map_err(unwritable)?;
        written += &format!("{}\n", path.display());
    }
    Ok(written)
}
