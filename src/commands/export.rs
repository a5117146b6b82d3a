//! `tessera export`: writes a sweep for other tools.

use super::scoped::Scoped;
use crate::error::{Error, ExitCode};
use crate::exchange::{To, export};
use std::path::{Path, PathBuf};

/// Write a sweep for other tools: event files with HParams for TensorBoard, or CSV
///
/// Each run gets a folder; the folder of all is printed. With `tensorboard` each run's summary stands beside its
/// parameters under HPARAMS, and a run's folder is named by its id and seed.
#[derive(clap::Args)]
pub struct Export {
    /// The tool to write for
    #[arg(value_enum)]
    to: To,
    /// A sweep's name
    sweep: String,
    /// Folder for the files [default: results/<sweep>/export]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    scoped: Scoped,
}

impl Export {
    /// Writes the files and prints their folder.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = self.scoped.open(results, &self.sweep)?;
        let out = self.out.unwrap_or_else(|| sweep.layout().export());
        let (written, runs) = export(&sweep, &self.scoped.scope(), self.to, &out)?;
        eprintln!("{written} of {runs} runs have a history");
        println!("{}", out.display());
        Ok(ExitCode::Success)
    }
}
