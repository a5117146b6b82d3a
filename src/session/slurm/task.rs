//! `tessera agent`: executes the runs of one Slurm task, on the devices that Slurm gave it. Each attempt is claimed
//! first.

use crate::agent::{QueuedRun, Settings};
use crate::error::{Error, ExitCode};
use crate::presence::leftover;
use crate::presence::leftover::Leftover;
use crate::presence::requests::Request;
use crate::process::StopReason;
use crate::record::counted;
use crate::record::{ClusterTask, Layout, PlannedRun, RunId};
use crate::session::closing::close;
use crate::session::error::outside;
use crate::session::journal::Journal;
use crate::session::settings::{GRACE, settings};
use crate::session::stored::spec_of;
use crate::session::todo::newest_checkpoint;
use crate::session::trainer::trainer;
use crate::slurm::allotted::Allotted;
use crate::slurm::array;
use crate::slurm::attempts::{Attempts, Claimant, agent_name};
use crate::slurm::cluster::Cluster;
use crate::slurm::exit_note::ExitNote;
use crate::slurm::submission::{Outcome, Submission, TaskRun};
use crate::store::{self, RunState, Status};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Slurm warns up to so much earlier than it was told, and checkpoints take their time.
const EARLY: Duration = Duration::from_secs(90);

/// Executes the task of a submission that the environment names.
///
/// # Errors
/// Where this is no task of a Slurm job, or the results folder cannot be read or written.
pub fn execute_task(results: &Path, sweep_name: &str, submission_name: &str) -> Result<ExitCode, Error> {
    let layout = Layout::absolute(results, sweep_name).map_err(outside)?;
    let folder = layout.submissions();
    let variable = |name: &str| std::env::var(name).ok();
    let mut allotted = Allotted::read(variable, &folder, submission_name).ok_or_else(|| {
        Error::usage("this is no task of a Slurm job").with_help("`tessera run SPEC --on slurm` submits jobs")
    })?;
    let unreadable = |error: std::io::Error| {
        Error::failure(format!("cannot read the submission {}: {error}", submission_name))
            .with_help("the results folder must be the same on every node")
    };
    let submission = Submission::find(&folder, submission_name).map_err(unreadable)?;
    // The first to know which job it is says so: what submitted it may be gone.
    let counts = submission.decide(&folder, Outcome::Job(allotted.task.job.clone())).map_err(unreadable)?;
    if counts != Outcome::Job(allotted.task.job.clone()) {
        eprintln!("job {} does not count ({counts:?}): nothing is executed", allotted.task.job);
        return Ok(ExitCode::Success);
    }
    let place = usize::try_from(allotted.task.task).unwrap_or(usize::MAX);
    let asked = submission.tasks.get(place).map(Vec::as_slice).unwrap_or_default();
    let stored = store::Sweep::open(results, sweep_name)?;
    let sweep = spec_of(&stored, &submission.spec)?;
    allotted.slots = array::slots(&sweep.slurm, &sweep.resources);
    let name = format!("{}.{}.{}", submission_name, allotted.task.task, allotted.task.restart);
    let agent = agent_name(&layout, &name).map_err(outside)?;
    let claimant = Claimant { agent: agent.clone(), task: allotted.task.clone() };
    let attempts = Attempts::new(&layout, &claimant).map_err(outside)?;
    let stopped = stopped(&allotted.request_folder);
    let mut claimed = Vec::new();
    for asked in asked.iter().filter(|asked| stopped.as_ref().is_none_or(|runs| !runs.contains(&asked.run))) {
        if let Some(attempt) = claim(&attempts, &stored, asked, &allotted.task)? {
            claimed.push((asked, attempt));
        }
    }
    // Somebody may have executed one between the look at the journals and the claim.
    let stored = store::Sweep::open(results, sweep_name)?;
    let tasks = claimed.into_iter().filter_map(|(asked, attempt)| task(&stored, asked, attempt));
    let tasks: Vec<QueuedRun> = tasks.collect();
    ExitNote::take_back(&allotted.request_folder);
    eprintln!(
        "{}: task {} on {}: {} of {} to be executed",
        sweep_name,
        allotted.id,
        allotted.task.node,
        tasks.len(),
        counted(asked.len(), "run")
    );
    if tasks.is_empty() {
        return Ok(ExitCode::Success);
    }
    let (id, request_folder) = (allotted.id.clone(), allotted.request_folder.clone());
    let begun: Vec<(RunId, u32)> = tasks.iter().map(|task| (task.id().clone(), task.attempt)).collect();
    let mut journal = Journal::new(results, sweep_name, &agent, None);
    let settings = Settings {
        axes: axes(&tasks),
        slots: Some(allotted.slots),
        // Slurm gave them out; who else is there is not this agent's to judge.
        share_busy: true,
        reservations: None,
        // Slurm, too, kills what does not end soon.
        grace: GRACE / 2,
        allotted: Some(allotted),
        ..settings(&sweep, trainer(&sweep)?, layout, agent)
    };
    let summary = journal.execute(settings, tasks)?;
    journal.close()?;
    let code = close(&summary, &sweep);
    if summary.stop_reason == Some(StopReason::Warned) && summary.stopped + summary.left > 0 {
        let some = summary.done + summary.failed.len() > 0;
        let got_further = some || has_checkpoint(&store::Sweep::open(results, sweep_name)?, &begun);
        if let Some(exit_note) = put_back(&Cluster::default(), &id, got_further, sweep.slurm.warning) {
            exit_note.leave(&request_folder).map_err(outside)?;
        }
    }
    Ok(code)
}

