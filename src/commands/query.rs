//! `tessera query`: SQL over everything stored.

use super::answer::answer;
use crate::analyse::{Files, Format, Grid, query, write_parquet};
use crate::error::{Error, ExitCode};
use std::path::{Path, PathBuf};

/// SQL over the runs, history and arrays of every sweep
///
/// Tables: runs (one row a run: sweep, run, current, status, failure, attempt, seed, each parameter, each summary, started, seconds, host, device, …), history (sweep, run, attempt, step, elapsed, each metric) and arrays (sweep, run, attempt, step, name, shape, values); of probes, probes (sweep, probe, run, attempt, step, current, asked, batches, each metric) and probe_arrays. Names with `.` or `/` need double quotes.
#[derive(clap::Args)]
pub struct Query {
    /// `SELECT method, avg(kl) FROM runs WHERE current GROUP BY method`
    sql: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Writes the answer as Parquet to this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    parquet: Option<PathBuf>,
}

impl Query {
    /// Prints the answer.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let found = query(results, &self.sql, Files::Allowed)?;
        for note in &found.notes {
            eprintln!("note: {note}");
        }
        match self.parquet {
            Some(path) => write_parquet(found.frame, &path)?,
            None => answer(&Grid::of_frame(&found.frame, self.format).render(self.format))?,
        }
        Ok(ExitCode::Success)
    }
}
