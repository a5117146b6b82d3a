//! `tessera stop`: asks the agent of a sweep to stop.

use crate::error::{Error, ExitCode};
use crate::presence::requests::Request;
use crate::record::RunId;
use crate::record::counted;
use crate::session::slurm::{Submitted, Tasks};
use crate::session::stored::{executed, find};
use crate::slurm::cluster::Cluster;
use crate::slurm::submission::Submission;
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
        let cluster = Cluster::default();
        let tasks = Tasks::look(sweep.layout(), &cluster)?;
        if tasks.is_busy() {
            return self.stop_tasks(&sweep, &tasks, &cluster, &runs);
        }
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

impl Stop {
    /// Cancels tasks whose runs are all to be stopped; asks the agents of the others.
    fn stop_tasks(&self, sweep: &Sweep, tasks: &Tasks, cluster: &Cluster, runs: &[RunId]) -> Result<ExitCode, Error> {
        let done = |run: &RunId| sweep.state(run).is_some_and(|state| state.status.is_done());
        let meant = |run: &RunId| runs.is_empty() || runs.contains(run);
        let (mut cancel, mut asked) = (Vec::new(), 0);
        for Submitted { submission, standings } in &tasks.submitted {
            for (place, (of_task, standing)) in submission.tasks.iter().zip(standings).enumerate() {
                if !standing.is_live() {
                    continue;
                }
                let mut left = of_task.iter().map(|asked| &asked.run).filter(|run| !done(run));
                let stopped: Vec<RunId> = left.clone().filter(|run| meant(run)).cloned().collect();
                if runs.is_empty() || !stopped.is_empty() && left.all(meant) {
                    cancel.extend(submission.task_id(place));
                } else if !stopped.is_empty() {
                    let number = u32::try_from(place).unwrap_or(u32::MAX);
                    let desk = Submission::desk(&tasks.folder, &submission.name, number);
                    asked += stopped.len();
                    let request = Request::Stop { runs: stopped, kill: self.kill };
                    request.leave(&desk).map_err(|error| Error::failure(format!("cannot ask: {error}")))?;
                }
            }
        }
        cluster.cancel(&cancel).map_err(|error| Error::failure(error.to_string()))?;
        if !cancel.is_empty() {
            let how = match self.kill {
                true => "Slurm tells runs to end, and kills them after its KillWait",
                false => "runs that execute write checkpoints first",
            };
            eprintln!("{} cancelled; {how}", counted(cancel.len(), "task"));
        }
        if asked > 0 {
            eprintln!("{} to be stopped by tasks that have others too", counted(asked, "run"));
        }
        if cancel.is_empty() && asked == 0 {
            eprintln!("no task of `{}` has what is to be stopped", self.sweep);
        }
        Ok(ExitCode::Success)
    }
}
