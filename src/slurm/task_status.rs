//! The status of tasks, from the answers of Slurm's programs: squeue first, then sacct, then scontrol. What none of
//! them knows for certain is unknown, not over. Pure.

use super::queue::{Phase, QueueRow, TaskEnd};
use super::submission::{Outcome, Submission};

/// What Slurm's programs answered. `Err`: no answer, in words.
#[derive(Clone, Debug)]
pub struct Answers {
    /// squeue, of the jobs with these names.
    pub squeue: Result<Vec<QueueRow>, String>,
    /// sacct; `None`: there is no accounting.
    pub sacct: Option<Result<Vec<QueueRow>, String>>,
    /// scontrol, of jobs that squeue does not list; asked where there is no accounting.
    pub scontrol: Result<Vec<QueueRow>, String>,
}

/// The status of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// It waits; why, in Slurm's words.
    Pending(String),
    /// It executes on this node.
    Running(String),
    /// It is over, and perhaps how.
    Over(Option<TaskEnd>),
    /// It may be there or not; why nobody knows.
    Unknown(String),
}

impl TaskStatus {
    /// Whether it is there and will execute its runs.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Pending(_) | Self::Running(_))
    }
}

/// The job that a submission without an outcome turns out to have, or that it has none: by its name in the queue, and
/// by whether the process that was to submit it is there (`None`: nobody here knows).
pub fn find_job(submission: &Submission, answers: &Answers, holder_lives: Option<bool>) -> Option<Outcome> {
    let listed = answers.squeue.as_ref().ok()?.iter();
    let kept = answers.sacct.iter().flatten().flatten();
    // The lowest number is the first that was submitted.
    let named = listed.chain(kept).filter(|row| row.name == submission.name);
    let job = named.filter_map(|row| row.job.parse::<u64>().ok()).min();
    match (job, holder_lives) {
        (Some(job), _) => Some(Outcome::Job(job.to_string())),
        (None, Some(false)) if !matches!(answers.sacct, Some(Err(_))) => {
            Some(Outcome::Void(format!("{} was gone before it had submitted it", submission.holder)))
        }
        _ => None,
    }
}

/// The status of each task of a submission. `me` is this user: others' jobs may be hidden.
pub fn task_statuses(submission: &Submission, answers: &Answers, me: &str) -> Vec<TaskStatus> {
    let all = |status: TaskStatus| vec![status; submission.tasks.len()];
    let job = match &submission.outcome {
        Some(Outcome::Void(_)) => return all(TaskStatus::Over(None)),
        Some(Outcome::Job(job)) => job,
        None => return all(TaskStatus::Unknown(format!("{} has not said whether it is submitted", submission.holder))),
    };
    let rows = match &answers.squeue {
        Ok(rows) => rows,
        Err(why) => return all(TaskStatus::Unknown(format!("squeue does not answer: {why}"))),
    };
    // A number alone is not enough: a scheduler that forgot the job may have given it to another.
    let ours = |row: &&QueueRow| row.job == *job && row.name == submission.name;
    let listed: Vec<&QueueRow> = rows.iter().filter(ours).collect();
    let hidden = listed.is_empty() && submission.user != me;
    (0..submission.tasks.len())
        .map(|task| {
            let task = u32::try_from(task).unwrap_or(u32::MAX);
            match listed.iter().find(|row| row.is_of(task)) {
                Some(row) => status_of(row),
                None => gone(answers, task, &ours, hidden.then_some(submission.user.as_str())),
            }
        })
        .collect()
}

/// Of a task that squeue does not list.
fn gone(answers: &Answers, task: u32, ours: &dyn Fn(&&QueueRow) -> bool, hidden: Option<&str>) -> TaskStatus {
    let unknown = |why: String| TaskStatus::Unknown(why);
    match &answers.sacct {
        Some(Err(why)) => return unknown(format!("sacct does not answer: {why}")),
        Some(Ok(rows)) => {
            // Of a task that was requeued there may be a line for each execution: the last one counts.
            let kept = rows.iter().filter(ours).rfind(|row| row.is_of(task));
            match kept.map(|row| &row.phase) {
                // Of a task that was put back the accounts say how its last execution ended, until it begins anew.
                Some(Phase::Over(end)) if end.is_involuntary() && hidden.is_some() => {}
                Some(Phase::Over(end)) => return TaskStatus::Over(Some(*end)),
                // Accounting trails the queue by seconds.
                Some(_) => return unknown("squeue does not list it, and sacct has not seen its end".to_owned()),
                None => {}
            }
        }
        None => match &answers.scontrol {
            Err(why) => return unknown(format!("scontrol does not answer: {why}")),
            Ok(rows) => {
                if let Some(row) = rows.iter().filter(ours).find(|row| row.is_of(task)) {
                    return status_of(row);
                }
            }
        },
    }
    match hidden {
        Some(user) => unknown(format!("it is {user}'s job, which you may not be allowed to see")),
        // A pending task that is cancelled alone leaves no trace anywhere.
        None => TaskStatus::Over(None),
    }
}

