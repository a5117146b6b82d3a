//! The tasks of a sweep on Slurm, and what is known of them. `run --on slurm`, `status`, `stop` and `retry` begin
//! with it.

use crate::error::Error;
use crate::presence::leftover;
use crate::presence::leftover::Leftover;
use crate::record::Layout;
use crate::record::counted;
use crate::record::{ClusterTask, Fact, Failure, RunId};
use crate::session::error::outside;
use crate::session::lost::lost_fact;
use crate::slurm::cluster::Cluster;
use crate::slurm::exit_note::ExitNote;
use crate::slurm::queue::TaskEnd;
use crate::slurm::submission::{Outcome, Submission, user};
use crate::slurm::task_status::{TaskStatus, find_job, task_statuses};
use crate::store;
use crate::store::{RunState, Status};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A task that was put back waits so long at least: its node must have let go of it.
const SETTLED: Duration = Duration::from_secs(3);

/// A submission that was not known to be over, with the status of each of its tasks.
pub struct Submitted {
    /// What was submitted.
    pub submission: Submission,
    /// In the order of its tasks.
    pub statuses: Vec<TaskStatus>,
}

/// The tasks of a sweep.
pub struct Tasks {
    /// Oldest first.
    pub submitted: Vec<Submitted>,
    /// The sweep's folder for Slurm.
    pub folder: PathBuf,
    /// The newest submission that this look can have seen.
    pub last: u64,
    /// By run: the newest task that has it.
    newest_task: HashMap<RunId, (usize, usize)>,
}

/// Whether a run may be executed now.
pub enum Availability {
    /// A task that waits or executes has it.
    Held,
    /// It may be executed somewhere; why nobody knows.
    Unknown(String),
    /// Nothing executes it. How the last task that had it ended, where this look was the one that saw it.
    Free(Option<TaskEnd>),
}

impl Tasks {
    /// Asks Slurm about what is not known to be over yet; where nothing was submitted it is not asked.
    ///
    /// # Errors
    /// Where the sweep's folder cannot be read or written.
    pub fn look(layout: &Layout, cluster: &Cluster) -> Result<Self, Error> {
        let folder = layout.submissions();
        let last = Submission::last(&folder).map_err(outside)?;
        let mut open = Submission::read_open(&folder).map_err(outside)?;
        let answers = cluster.ask(&open);
        let me = user();
        let mut tasks = Self { submitted: Vec::new(), folder, last, newest_task: HashMap::new() };
        for mut submission in open.drain(..) {
            if submission.outcome.is_none()
                && let Some(outcome) = find_job(&submission, &answers, submission.holder.is_alive())
            {
                submission.outcome = Some(submission.decide(&tasks.folder, outcome).map_err(outside)?);
            }
            let statuses = task_statuses(&submission, &answers, &me);
            if statuses.iter().all(|status| matches!(status, TaskStatus::Over(_))) {
                submission.close(&tasks.folder).map_err(outside)?;
            }
            tasks.submitted.push(Submitted { submission, statuses });
        }
        for (index, submitted) in tasks.submitted.iter().enumerate() {
            for (task, runs) in submitted.submission.tasks.iter().enumerate() {
                for asked in runs {
                    let known = tasks.newest_task.get(&asked.run).copied();
                    let over = |(index, task): (usize, usize)| {
                        matches!(tasks.submitted[index].statuses[task], TaskStatus::Over(_))
                    };
                    // A later submission counts, but not over one that may still execute the run.
                    if known.is_none_or(over) {
                        tasks.newest_task.insert(asked.run.clone(), (index, task));
                    }
                }
            }
        }
        Ok(tasks)
    }

