//! `tessera new`: writes a commented spec to begin with.

use crate::error::{Error, ExitCode};
use crate::record::{SweepNameError, check_sweep_name};
use crate::session::introduce::introduce;
use crate::spec::{TRAINERS, json_schema, template_for};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Write a commented spec to begin with
///
/// NAME.yaml goes into the folder `sweeps` if there is one, else here; with --command here. Editors complete and check it by
/// tessera.schema.json, which is written beside it.
#[derive(clap::Args)]
pub struct New {
    /// The sweep's name
    name: String,
    /// retina, toy, or `command` for any other program
    #[arg(long, default_value = "retina")]
    trainer: String,
    /// A program of your own, such as `python train.py`: its --help is asked for parameters and defaults
    #[arg(long, value_name = "PROGRAM", conflicts_with = "trainer")]
    command: Option<String>,
}

impl New {
    /// Writes the file.
    pub fn run(self) -> Result<ExitCode, Error> {
        check_sweep_name(&self.name)
            .map_err(|wrong| Error::usage(format!("{wrong}, found `{}`", self.name)).with_help(SweepNameError::HELP))?;
        // A program of one's own is named from here, and a spec's commands are executed in its folder.
        let here = self.command.is_some() || !Path::new("sweeps").is_dir();
        let folder = Path::new(if here { "" } else { "sweeps" });
        let path = folder.join(format!("{}.yaml", self.name));
        let wrong = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::usage(format!("{} is there already", path.display()))
                .with_help("choose another name, or edit that file"),
            _ => Error::failure(format!("cannot write {}: {error}", path.display())),
        };
        if path.exists() {
            return Err(wrong(std::io::ErrorKind::AlreadyExists.into()));
        }
        let (text, questions) = match &self.command {
            Some(command) => {
                let introduction = introduce(&self.name, command)?;
                (introduction.text, introduction.questions)
            }
            None => (self.template()?, Vec::new()),
        };
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(wrong)?;
        file.write_all(text.as_bytes()).map_err(wrong)?;
        write_schema(&path.with_file_name("tessera.schema.json"));
        questions.iter().for_each(|question| eprintln!("- {question}"));
        eprintln!("wrote {0}; next: tessera plan {0}", path.display());
        Ok(ExitCode::Success)
    }

    fn template(&self) -> Result<String, Error> {
        template_for(&self.trainer, &self.name).ok_or_else(|| {
            Error::usage(format!("no trainer is called `{}`", self.trainer))
                .with_help(format!("built in: {}; `--command` for any other program", TRAINERS.join(", ")))
        })
    }
}

/// Puts the schema that the spec's first line names beside it, for editors. One that is not tessera's is left alone, and
/// that it cannot be written harms nothing.
fn write_schema(path: &Path) {
    let schema = json_schema();
    let there = std::fs::read(path).ok();
    let there: Option<serde_json::Value> = there.map(|text| serde_json::from_slice(&text).unwrap_or_default());
    if there.is_none_or(|there| there["title"] == schema["title"] && there != schema) {
        let _ = std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default()));
    }
}
