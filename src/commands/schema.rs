//! `tessera schema`: prints the JSON Schema of specs, or a trainer's parameters.

use crate::analyse::{Cell, Format, Grid};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::record::Value;
use crate::spec::{Kind, Parameter, TRAINERS, description, json_schema};

/// Print a JSON Schema of specs, for editors; with --trainer, every parameter with unit, default, bounds and meaning
///
/// Save the schema and name it in a spec's first line: `# yaml-language-server: $schema=tessera.schema.json`.
#[derive(clap::Args)]
pub struct Schema {
    /// retina or toy
    #[arg(long)]
    trainer: Option<String>,
    /// Output format of the list of parameters
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Schema {
    /// Prints the schema or the list.
    pub fn run(self) -> Result<ExitCode, Error> {
        let Some(trainer) = self.trainer else {
            let schema = serde_json::to_string_pretty(&json_schema()).unwrap_or_default();
            answer(&format!("{schema}\n"))?;
            return Ok(ExitCode::Success);
        };
        let Some(description) = description(&trainer) else {
            return Err(Error::usage(format!("no trainer is called `{trainer}`"))
                .with_help(format!("built in: {}", TRAINERS.join(", "))));
        };
        let header = ["parameter", "kind", "unit", "default", "bounds", "active", "meaning"];
        let grid =
            Grid { header: header.map(str::to_owned).to_vec(), rows: description.parameters.iter().map(row).collect() };
        answer(&grid.render(self.format))?;
        Ok(ExitCode::Success)
    }
}

fn row(parameter: &Parameter) -> Vec<Cell> {
    let kind = match parameter.kind {
        Kind::Choice => parameter.choices.join(" | "),
        kind => kind.word().to_owned(),
    };
    let default = parameter.default.as_ref().map_or("must be given".to_owned(), Value::to_string);
    let active = parameter.active.as_ref().map_or(String::new(), |active| format!("where {active}"));
    vec![
        parameter.name.as_str().into(),
        kind.into(),
        parameter.unit.clone().into(),
        default.into(),
        parameter.bounds_in_words().into(),
        active.into(),
        parameter.about.as_str().into(),
    ]
}
