//! Stops a sweep: asks agents by a request, and cancels tasks on Slurm.

use super::slurm::{Submitted, Tasks};
use super::stored::{executed, find};
use crate::error::Error;
use crate::presence::requests::Request;
use crate::record::{RunId, counted};
use crate::slurm::cluster::Cluster;
use crate::slurm::submission::Submission;
use crate::store::Sweep;
use std::path::Path;

/// Asks for some runs (by the beginning of their ids; none: all, and probes too) to be stopped, with `kill` at once;
/// what was asked, in lines.
///
/// # Errors
/// Where there is no such sweep or run, the folder cannot be written, or the cluster refuses.
pub fn stop(results: &Path, name: &str, runs: &[String], kill: bool) -> Result<Vec<String>, Error> {
    let sweep = Sweep::open(results, name)?;
    let runs = find(&sweep, runs)?;
    let cluster = Cluster::default();
    let tasks = Tasks::look(sweep.layout(), &cluster)?;
    if tasks.is_busy() {
        return stop_tasks(&sweep, &tasks, &cluster, &runs, kill);
    }
    let probes = if runs.is_empty() { sweep.all_probes()? } else { Vec::new() };
    let stores = std::iter::once(&sweep).chain(probes.iter().map(|probes| &probes.sweep));
    let stores: Vec<&Sweep> = stores.filter(|store| executed(store)).collect();
    if stores.is_empty() {
        return Ok(vec![format!("nothing executes `{name}`")]);
    }
    let request = Request::Stop { runs, kill };
    for store in stores {
        request.leave(store.layout().root()).map_err(unasked)?;
    }
    Ok(vec![format!("asked; `tessera status {name} --watch` shows what happens")])
}

/// Cancels tasks whose runs are all to be stopped; asks the agents of the others.
fn stop_tasks(
    sweep: &Sweep,
    tasks: &Tasks,
    cluster: &Cluster,
    runs: &[RunId],
    kill: bool,
) -> Result<Vec<String>, Error> {
    let done = |run: &RunId| sweep.state(run).is_some_and(|state| state.status.is_done());
    let meant = |run: &RunId| runs.is_empty() || runs.contains(run);
    let (mut cancel, mut asked) = (Vec::new(), 0);
    for Submitted { submission, statuses } in &tasks.submitted {
        for (place, (of_task, status)) in submission.tasks.iter().zip(statuses).enumerate() {
            if !status.is_live() {
                continue;
            }
            let mut left = of_task.iter().map(|asked| &asked.run).filter(|run| !done(run));
            let stopped: Vec<RunId> = left.clone().filter(|run| meant(run)).cloned().collect();
            if runs.is_empty() || !stopped.is_empty() && left.all(meant) {
                cancel.extend(submission.task_id(place));
            } else if !stopped.is_empty() {
                let number = u32::try_from(place).unwrap_or(u32::MAX);
                let request_folder = Submission::request_folder(&tasks.folder, &submission.name, number);
                asked += stopped.len();
                Request::Stop { runs: stopped, kill }.leave(&request_folder).map_err(unasked)?;
            }
        }
    }
    cluster.cancel(&cancel).map_err(|error| Error::failure(error.to_string()))?;
    let mut said = Vec::new();
    if !cancel.is_empty() {
        let how = match kill {
            true => "Slurm tells runs to end, and kills them after its KillWait",
            false => "runs that execute write checkpoints first",
        };
        said.push(format!("{} cancelled; {how}", counted(cancel.len(), "task")));
    }
    if asked > 0 {
        said.push(format!("{} to be stopped by tasks that have others too", counted(asked, "run")));
    }
    if cancel.is_empty() && asked == 0 {
        said.push(format!("no task of `{}` has what is to be stopped", sweep.name()));
    }
    Ok(said)
}

fn unasked(error: std::io::Error) -> Error {
    Error::failure(format!("cannot ask: {error}"))
}
