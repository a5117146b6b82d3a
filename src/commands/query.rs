//! `tessera query`: SQL over everything stored.

use super::answer::answer;
use crate::analyse::{Files, Format, Grid, query, query_to, write_parquet};
use crate::error::{Error, ExitCode};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// SQL over the runs, history and arrays of every sweep
///
/// Tables: runs (one row a run: sweep, run, current, status, failure, attempt, seed, each parameter, each summary, started, seconds, host, device, …), history (sweep, run, attempt, step, elapsed, each metric) and arrays (sweep, run, attempt, step, name, shape, values); of probes, probes (sweep, probe, run, attempt, step, current, asked, batches, each metric) and probe_arrays. Names with `.` or `/` need double quotes.
#[derive(clap::Args)]
pub struct Query {
    /// `SELECT method, avg(kl) FROM runs WHERE current GROUP BY method`
    sql: String,
    /// table, md, csv, json, latex or parquet [default: table; parquet where --out ends so]
    #[arg(long, value_name = "FORMAT", value_parser = Written::parse)]
    format: Option<Written>,
    /// Writes the answer to this file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Pass over files that cannot be read
    #[arg(long)]
    skip_damaged: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// As text.
    Text(Format),
    /// As a Parquet file.
    Parquet,
}

impl Written {
    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "parquet" => Ok(Self::Parquet),
            word => <Format as clap::ValueEnum>::from_str(word, false)
                .map(Self::Text)
                .map_err(|_| "expected table, md, csv, json, latex or parquet".to_owned()),
        }
    }
}

impl Query {
    /// Prints the answer.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let ends_so = self.out.as_ref().is_some_and(|out| out.extension().is_some_and(|ending| ending == "parquet"));
        let usual = if ends_so { Written::Parquet } else { Written::Text(Format::default()) };
        let written = self.format.unwrap_or(usual);
        if matches!(written, Written::Parquet) && self.out.is_none() && std::io::stdout().is_terminal() {
            return Err(Error::usage("Parquet is not for a terminal").with_help("`--out FILE`, or a pipe"));
        }
        if let (Written::Parquet, Some(path)) = (written, &self.out) {
            let notes = query_to(results, &self.sql, Files::Allowed, self.skip_damaged, path)?;
            notes.iter().for_each(|note| eprintln!("note: {note}"));
            return Ok(ExitCode::Success);
        }
        let found = query(results, &self.sql, Files::Allowed, self.skip_damaged)?;
        for note in &found.notes {
            eprintln!("note: {note}");
        }
        let unwritable = |error: &dyn std::fmt::Display| {
            let place = self.out.as_ref().map_or("the answer".to_owned(), |path| path.display().to_string());
            Error::failure(format!("cannot write {place}: {error}"))
        };
        match (written, &self.out) {
            (Written::Text(format), None) => answer(&Grid::of_frame(&found.frame, format).render(format))?,
            (Written::Text(format), Some(path)) => {
                let text = Grid::of_frame(&found.frame, format).render(format);
                std::fs::write(path, text).map_err(|error| unwritable(&error))?;
            }
            (Written::Parquet, _) => {
                write_parquet(found.frame, std::io::stdout().lock()).map_err(|error| unwritable(&error))?;
            }
        }
        Ok(ExitCode::Success)
    }
}
