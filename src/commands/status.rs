//! `tessera status`: the states of sweeps, of those too that another process executes.

use crate::error::{Error, ExitCode, printable};
use crate::output::answer;
use crate::session::status::look;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// Show the states of runs, what executes now, and what failed
#[derive(clap::Args)]
pub struct Status {
    /// A sweep's name [default: a line for each sweep]
    sweep: Option<String>,
    /// Go on until all is done
    #[arg(long)]
    watch: bool,
    /// Tell what a run waits for, by (the beginning of) its id
    #[arg(long, value_name = "RUN", requires = "sweep")]
    why: Option<String>,
}

impl Status {
    /// Prints the state.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let names = match &self.sweep {
            Some(name) => vec![name.clone()],
            None => crate::store::sweeps(results)?,
        };
        if names.is_empty() {
            eprintln!("no sweep has been run in {}", results.display());
        }
        loop {
            let seen = look(results, &names, self.sweep.is_some(), self.why.as_deref())?;
            seen.ended.iter().for_each(|pid| eprintln!("ended process {pid}, which an earlier tessera left behind"));
            if !self.watch {
                answer(&seen.text)?;
                return Ok(ExitCode::Success);
            }
            // On a terminal the screen is written anew; elsewhere one state follows the other.
            let clear = if std::io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
            let written = std::io::stdout().write_all(format!("{clear}{}", printable(&seen.text)).as_bytes());
            if written.and_then(|()| std::io::stdout().flush()).is_err() || !seen.is_busy {
                return Ok(ExitCode::Success);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}
