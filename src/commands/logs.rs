//! `tessera logs`: what a run said.

use super::answer::answer;
use crate::error::{Error, ExitCode, printable};
use crate::store::Sweep;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// The log of a run: what its trainer said on standard error (of a command: on standard output too)
#[derive(clap::Args)]
pub struct Logs {
    /// A run, by (the beginning of) its id
    run: String,
    /// The sweep that it is in [default: the sweeps are searched]
    #[arg(long, value_name = "SWEEP")]
    sweep: Option<String>,
    /// Go on showing what is added
    #[arg(short, long)]
    follow: bool,
    /// Which execution [default: the newest]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
}

impl Logs {
    /// Prints the log.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweeps = match &self.sweep {
            Some(name) => vec![name.clone()],
            None => crate::store::sweeps(results)?,
        };
        let mut found = Vec::new();
        for name in &sweeps {
            let sweep = Sweep::open(results, name)?;
            if let Ok(state) = sweep.find(&self.run) {
                found.push((sweep.layout().log(&state.run, self.attempt.unwrap_or(state.attempt)), name));
            }
        }
        let path = match found.as_slice() {
            [(path, _)] => path,
            [] => {
                let message = format!("no run begins with `{}`", self.run);
                return Err(Error::usage(message).with_help("`tessera status SWEEP` lists the runs that failed"));
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(_, name)| name.as_str()).collect();
                let message = format!("`{}` is in {}", self.run, names.join(" and in "));
                return Err(Error::usage(message).with_help("say which with `--sweep NAME`"));
            }
        };
        let mut file =
            File::open(path).map_err(|error| Error::failure(format!("there is no log {}: {error}", path.display())))?;
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
