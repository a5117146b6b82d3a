//! Commands as trainers: renders one attempt (program, arguments, environment, working directory), and follows what
//! its program writes.
//!
//! Takes a spec's [`Command`] and the run, and returns a [`Rendered`]. Starts nothing. Values never pass through a
//! shell.

mod arguments;
mod checkpoints;
mod code;
mod output;

use crate::record::{Parameters, Resume, RunId, Value};
use crate::spec::{Booleans, Command, Piece, Place, Spelling, Template, variable};
use std::path::{Path, PathBuf};

pub use checkpoints::{Found, newest, retain};
pub use code::version;
pub use output::Output;

/// One attempt of a run.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The sweep's name.
    pub sweep: &'a str,
    /// The folder of the spec's file.
    pub spec_folder: &'a Path,
    /// Which run.
    pub run: &'a RunId,
    /// Which execution of it, from 1.
    pub attempt: u32,
    /// The attempt's own folder.
    pub dir: &'a Path,
    /// All active parameters.
    pub parameters: &'a Parameters,
    /// The replicate.
    pub seed: u64,
    /// CPU cores of its slot.
    pub threads: u32,
    /// Where to go on from; the command's `resume` template is used.
    pub resume: Option<&'a Resume>,
}

/// What to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// A path, or a name that `PATH` has.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables beside those of the agent, in order; a later one wins.
    pub environment: Vec<(String, String)>,
    /// Working directory.
    pub directory: PathBuf,
}

/// Why a command cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template names a parameter that this run has not: unknown or inactive.
    #[error("`{{{0}}}` in the command is no parameter of this run")]
    NoParameter(String),
    /// `{checkpoint}` or `{step}` where nothing is resumed.
    #[error("`{{{0}}}` stands for a checkpoint to go on from and belongs in `resume:`")]
    NothingResumed(&'static str),
    /// The template gives no program.
    #[error("the command names no program")]
    NoProgram,
}

/// What to execute for an attempt.
///
/// # Errors
/// Where the template names what the run has not.
pub fn render(command: &Command, attempt: &Attempt) -> Result<Rendered, RenderError> {
    let template = match (&command.resume, attempt.resume) {
        (Some(resume), Some(_)) => resume,
        _ => &command.template,
    };
    let spelling = command.spelling.unwrap_or_else(|| arguments::suggested(template));
    let fill = Fill { attempt, spelling };
    let mut words = Vec::new();
    for word in template.words() {
        match word.as_slice() {
            [Piece::Arguments(style)] => {
                words.extend(arguments::all(command, template, style.as_ref(), &spelling, attempt));
            }
            pieces => words.push(fill.word(pieces)?),
        }
    }
    let directory = match &command.directory {
        Some(word) => attempt.spec_folder.join(fill.word(word)?),
        None => attempt.spec_folder.to_owned(),
    };
    let mut environment = surroundings(command, template, attempt);
    let bin = command.virtual_environment.as_ref().map(|path| attempt.spec_folder.join(path)).inspect(|path| {
        environment.push(("VIRTUAL_ENV".to_owned(), path.to_string_lossy().into_owned()));
    });
    let bin = bin.map(|path| path.join("bin"));
    if let Some(bin) = &bin {
        let path = std::env::var("PATH").unwrap_or_default();
        environment.push(("PATH".to_owned(), format!("{}:{path}", bin.display())));
    }
    for (name, word) in &command.environment {
        environment.push((name.clone(), fill.word(word)?));
    }
    let mut words = words.into_iter();
    let program = locate(&words.next().ok_or(RenderError::NoProgram)?, &directory, bin.as_deref());
    let rendered = Rendered { program, arguments: words.collect(), environment, directory };
    Ok(if command.setup.is_empty() { rendered } else { after_setup(&command.setup, rendered) })
}

/// A relative path is found from the working directory, a bare name in the virtual environment before `PATH`.
fn locate(program: &str, directory: &Path, bin: Option<&Path>) -> PathBuf {
    if program.contains('/') {
        return directory.join(program);
    }
    let own = bin.map(|bin| bin.join(program)).filter(|file| file.is_file());
    own.unwrap_or_else(|| PathBuf::from(program))
}

/// A shell runs the lines of `setup:` and becomes the program; the arguments reach it as they are.
fn after_setup(setup: &[String], rendered: Rendered) -> Rendered {
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let script = format!("set -e\n{}\nexec \"$@\"", setup.join("\n"));
    let own = [String::from("-c"), script, shell.to_owned(), rendered.program.to_string_lossy().into_owned()];
    let arguments = own.into_iter().chain(rendered.arguments).collect();
    Rendered { program: shell.into(), arguments, ..rendered }
}

/// What a template can name, as `TESSERA_*`.
fn surroundings(command: &Command, template: &Template, attempt: &Attempt) -> Vec<(String, String)> {
    let mut variables = vec![
        // Output reaches the log when it is written, not when a buffer is full.
        ("PYTHONUNBUFFERED".to_owned(), "1".to_owned()),
        ("TESSERA_PARAMETERS".to_owned(), serde_json::to_string(attempt.parameters).unwrap_or_default()),
    ];
    let own = command.with_variables(attempt.parameters.keys().map(String::as_str));
    variables.extend(own.iter().map(|name| (variable(name), attempt.parameters[*name].to_string())));
    let fill = Fill { attempt, spelling: arguments::suggested(template) };
    for (name, place) in Place::ALL {
        // A parameter of that name has its own value there; `{threads}` and the like still stand in the command.
        if !own.iter().any(|own| variable(own) == variable(name)) {
            variables.extend(fill.place(place).ok().map(|text| (variable(name), text)));
        }
    }
    variables
}

/// Fills places of one attempt.
struct Fill<'a> {
    attempt: &'a Attempt<'a>,
    spelling: Spelling,
}

impl Fill<'_> {
    fn word(&self, pieces: &[Piece]) -> Result<String, RenderError> {
        let mut word = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => word.push_str(text),
                Piece::Place(place) => word.push_str(&self.place(*place)?),
                Piece::Parameter(name) => {
                    let value = self.attempt.parameters.get(name);
                    word.push_str(&self.value(value.ok_or_else(|| RenderError::NoParameter(name.clone()))?));
                }
                // A template is not parsed with arguments inside a word.
                Piece::Arguments(_) => {}
            }
        }
        Ok(word)
    }

    /// A value that stands alone: there is no flag to leave out.
    fn value(&self, value: &Value) -> String {
        match (value, self.spelling.booleans) {
            (Value::Bool(b), Booleans::Flag | Booleans::FlagOrNo) => b.to_string(),
            _ => arguments::spelled(value, &self.spelling),
        }
    }

    fn place(&self, place: Place) -> Result<String, RenderError> {
        let attempt = self.attempt;
        let resume = attempt.resume.ok_or(RenderError::NothingResumed(place.name()));
        Ok(match place {
            Place::RunDir => attempt.dir.to_string_lossy().into_owned(),
            Place::RunId => attempt.run.to_string(),
            Place::RunAttempt => attempt.attempt.to_string(),
            Place::Sweep => attempt.sweep.to_owned(),
            Place::Seed => attempt.seed.to_string(),
            Place::Threads => attempt.threads.to_string(),
            Place::SpecDir => attempt.spec_folder.to_string_lossy().into_owned(),
            Place::Checkpoint => resume?.checkpoint.to_string_lossy().into_owned(),
            Place::Step => resume?.step.to_string(),
        })
    }
}
