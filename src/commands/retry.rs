//! `tessera retry`: executes runs again that have no result.

use crate::error::{Error, ExitCode};
use crate::presence::requests::Request;
use crate::session;
use crate::session::execution::{Execution, On};
use crate::session::stored::{executed, find};
use crate::store::{Status, Sweep};
use std::path::Path;

/// Execute failed runs again
#[derive(clap::Args)]
pub struct Retry {
    /// A sweep's name
    sweep: String,
    /// Runs, by (the beginning of) their ids [default: all that failed]
    runs: Vec<String>,
    /// Also take runs as lost that were on another machine and cannot be seen from here: only you can know that it is gone
    #[arg(long)]
    lost: bool,
    /// Where runs are executed [default: on Slurm if the sweep was last executed there, else here]
    #[arg(long, value_enum)]
    on: Option<On>,
}

impl Retry {
    /// Asks the agent, or executes them here where there is none.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let mut runs = find(&sweep, &self.runs)?;
        if executed(&sweep) && !self.lost {
            let asked = Request::Retry { runs }.leave(sweep.layout().root());
            asked.map_err(|error| Error::failure(format!("cannot ask: {error}")))?;
            eprintln!("asked; `tessera status {} --watch` shows what happens", self.sweep);
            return Ok(ExitCode::Success);
        }
        if runs.is_empty() {
            let failed = sweep.states().iter().filter(|state| state.current && state.status == Status::Failed);
            runs = failed.map(|state| state.run.clone()).collect();
            if self.lost {
                let open = sweep.states().iter().filter(|state| state.current && state.status == Status::Running);
                runs.extend(open.map(|state| state.run.clone()));
            }
        }
        let Some(planned) = sweep.planned().filter(|_| !runs.is_empty()) else {
            eprintln!("nothing to do: no run of `{}` has failed", self.sweep);
            return Ok(ExitCode::Success);
        };
        let spec = sweep.layout().spec(&planned.spec);
        let on = self.on.unwrap_or_else(|| last(&sweep));
        let execution = Execution { spec, only: Some(runs), lost: self.lost, on, yes: true, ..Execution::default() };
        session::execute(&execution, results)
    }
}

/// Where the newest attempt of a sweep was executed.
fn last(sweep: &Sweep) -> On {
    let newest = sweep.states().iter().max_by(|a, b| a.started.unwrap_or(0.0).total_cmp(&b.started.unwrap_or(0.0)));
    let provenance = newest.and_then(|state| state.provenance.as_ref());
    match provenance {
        Some(provenance) if provenance.task.is_some() => On::Slurm,
        None if crate::session::slurm::was_submitted(sweep.layout()) => On::Slurm,
        _ => On::Local,
    }
}