    /// Whether a run may be executed now.
    pub fn availability(&self, run: &RunId, state: Option<&RunState>) -> Availability {
        let mut end = None;
        if let Some(&(index, task)) = self.newest_task.get(run) {
            match &self.submitted[index].statuses[task] {
                TaskStatus::Pending(_) | TaskStatus::Running(_) => return Availability::Held,
                TaskStatus::Unknown(why) => {
                    return Availability::Unknown(format!("{}: {why}", self.submitted[index].submission.name));
                }
                TaskStatus::Over(how) => end = *how,
            }
        }
        let open = state.filter(|state| state.status == Status::Running);
        let Some(provenance) = open.and_then(|state| state.provenance.as_deref()) else {
            return Availability::Free(end);
        };
        match &provenance.task {
            // A task of which nothing is open is over, or its runs would have been found above.
            Some(task) => match self.task_status(task) {
                Some(status) if status.is_live() => Availability::Held,
                Some(TaskStatus::Unknown(why)) => Availability::Unknown(why.clone()),
                _ => Availability::Free(end),
            },
            None if leftover::look(provenance) == Leftover::Gone => Availability::Free(end),
            None => Availability::Unknown(format!("process {} on {} has it", provenance.pid, provenance.host)),
        }
    }

    /// The exit note of the task that had a run, where it left one.
    pub fn exit_note(&self, run: &RunId) -> Option<ExitNote> {
        let &(index, task) = self.newest_task.get(run)?;
        let name = &self.submitted[index].submission.name;
        ExitNote::read(&Submission::request_folder(&self.folder, name, u32::try_from(task).ok()?))
    }

    /// The status of an attempt's task; `None`: its submission is known to be over.
    pub fn task_status(&self, task: &ClusterTask) -> Option<&TaskStatus> {
        let submitted = self.submitted.iter().find(|one| one.submission.name == task.submission)?;
        submitted.statuses.get(usize::try_from(task.task).ok()?)
    }

    /// The status of a run as people are told it: an open attempt runs where its process or its task does, and what a task
    /// has is queued.
    pub fn seen(&self, state: &RunState) -> Status {
        let here = state.provenance.as_deref().filter(|provenance| provenance.task.is_none());
        if let (Status::Running, Some(here)) = (state.status, here) {
            return match leftover::look(here) {
                Leftover::Alive | Leftover::Held => Status::Running,
                Leftover::Gone | Leftover::Unknown => Status::Unknown,
            };
        }
        match (state.status, self.availability(&state.run, Some(state))) {
            (status, _) if status.is_done() => status,
            (Status::Running, Availability::Held) => match self.runs_now(state) {
                true => Status::Running,
                false => Status::Queued,
            },
            (Status::Running, _) => Status::Unknown,
            (Status::Failed, _) => Status::Failed,
            (_, Availability::Held) => Status::Queued,
            (status, _) => status,
        }
    }

    /// Whether the task of the newest attempt executes (one that was put back into the queue does not).
    fn runs_now(&self, state: &RunState) -> bool {
        let task = state.provenance.as_ref().and_then(|provenance| provenance.task.as_deref());
        task.is_none_or(|task| matches!(self.task_status(task), Some(TaskStatus::Running(_))))
    }

    /// What is to be recorded of open attempts whose tasks are over: they are lost.
    pub fn lost(&self, stored: &store::Sweep) -> Vec<Fact> {
        let mut facts = Vec::new();
        for state in stored.states().iter().filter(|state| state.status == Status::Running) {
            let Some(task) = state.provenance.as_ref().and_then(|about| about.task.as_deref()) else { continue };
            if matches!(self.task_status(task), None | Some(TaskStatus::Over(_))) {
                let how = match self.task_status(task) {
                    Some(TaskStatus::Over(Some(end))) => format!("its task ended: {end}"),
                    _ => "its task is gone".to_owned(),
                };
                let message = format!("{how} (job {}_{} on {})", task.job, task.task, task.node);
                facts.push(lost_fact(state, message));
            }
        }
        facts
    }

    /// Somebody knows that what is unknown is gone: it counts as over from now on.
    ///
    /// # Errors
    /// Where the sweep's folder cannot be written.
    pub fn give_up(&mut self) -> Result<(), Error> {
        for Submitted { submission, statuses } in &mut self.submitted {
            if !statuses.iter().any(|status| matches!(status, TaskStatus::Unknown(_))) {
                continue;
            }
            let void = Outcome::Void("somebody said that it is lost".to_owned());
            submission.outcome = Some(submission.decide(&self.folder, void).map_err(outside)?);
            let unknown = statuses.iter_mut().filter(|status| matches!(status, TaskStatus::Unknown(_)));
            unknown.for_each(|status| *status = TaskStatus::Over(None));
            if !statuses.iter().any(TaskStatus::is_live) {
                submission.close(&self.folder).map_err(outside)?;
            }
        }
        Ok(())
    }

