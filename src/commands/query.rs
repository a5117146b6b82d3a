//! `tessera query`: SQL over everything stored.

use crate::analyse::{AnalyseError, Files, Format, Grid, Outlet, Said, Streamed, query, query_to};
use crate::error::{Error, ExitCode, printable};
use crate::output::answer;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Query the runs, history, arrays and probes of every sweep with SQL
///
/// Tables: runs (one row a run: sweep, run, current, status, failure, attempt, seed, each parameter, each summary, started, seconds, host, device, …), history (sweep, run, attempt, step, elapsed, each metric) and arrays (sweep, run, attempt, step, name, shape, values); of probes, probes (sweep, probe, run, attempt, step, current, asked, batches, each metric) and probe_arrays. Names with `.` or `/` need double quotes. Runs that lost rows to damaged files have no numbers; a warning names them.
#[derive(clap::Args)]
pub struct Query {
    /// `SELECT method, avg(kl) FROM runs WHERE current GROUP BY method`
    sql: String,
    /// table, md, csv, json, latex or parquet [default: table; parquet where --out ends so]
    #[arg(long, value_name = "FORMAT", value_parser = Written::parse)]
    format: Option<Written>,
    /// Write the answer to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Does nothing: damaged files are always skipped. Kept for scripts of earlier versions
    #[arg(long, hide = true)]
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
        let format = match written {
            Written::Text(Format::Csv) => return self.stream(results, Streamed::Csv),
            Written::Text(Format::Json) => return self.stream(results, Streamed::Json),
            Written::Parquet => return self.stream(results, Streamed::Parquet),
            // What is aligned must be known whole.
            Written::Text(format) => format,
        };
        let found = query(results, &self.sql, Files::Allowed)?;
        say(&found.said);
        let text = Grid::of_frame(&found.frame, format).render(format);
        match &self.out {
            None => answer(&text)?,
            Some(path) => std::fs::write(path, text).map_err(|error| unwritable(path, &error))?,
        }
        Ok(ExitCode::Success)
    }

    /// Writes what may be larger than the memory.
    fn stream(&self, results: &Path, streamed: Streamed) -> Result<ExitCode, Error> {
        let mut made = false;
        let open = || -> std::io::Result<Outlet> {
            Ok(match (&self.out, streamed) {
                (Some(path), _) => {
                    let file = File::create(path)?;
                    made = file.metadata()?.is_file();
                    Box::new(file)
                }
                (None, Streamed::Parquet) => Box::new(std::io::stdout()),
                (None, _) => Box::new(Shown),
            })
        };
        let said = query_to(results, &self.sql, Files::Allowed, streamed, open);
        if let (Err(_), true, Some(path)) = (&said, made, &self.out) {
            // Half an answer must not be taken for one; the error at hand says more than one about it would.
            let _ = std::fs::remove_file(path);
        }
        match (said, &self.out) {
            (Err(AnalyseError::Unwritten(cause)), Some(path)) => return Err(unwritable(path, &cause)),
            (said, _) => say(&said?),
        }
        Ok(ExitCode::Success)
    }
}

fn say(said: &Said) {
    said.notes.iter().for_each(|note| eprintln!("note: {note}"));
    said.warnings.iter().for_each(|words| eprintln!("warning: {words}"));
}

fn unwritable(path: &Path, cause: &std::io::Error) -> Error {
    Error::failure(format!("cannot write {}: {cause}", path.display()))
}

/// Standard output, with control characters shown. Takes whole pieces of text.
struct Shown;

impl Write for Shown {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        std::io::stdout().write_all(printable(&String::from_utf8_lossy(text)).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}
