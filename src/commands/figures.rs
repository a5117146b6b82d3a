//! `tessera figures`: draws the figures of a sweep's spec.

use super::scoped::Scoped;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::report::{Kind, draw_figures, suggestions};
use crate::session::stored::stored_spec;
use std::path::{Path, PathBuf};

/// Draw the figures that the sweep's spec asks for, as SVG, PNG or PDF
///
/// A spec that asks for none gets those that a person would draw first. Prints the files written. A PNG comes in two sizes, for a page and (`-slide`) for a slide.
#[derive(clap::Args)]
pub struct Figures {
    /// A sweep's name
    sweep: String,
    /// Draw only these figures, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// svg, outlines (an SVG whose letters are outlines), png, pdf or several
    #[arg(long, visible_alias = "to", value_enum, value_delimiter = ',', default_values_t = [Picture::Svg, Picture::Png])]
    format: Vec<Picture>,
    /// Print the figures that a person would draw first as YAML, to keep and change
    #[arg(long, conflicts_with_all = ["only", "format", "out"])]
    suggest: bool,
    /// Folder for the files [default: figures/ of the sweep]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    scoped: Scoped,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Picture {
    Svg,
    Outlines,
    Png,
    Pdf,
}

impl Figures {
    /// Draws and prints the files.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = self.scoped.open(results, &self.sweep)?;
        let spec = stored_spec(&sweep)?;
        if self.suggest {
            let lines = suggestions(&spec, &sweep)?;
            answer(&format!("figures:\n{}", lines.iter().map(|line| format!("  - {line}\n")).collect::<String>()))?;
            return Ok(ExitCode::Success);
        }
        let kinds = self.format.iter().map(|picture| match picture {
            Picture::Svg => Kind::Svg,
            Picture::Outlines => Kind::Outlines,
            Picture::Png => Kind::Png,
            Picture::Pdf => Kind::Pdf,
        });
        let out = self.out.clone().unwrap_or_else(|| sweep.layout().figures());
        let drawn = draw_figures(&spec, &sweep, &self.scoped.scope(), &self.only, &kinds.collect::<Vec<_>>(), &out)?;
        for warning in &drawn.warnings {
            eprintln!("note: {warning}");
        }
        for name in &drawn.empty {
            eprintln!("note: no runs match for the figure `{name}`");
        }
        answer(&drawn.files.iter().map(|file| format!("{}\n", file.display())).collect::<String>())?;
        Ok(ExitCode::Success)
    }
}