/// Puts a task that was warned back into the queue, which ends this very process: all is safe by now. Else its last word.
fn put_back(cluster: &Cluster, id: &str, got_further: bool, warning: Duration) -> Option<ExitNote> {
    // A task may also be warned because another job takes its place: then it had less than its time.
    if !got_further && cluster.time_left(id).is_some_and(|left| left <= warning + EARLY) {
        eprintln!("it does not go back into the queue: in all its time no run got as far as a result or a checkpoint");
        return Some(ExitNote::Never);
    }
    eprintln!("it goes back into the queue");
    let error = cluster.requeue(id).err()?;
    eprintln!("{error}; a `tessera run --on slurm` submits what is left");
    Some(ExitNote::Again(error.to_string()))
}

/// Whether one of these attempts has left a checkpoint.
fn has_checkpoint(stored: &store::Sweep, attempts: &[(RunId, u32)]) -> bool {
    attempts.iter().any(|(run, attempt)| {
        stored.state(run).is_some_and(|state| state.checkpoints.iter().any(|one| one.attempt == *attempt))
    })
}

/// The runs that somebody asked to stop while the task waited; `None`: none. An empty request means all of them.
fn stopped(request_folder: &Path) -> Option<BTreeSet<RunId>> {
    let mut runs = BTreeSet::new();
    for request in Request::take_all(request_folder) {
        match request {
            Ok(Request::Stop { runs: asked, .. }) => runs.extend(asked),
            Ok(Request::Retry { .. }) => {}
            Err(why) => eprintln!("{why}"),
        }
    }
    Some(runs).filter(|runs| !runs.is_empty())
}

/// Claims the next attempt of a run, where it is to be executed and the attempt before is known to be over.
fn claim(attempts: &Attempts, stored: &store::Sweep, asked: &TaskRun, own: &ClusterTask) -> Result<Option<u32>, Error> {
    let Some(state) = stored.state(&asked.run) else { return Ok(None) };
    if state.attempt > asked.floor && !goes_on(state, own) {
        return Ok(None);
    }
    let mut attempt = state.attempt.max(asked.floor) + 1;
    loop {
        match attempts.claim(&asked.run, attempt).map_err(outside)? {
            Ok(()) => return Ok(Some(attempt)),
            Err(other) if is_earlier(&other.task, own) => attempt += 1,
            Err(other) => {
                eprintln!("{}: attempt {attempt} is {}'s", asked.run, other.agent);
                return Ok(None);
            }
        }
    }
}

/// Whether another attempt follows the newest one, which was begun after this task had been planned.
fn goes_on(state: &RunState, own: &ClusterTask) -> bool {
    let task = state.provenance.as_ref().and_then(|provenance| provenance.task.as_deref());
    match state.status {
        // What was stopped goes on when this task was put back into the queue.
        Status::Stopped => true,
        Status::Running => {
            let gone = || state.provenance.as_ref().is_none_or(|about| leftover::look(about) == Leftover::Gone);
            task.is_some_and(|task| is_earlier(task, own)) || task.is_none() && gone()
        }
        _ => false,
    }
}

/// Whether it is the same task, before it was put back into the queue.
fn is_earlier(other: &ClusterTask, own: &ClusterTask) -> bool {
    (&other.submission, &other.job, other.task) == (&own.submission, &own.job, own.task) && other.restart < own.restart
}

/// A claimed run as it is executed; `None` where that has become needless.
fn task(stored: &store::Sweep, asked: &TaskRun, attempt: u32) -> Option<QueuedRun> {
    let state = stored.state(&asked.run)?;
    let is_done = state.status.is_done() && state.attempt > asked.floor;
    if state.attempt >= attempt || is_done {
        return None;
    }
    let planned =
        PlannedRun { run: asked.run.clone(), seed: state.seed, parameters: state.parameters.as_ref().clone() };
    // A result that is asked for again is one of an older trainer: it begins anew.
    let resume = if state.status.is_done() { None } else { newest_checkpoint(stored, state) };
    Some(QueuedRun { planned, attempt, resume })
}

/// The parameters by which runs differ.
fn axes(tasks: &[QueuedRun]) -> Vec<String> {
    let names: BTreeSet<&String> = tasks.iter().flat_map(|task| task.planned.parameters.keys()).collect();
    let first = tasks.first().map(|task| &task.planned.parameters);
    let differs = |name: &&String| {
        let value = first.and_then(|parameters| parameters.get(*name));
        tasks.iter().any(|task| task.planned.parameters.get(*name) != value)
    };
    names.into_iter().filter(differs).cloned().collect()
}
