//! `tessera stop`: asks the agent of a sweep to stop.

use crate::error::{Error, ExitCode};
use crate::record::RunId;
use crate::run::claim::{AGENT, holder};
use crate::run::requests::Request;
use crate::store::Sweep;
use std::path::Path;

/// Stop a sweep that is executed (its probes too), or some of its runs: they write a checkpoint first
#[derive(clap::Args)]
pub struct Stop {
    /// A sweep's name
    sweep: String,
    /// Runs, by (the beginning of) their ids [default: all]
    runs: Vec<String>,
    /// At once, without a checkpoint
    #[arg(long)]
    kill: bool,
}

impl Stop {
    /// Leaves the request.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let runs = find(&sweep, &self.runs)?;
        let probes = if runs.is_empty() { sweep.all_probes()? } else { Vec::new() };
        let stores = std::iter::once(&sweep).chain(probes.iter().map(|probes| &probes.sweep));
        let stores: Vec<&Sweep> = stores.filter(|store| executed(store)).collect();
        if stores.is_empty() {
            eprintln!("nothing executes `{}`", self.sweep);
            return Ok(ExitCode::Success);
        }
        let request = Request::Stop { runs, kill: self.kill };
        for store in stores {
            request.leave(store.layout().root()).map_err(|error| Error::failure(format!("cannot ask: {error}")))?;
        }
        eprintln!("asked; `tessera status {} --watch` shows what happens", self.sweep);
        Ok(ExitCode::Success)
    }
}

/// The runs whose ids begin so.
pub(super) fn find(sweep: &Sweep, prefixes: &[String]) -> Result<Vec<RunId>, Error> {
    prefixes.iter().map(|prefix| Ok(sweep.find(prefix)?.run.clone())).collect()
}

/// Whether a process that may be alive executes the sweep.
pub(super) fn executed(sweep: &Sweep) -> bool {
    holder(&sweep.layout().claims().join(AGENT)).is_some_and(|holder| holder.is_alive() != Some(false))
}
