//! Decides which runs of a session are to be submitted, and which are left as they are.

use super::tasks::{Availability, Tasks};
use crate::record::{Failure, RunId};
use crate::slurm::exit_note::ExitNote;
use crate::slurm::queue::TaskEnd;
use crate::slurm::submission::TaskRun;
use crate::store::{self, Status};
use std::collections::HashMap;

/// How often a session submits a run again whose task ended involuntarily.
const AGAIN: u32 = 5;

/// The runs that a session was called for.
pub struct SessionRuns {
    /// How often each was given to a task, by this session or, as far as it saw, before.
    given: HashMap<RunId, u32>,
}

/// How the runs of a session stand.
#[derive(Default)]
pub struct Missing {
    /// Those that are to be submitted.
    pub runs: Vec<TaskRun>,
    /// How many a task has.
    pub held: usize,
    /// Of those that a task may have: why nobody knows.
    pub unknown: Vec<String>,
    /// How many failed.
    pub failed: usize,
    /// Those whose task ended without executing them, and how it ended.
    pub dropped: Vec<(RunId, Option<TaskEnd>)>,
    /// How many of these would get no further in another task.
    pub stuck: usize,
}

impl SessionRuns {
    /// These runs.
    pub fn new(runs: impl Iterator<Item = RunId>) -> Self {
        Self { given: runs.map(|run| (run, 0)).collect() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// How they stand. `left` are the runs without a result, `claimed` the newest attempt of each that was ever claimed.
    /// What is to be submitted counts as given from now on.
    pub fn look(
        &mut self,
        left: impl Iterator<Item = RunId>,
        tasks: &Tasks,
        stored: &store::Sweep,
        claimed: &HashMap<RunId, u32>,
    ) -> Missing {
        let mut missing = Missing::default();
        for run in left {
            let Some(times) = self.given.get_mut(&run) else { continue };
            let state = stored.state(&run);
            let end = match tasks.availability(&run, state) {
                Availability::Held => {
                    // What becomes of it is the task's to say: somebody may cancel it.
                    *times = (*times).max(1);
                    missing.held += 1;
                    continue;
                }
                Availability::Unknown(why) => {
                    missing.unknown.push(why);
                    continue;
                }
                Availability::Free(end) => end,
            };
            let exit_note = tasks.exit_note(&run);
            match next_step(*times, end, exit_note.as_ref(), state.map(|state| (state.status, state.failure))) {
                NextStep::Submit => {
                    *times += 1;
                    let attempt = state.map_or(0, |state| state.attempt);
                    let floor = attempt.max(claimed.get(&run).copied().unwrap_or(0));
                    missing.runs.push(TaskRun { run, floor });
                }
                NextStep::Failed => missing.failed += 1,
                NextStep::Dropped => {
                    missing.stuck += usize::from(exit_note == Some(ExitNote::Never));
                    missing.dropped.push((run, end));
                }
            }
        }
        missing
    }
}

/// What is to be done with a run that nothing executes and that has no result.
#[derive(Debug, PartialEq, Eq)]
enum NextStep {
    Submit,
    /// It failed: what a failure is worth was its task's to judge.
    Failed,
    /// Its task was not to execute it to its end.
    Dropped,
}

fn next_step(
    times: u32,
    end: Option<TaskEnd>,
    exit_note: Option<&ExitNote>,
    stood: Option<(Status, Option<Failure>)>,
) -> NextStep {
    let (status, failure) = stood.unwrap_or((Status::Planned, None));
    let lost = failure == Some(Failure::Lost);
    if times == 0 {
        return NextStep::Submit;
    }
    if status == Status::Failed && !lost {
        return NextStep::Failed;
    }
    let involuntary = |end: TaskEnd| match exit_note {
        Some(exit_note) if end == TaskEnd::Failed => matches!(exit_note, ExitNote::Again(_)),
        // The end of an agent without an exit note is involuntary too.
        _ => end.is_involuntary() || end == TaskEnd::Failed && lost,
    };
    if end.is_some_and(involuntary) && times < AGAIN { NextStep::Submit } else { NextStep::Dropped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn involuntary_ends_are_submitted_again_and_cancelled_tasks_are_not() {
        let failed = |failure| Some((Status::Failed, Some(failure)));
        let stopped = Some((Status::Stopped, None));
        // Whatever it was before: the session was called for it.
        for stood in [None, failed(Failure::Crash), stopped] {
            assert_eq!(next_step(0, Some(TaskEnd::Cancelled), None, stood), NextStep::Submit);
        }
        for (end, stood, expected) in [
            (Some(TaskEnd::Preempted), stopped, NextStep::Submit),
            (Some(TaskEnd::NodeFail), failed(Failure::Lost), NextStep::Submit),
            (Some(TaskEnd::Timeout), failed(Failure::Lost), NextStep::Submit),
            (Some(TaskEnd::Failed), failed(Failure::Lost), NextStep::Submit),
            // Its setup fails, say.
            (Some(TaskEnd::Failed), None, NextStep::Dropped),
            (Some(TaskEnd::Failed), stopped, NextStep::Dropped),
            (Some(TaskEnd::Cancelled), stopped, NextStep::Dropped),
            (Some(TaskEnd::Cancelled), failed(Failure::Lost), NextStep::Dropped),
            (Some(TaskEnd::Completed), stopped, NextStep::Dropped),
            (None, stopped, NextStep::Dropped),
            (Some(TaskEnd::Completed), failed(Failure::Crash), NextStep::Failed),
            (Some(TaskEnd::Preempted), failed(Failure::Oom), NextStep::Failed),
        ] {
            assert_eq!(next_step(1, end, None, stood), expected, "{end:?} {stood:?}");
        }
        assert_eq!(next_step(AGAIN, Some(TaskEnd::Preempted), None, stopped), NextStep::Dropped);
        // Warned, and not put back: what was not begun, too.
        let (again, never) = (ExitNote::Again("refused".to_owned()), ExitNote::Never);
        for stood in [None, stopped] {
            assert_eq!(next_step(1, Some(TaskEnd::Failed), Some(&again), stood), NextStep::Submit);
            assert_eq!(next_step(1, Some(TaskEnd::Failed), Some(&never), stood), NextStep::Dropped);
            assert_eq!(next_step(1, Some(TaskEnd::Cancelled), Some(&again), stood), NextStep::Dropped);
        }
    }
}
