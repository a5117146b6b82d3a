//! `tessera new --command`: asks a program for its help and writes a spec of what it says.

use crate::error::Error;
use crate::process::answer::ask;
use crate::spec::{Introduction, Piece, Template, introduction, read_help};
use std::process::Command;
use std::time::Duration;

/// A program that imports its libraries from a cold disk may take this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The spec of a program. It is executed once, with `--help`, here, where the spec will stand.
///
/// # Errors
/// Where the command cannot be read or started, does not end, or fails.
pub fn introduce(name: &str, command: &str) -> Result<Introduction, Error> {
    let usage = |wrong: String| Error::usage(format!("--command: {wrong}")).with_help("--command \"python train.py\"");
    // What is wrong with the command is said before it is executed.
    introduction(name, command, None).map_err(usage)?;
    let words = words(command).ok_or_else(|| usage("the command has places".to_owned()))?;
    let Some((program, arguments)) = words.split_first() else { return Err(usage("the command is empty".to_owned())) };
    let mut asked = Command::new(program);
    asked.args(arguments).arg("--help");
    // Lines are not broken, colours and pagers are left away.
    asked.envs([
        ("COLUMNS", "1000"),
        ("NO_COLOR", "1"),
        ("TERM", "dumb"),
        ("PAGER", "cat"),
        ("TYPER_USE_RICH", "false"),
    ]);
    let answer = ask(asked, PATIENCE).map_err(|error| {
        Error::usage(format!("cannot execute `{program}`: {error}"))
            .with_help("the command is executed here, and so will be the runs of a spec that stands here")
    })?;
    let Some(answer) = answer else {
        let said = format!("`{command} --help` did not end within {} s", PATIENCE.as_secs());
        return Err(
            Error::failure(said).with_help("does it take `--help`? `tessera new NAME --trainer command` asks nothing")
        );
    };
    let read = [&answer.output, &answer.errors].into_iter().find_map(|text| read_help(text));
    if read.is_none() && answer.code != Some(0) {
        let last: Vec<&str> = answer.errors.lines().rev().take(3).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let code = answer.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        return Err(Error::failure(format!("`{command} --help` failed ({code}): {}", last.join(" / ")))
            .with_help("`tessera new NAME --trainer command` asks nothing"));
    }
    introduction(name, command, read.as_ref()).map_err(usage)
}

/// The command's words; none where it has places.
fn words(command: &str) -> Option<Vec<String>> {
    let word = |pieces: &Vec<Piece>| {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect::<Option<String>>()
    };
    Template::parse(command).ok()?.words().iter().map(word).collect()
}