fn status_of(row: &QueueRow) -> TaskStatus {
    match &row.phase {
        Phase::Pending => TaskStatus::Pending(row.reason.clone()),
        Phase::Running => TaskStatus::Running(row.node.clone()),
        Phase::Over(end) => TaskStatus::Over(Some(*end)),
        Phase::Other(state) => TaskStatus::Unknown(format!("its state is {state}, which is not known here")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::{sacct, squeue};
    use super::super::submission::TaskRun;
    use super::*;
    use crate::record::RunId;
    use proptest::prelude::*;

    fn submission() -> Submission {
        let task = || vec![TaskRun { run: RunId::of("a"), floor: 0 }];
        let mut one = Submission::new("s", std::path::Path::new("/r"), "00", 0, vec![task(), task(), task()]);
        (one.name, one.user) = ("s-1-aa".into(), "me".into());
        one.outcome = Some(Outcome::Job("7".into()));
        one
    }

    fn answers(queue: &str, accounting: Option<&str>) -> Answers {
        Answers { squeue: Ok(squeue(queue)), sacct: accounting.map(|text| Ok(sacct(text))), scontrol: Ok(Vec::new()) }
    }

    fn statuses(answers: &Answers) -> Vec<TaskStatus> {
        task_statuses(&submission(), answers, "me")
    }

    #[test]
    fn the_queue_is_believed_by_name_and_number() {
        let queue = "7|0|RUNNING|s-1-aa|me|node1|None\n7|[1-2%4]|PENDING|s-1-aa|me||Resources\n";
        let waits = TaskStatus::Pending("Resources".into());
        assert_eq!(statuses(&answers(queue, None)), [TaskStatus::Running("node1".into()), waits.clone(), waits]);
        // The number was given to another job.
        let other = queue.replace("s-1-aa", "other");
        assert!(statuses(&answers(&other, None)).iter().all(|status| *status == TaskStatus::Over(None)));
        assert!(
            statuses(&answers("", Some("7_[0-2]|s-1-aa|CANCELLED by 0|me|None assigned")))
                .iter()
                .all(|status| *status == TaskStatus::Over(Some(TaskEnd::Cancelled)))
        );
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        let mut silent = answers("", None);
        silent.squeue = Err("timed out".into());
        let unknown = |answers: &Answers| statuses(answers).iter().all(|s| matches!(s, TaskStatus::Unknown(_)));
        assert!(unknown(&silent));
        // Accounting trails.
        assert!(unknown(&answers("", Some("7_[0-2]|s-1-aa|RUNNING|me|node1"))));
        let mut half = answers("", None);
        half.scontrol = Err("timed out".into());
        assert!(unknown(&half));
        let hidden = task_statuses(&submission(), &answers("", None), "you");
        assert!(hidden.iter().all(|status| matches!(status, TaskStatus::Unknown(_))));
        // Put back after a preemption, or not: the queue would say it, of which nothing is seen.
        let preempted = answers("", Some("7_0|s-1-aa|PREEMPTED|me|node1\n7_1|s-1-aa|COMPLETED|me|node1\n"));
        let theirs = task_statuses(&submission(), &preempted, "you");
        assert!(matches!(theirs[0], TaskStatus::Unknown(_)) && theirs[1] == TaskStatus::Over(Some(TaskEnd::Completed)));
        assert_eq!(statuses(&preempted)[0], TaskStatus::Over(Some(TaskEnd::Preempted)));
        let mut undecided = submission();
        undecided.outcome = None;
        assert!(
            task_statuses(&undecided, &answers("", None), "me").iter().all(|s| matches!(s, TaskStatus::Unknown(_)))
        );
    }

    #[test]
    fn a_submission_that_was_cut_short_is_found_by_its_name() {
        let found = answers("9|0|RUNNING|s-1-aa|me|n|\n8|0|PENDING|s-1-aa|me|n|\n", None);
        for lives in [None, Some(true), Some(false)] {
            assert_eq!(find_job(&submission(), &found, lives), Some(Outcome::Job("8".into())));
        }
        let none = answers("9|0|RUNNING|s-1-bb|me|n|\n", None);
        assert_eq!(find_job(&submission(), &none, None), None);
        assert_eq!(find_job(&submission(), &none, Some(true)), None);
        assert!(matches!(find_job(&submission(), &none, Some(false)), Some(Outcome::Void(_))));
        let silent = Answers { squeue: Err("no".into()), ..none };
        assert_eq!(find_job(&submission(), &silent, Some(false)), None);
    }

    proptest! {
        /// Whatever Slurm says of a task that it lists: only the states that mean an end are an end.
        #[test]
        fn a_state_that_is_not_known_is_no_end(state in "[A-Z_]{1,16}", more in "[ -~]{0,40}") {
            let text = format!("7|0|{state}|s-1-aa|me|{more}\n");
            let ends = ["COMPLETED", "CD", "FAILED", "F", "CANCELLED", "CA", "TIMEOUT", "TO", "NODE_FAIL", "NF", "PREEMPTED",
                "PR", "OUT_OF_MEMORY", "OOM", "DEADLINE", "DL", "BOOT_FAIL", "BF", "REVOKED", "RV", "LAUNCH_FAILED", "RECONFIG_FAIL"];
            let over = matches!(statuses(&answers(&text, None))[0], TaskStatus::Over(_));
            prop_assert_eq!(over, ends.contains(&state.as_str()));
        }

        /// No text makes a parser fail, and no noise beside our lines changes what is known.
        #[test]
        fn noise_is_passed_over(noise in "[ -~\n|]{0,200}") {
            let ours = "7|0|RUNNING|s-1-aa|me|node1|None";
            let noise: String = noise.lines().filter(|line| !line.trim_start().starts_with('7')).map(|l| format!("{l}\n")).collect();
            prop_assert_eq!(&statuses(&answers(&format!("{noise}{ours}\n{noise}"), None))[0], &TaskStatus::Running("node1".into()));
            sacct(&noise);
            super::super::queue::scontrol(&noise);
            super::super::queue::config(&noise);
        }
    }
}
