//! `tessera logs`: prints the log of a run.

use crate::analyse::find_run;
use crate::error::{Error, ExitCode, printable};
use crate::output::answer;
use crate::record::counted;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Print the log of a run: its trainer's standard error, and a command's standard output too
#[derive(clap::Args)]
pub struct Logs {
    /// The beginning of a run's or a probe's id, or SWEEP/RUN
    run: String,
    /// The run's sweep [default: search all sweeps]
    #[arg(long, value_name = "SWEEP")]
    sweep: Option<String>,
    /// Follow: go on printing what is added
    #[arg(short, long)]
    follow: bool,
    /// Which attempt [default: the newest]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
}

impl Logs {
    /// Prints the log.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let wanted = match &self.sweep {
            Some(sweep) => format!("{sweep}/{}", self.run),
            None => self.run.clone(),
        };
        let (sweep, run) = find_run(results, &wanted)?;
        let attempt = self.attempt.unwrap_or(run.attempt);
        if attempt == 0 || attempt > run.attempt {
            let begun = match run.attempt {
                0 => "has not begun".to_owned(),
                n => format!("has {}", counted(n as usize, "attempt")),
            };
            return Err(Error::usage(format!("run {} {begun}: there is no such log", run.run)));
        }
        let path = sweep.layout().log(&run.run, attempt);
        let mut file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::failure(format!("attempt {attempt} of run {} has no log", run.run))
                .with_help(format!("it said nothing, or its log was removed ({})", path.display())),
            _ => Error::failure(format!("cannot read {}: {error}", path.display())),
        })?;
        loop {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .map_err(|error| Error::failure(format!("cannot read {}: {error}", path.display())))?;
            if !self.follow {
                answer(&String::from_utf8_lossy(&bytes))?;
                return Ok(ExitCode::Success);
            }
            let text = printable(&String::from_utf8_lossy(&bytes));
            if std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).is_err() {
                return Ok(ExitCode::Success);
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}
