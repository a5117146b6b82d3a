//! Compares a plan with what is stored: what is done, and what is to do. `plan` shows it and `run` executes it.

use crate::agent::QueuedRun;
use crate::error::Error;
use crate::plan::{Plan, Run};
use crate::record::counted;
use crate::record::{PlannedRun, Resume, RunId};
use crate::store::{RunState, Status, Sweep};
use std::collections::{HashMap, HashSet};

/// What is to be done for a plan, and what is done.
pub struct Todo<'a> {
    plan: &'a Plan,
    stored: Option<&'a Sweep>,
    /// Runs that are to be executed, in the order of the plan.
    left: Vec<Left>,
    /// Runs with a result.
    pub done: usize,
    /// Of these, runs that diverged.
    pub diverged: usize,
    /// Results of another version of the trainer that are kept …
    stale: usize,
    /// … or made again.
    again: usize,
    new: usize,
    failed: usize,
    open: usize,
    stopped: usize,
    kept: usize,
}

/// A run that is to be executed.
struct Left {
    /// Its place in the plan.
    place: usize,
    /// Whether checkpoints of earlier attempts are passed over.
    afresh: bool,
}

impl<'a> Todo<'a> {
    /// Which runs of the plan have no result; with `again` those too whose result is that of another `version` of the
    /// trainer (empty: not known).
    pub fn of(plan: &'a Plan, stored: Option<&'a Sweep>, version: &str, again: bool) -> Self {
        let mut todo = Self {
            plan,
            stored,
            left: Vec::new(),
            done: 0,
            diverged: 0,
            stale: 0,
            again: 0,
            new: 0,
            failed: 0,
            open: 0,
            stopped: 0,
            kept: 0,
        };
        for (place, run) in plan.runs.iter().enumerate() {
            let state = todo.state(run);
            let done = state.is_some_and(|state| state.status.is_done());
            let stale = done && state.is_some_and(|state| is_stale(state, version));
            match state.map(|state| state.status) {
                _ if stale && again => todo.again += 1,
                Some(status) if done => {
                    todo.done += 1;
                    todo.diverged += usize::from(status == Status::Diverged);
                    todo.stale += usize::from(stale);
                    continue;
                }
                Some(Status::Failed) => todo.failed += 1,
                Some(Status::Running | Status::Unknown) => todo.open += 1,
                Some(Status::Stopped) => todo.stopped += 1,
                _ => todo.new += 1,
            }
            todo.left.push(Left { place, afresh: stale });
        }
        if let Some(stored) = stored {
            let asked: HashSet<&str> = plan.runs.iter().map(|run| run.id.as_str()).collect();
            todo.kept = stored.states().iter().filter(|state| !asked.contains(state.run.as_str())).count();
        }
        todo
    }

    /// Leaves only some runs to be executed, and at most so many.
    pub fn keep(&mut self, only: Option<&[RunId]>, limit: Option<usize>) {
        if let Some(only) = only {
            let wanted: HashSet<&str> = only.iter().map(RunId::as_str).collect();
            let plan = self.plan;
            self.left.retain(|left| wanted.contains(plan.runs[left.place].id.as_str()));
        }
        self.left.truncate(limit.unwrap_or(usize::MAX));
    }

    /// What is stored of the sweep.
    pub fn stored(&self) -> Option<&'a Sweep> {
        self.stored
    }

    /// The runs that are to be executed.
    pub fn left(&self) -> impl Iterator<Item = &'a Run> {
        self.left.iter().map(|left| &self.plan.runs[left.place])
    }

    /// The runs that are to be executed, each with its next attempt and the checkpoint that it goes on from.
    ///
    /// # Errors
    /// Where a journal or the folder of logs cannot be read.
    pub fn runs(&self) -> Result<Vec<QueuedRun>, Error> {
        // Rows and logs of attempts that no journal tells of any more: their numbers are not given again.
        let newest = match self.stored {
            Some(stored) if !self.left.is_empty() => stored.newest_attempts()?,
            _ => HashMap::new(),
        };
        let task = |left: &Left| {
            let run = &self.plan.runs[left.place];
            let id = run.id.clone();
            let state = self.state(run);
            let known = state.map_or(0, |state| state.attempt);
            let attempt = known.max(newest.get(&id).copied().unwrap_or(0)) + 1;
            let resume = state.filter(|_| !left.afresh).and_then(|state| newest_checkpoint(self.stored?, state));
            Ok(QueuedRun { planned: PlannedRun { run: id, seed: run.seed, parameters: run.own() }, attempt, resume })
        };
        self.left.iter().map(task).collect()
    }

    /// `12 runs: 4 new · 8 done (2 by an older trainer)`
    pub fn words(&self) -> String {
        let runs = self.plan.runs.len();
        format!("{}: {}", counted(runs, "run"), self.delta())
    }

    /// `4 new · 8 done (2 by an older trainer)`
    pub fn delta(&self) -> String {
        let counts = [
            (self.new, "new"),
            (self.done, "done"),
            (self.again, "done by an older trainer, and again now"),
            (self.failed, "failed"),
            (self.stopped, "stopped"),
            (self.open, "begun and not ended"),
            (self.kept, "no longer asked for (kept)"),
        ];
        let words = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| match *what {
            "done" if self.stale > 0 => format!("{count} done ({} by an older trainer)", self.stale),
            what => format!("{count} {what}"),
        });
        words.collect::<Vec<_>>().join(" · ")
    }

    /// The runs that are to be executed, a line each.
    pub fn list(&self) -> String {
        let line = |run: &Run| {
            let words = run.own().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            format!("{}  seed={}  {}\n", run.id, run.seed, words.join("  "))
        };
        self.left().map(line).collect()
    }

    fn state(&self, run: &Run) -> Option<&'a RunState> {
        self.stored?.state(&run.id)
    }
}

/// Whether a result is that of another version of the trainer, as far as versions are known.
fn is_stale(state: &RunState, version: &str) -> bool {
    let by = state.provenance.as_ref().map(|provenance| provenance.version.as_str()).unwrap_or_default();
    !version.is_empty() && !by.is_empty() && by != version
}

/// The newest checkpoint that is still there.
pub fn newest_checkpoint(stored: &Sweep, state: &RunState) -> Option<Resume> {
    let folder = std::path::absolute(stored.layout().checkpoints(&state.run)).ok()?;
    let there = state.checkpoints.iter().rev().map(|checkpoint| (checkpoint, folder.join(&checkpoint.file)));
    let (checkpoint, file) = there.into_iter().find(|(_, file)| file.exists())?;
    Some(Resume { attempt: checkpoint.attempt, step: checkpoint.step, checkpoint: file })
}
