//! Executes runs again that have no result: by the agent that is there, or by a session of their own.

use super::execution::{Execution, On};
use super::slurm::was_submitted;
use super::stored::{executed, find};
use crate::error::{Error, ExitCode};
use crate::presence::requests::Request;
use crate::record::RunId;
use crate::store::{Status, Sweep};
use std::path::Path;

/// What is to be executed again.
pub struct Again {
    /// The sweep's name.
    pub sweep: String,
    /// Runs, by (the beginning of) their ids; none: all that failed.
    pub runs: Vec<String>,
    /// Whether attempts on other machines count as over.
    pub lost: bool,
    /// Where; none: where the sweep was last executed.
    pub on: Option<On>,
}

impl Again {
    /// Asks the agent, or executes them where there is none.
    ///
    /// # Errors
    /// Where a run is not known, the agent cannot be asked, or as [`execute`](super::execute()).
    pub fn execute(&self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let named = find(&sweep, &self.runs)?;
        if executed(&sweep) && !self.lost {
            let asked = Request::Retry { runs: named }.leave(sweep.layout().root());
            asked.map_err(|error| Error::failure(format!("cannot ask: {error}")))?;
            eprintln!("asked; `tessera status {} --watch` shows what happens", self.sweep);
            return Ok(ExitCode::Success);
        }
        let runs = if named.is_empty() { self.without_result(&sweep) } else { named };
        let Some(planned) = sweep.planned().filter(|_| !runs.is_empty()) else {
            eprintln!("nothing to do: no run of `{}` has failed", self.sweep);
            return Ok(ExitCode::Success);
        };
        let spec = sweep.layout().spec(&planned.spec);
        let on = self.on.unwrap_or_else(|| last(&sweep));
        let execution = Execution { spec, only: Some(runs), lost: self.lost, on, yes: true, ..Execution::default() };
        super::execute(&execution, results)
    }

    /// The current runs that failed, and where attempts elsewhere count as over, those that were begun.
    fn without_result(&self, sweep: &Sweep) -> Vec<RunId> {
        let is_meant = |status| status == Status::Failed || self.lost && status == Status::Running;
        let states = sweep.states().iter().filter(|state| state.current && is_meant(state.status));
        states.map(|state| state.run.clone()).collect()
    }
}

/// Where the newest attempt of a sweep was executed.
fn last(sweep: &Sweep) -> On {
    let newest = sweep.states().iter().max_by(|a, b| a.started.unwrap_or(0.0).total_cmp(&b.started.unwrap_or(0.0)));
    let provenance = newest.and_then(|state| state.provenance.as_ref());
    match provenance {
        Some(provenance) if provenance.task.is_some() => On::Slurm,
        None if was_submitted(sweep.layout()) => On::Slurm,
        _ => On::Local,
    }
}