    /// Lets tasks start that their agents left in good order and that were put back into the queue: Slurm would make them
    /// wait two minutes. `since`: when each was first seen to wait; `None` once it has been seen to.
    ///
    /// Of a node that fell silent the wait is left alone: it is there because the node, when it is back, refuses a task
    /// that it was told to end in the same second.
    pub fn wake(&self, cluster: &Cluster, stored: &store::Sweep, since: &mut HashMap<String, Option<Instant>>) {
        let mut left: HashMap<(&str, u32), bool> = HashMap::new();
        for state in stored.states() {
            if let Some(task) = state.provenance.as_ref().and_then(|about| about.task.as_deref()) {
                let in_order = left.entry((task.submission.as_str(), task.task)).or_insert(true);
                *in_order &= state.status.is_over() && state.failure != Some(Failure::Lost);
            }
        }
        for Submitted { submission, statuses } in &self.submitted {
            for (task, status) in statuses.iter().enumerate() {
                let number = u32::try_from(task).unwrap_or(u32::MAX);
                let Some(id) = submission.task_id(task) else { continue };
                // Whatever it is said to wait for: a cap on the array hides that its time has not come.
                let waits = matches!(status, TaskStatus::Pending(_));
                if !waits || left.get(&(submission.name.as_str(), number)) != Some(&true) {
                    since.remove(&id);
                    continue;
                }
                let first = since.entry(id.clone()).or_insert_with(|| Some(Instant::now()));
                if first.is_some_and(|first| first.elapsed() >= SETTLED) {
                    // Where it is refused the task waits its two minutes.
                    let _ = cluster.start_now(&id);
                    *first = None;
                }
            }
        }
    }

    /// What the task of a run does, in words; `None` where no task has it.
    pub fn why(&self, run: &RunId) -> Option<String> {
        let &(index, task) = self.newest_task.get(run)?;
        let Submitted { submission, statuses } = &self.submitted[index];
        let id = submission.task_id(task).unwrap_or_else(|| submission.name.clone());
        let others = submission.tasks[task].len() - 1;
        match &statuses[task] {
            TaskStatus::Pending(reason) => Some(format!("its task {id} waits ({reason})")),
            TaskStatus::Running(node) => {
                Some(format!("its task {id} executes on {node}, with {}", counted(others, "other run")))
            }
            TaskStatus::Unknown(why) => Some(format!("of its task {id} nothing is known: {why}")),
            TaskStatus::Over(_) => None,
        }
    }

    /// `3 tasks execute · 5 wait (Resources)`; empty where there are none.
    pub fn words(&self) -> String {
        let all = || self.submitted.iter().flat_map(|one| &one.statuses);
        let running = all().filter(|status| matches!(status, TaskStatus::Running(_))).count();
        let unknown = all().filter(|status| matches!(status, TaskStatus::Unknown(_))).count();
        let mut reasons: Vec<&str> = Vec::new();
        let mut waiting = 0;
        for status in all() {
            if let TaskStatus::Pending(reason) = status {
                waiting += 1;
                if !reasons.contains(&reason.as_str()) && !["", "None"].contains(&reason.as_str()) {
                    reasons.push(reason);
                }
            }
        }
        let mut words = Vec::new();
        words
            .extend((running > 0).then(|| {
                format!("{} {}", counted(running, "task"), if running == 1 { "executes" } else { "execute" })
            }));
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        words.extend(
            (waiting > 0).then(|| {
                format!("{} {}{reasons}", counted(waiting, "task"), if waiting == 1 { "waits" } else { "wait" })
            }),
        );
        words.extend((unknown > 0).then(|| format!("{} of which nothing is known", counted(unknown, "task"))));
        words.join(" · ")
    }

    /// Whether a task waits or executes, or may.
    pub fn is_busy(&self) -> bool {
        self.submitted.iter().flat_map(|one| &one.statuses).any(|status| !matches!(status, TaskStatus::Over(_)))
    }
}

/// Whether anything of the sweep was ever submitted.
pub fn was_submitted(layout: &Layout) -> bool {
    Submission::last(&layout.submissions()).is_ok_and(|last| last > 0)
}
