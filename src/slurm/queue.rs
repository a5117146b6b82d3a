//! Parses the output of `squeue`, `sacct` and `scontrol show job`. Lines, fields and states that are not known here
//! are passed over or kept as they are, and never taken for an end. Pure.

use std::time::Duration;

/// The format that squeue is asked for: a line a task, fields parted by `|`.
pub const SQUEUE_FORMAT: &str = "%F|%K|%T|%j|%u|%N|%r";
/// The fields that sacct is asked for.
pub const SACCT_FIELDS: &str = "JobID,JobName,State,User,NodeList";

/// Where a task of a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits.
    Pending,
    /// It executes, or is about to or just has.
    Running,
    /// It is over.
    Over(TaskEnd),
    /// A state that is not known here: it is there, no more is known.
    Other(String),
}

/// How a task ended, as Slurm has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskEnd {
    /// By itself, well.
    Completed,
    /// By itself, badly.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Over its time limit.
    Timeout,
    /// Its node failed, or did not boot.
    NodeFail,
    /// Another job took its place.
    Preempted,
    /// Out of memory.
    OutOfMemory,
    /// It could not start in time.
    Deadline,
}

impl TaskEnd {
    /// Whether nobody meant it, so that what was not done is submitted again at once.
    pub fn is_involuntary(self) -> bool {
        matches!(self, Self::Timeout | Self::NodeFail | Self::Preempted)
    }
}

impl std::fmt::Display for TaskEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Timeout => "TIMEOUT",
            Self::NodeFail => "NODE_FAIL",
            Self::Preempted => "PREEMPTED",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::Deadline => "DEADLINE",
        })
    }
}

impl Phase {
    /// Reads a state: `RUNNING`, `CANCELLED by 1000`, `CANCELLED+`, and the short ones of squeue's `%t`.
    pub fn of(text: &str) -> Self {
        let word = text.trim().split([' ', '+', ',']).next().unwrap_or_default();
        match word.to_ascii_uppercase().as_str() {
            "PENDING" | "PD" | "REQUEUED" | "RQ" | "REQUEUE_FED" | "RF" | "REQUEUE_HOLD" | "RH" | "SPECIAL_EXIT"
            | "SE" | "RESV_DEL_HOLD" | "RD" => Self::Pending,
            "RUNNING" | "R" | "COMPLETING" | "CG" | "CONFIGURING" | "CF" | "SUSPENDED" | "S" | "STOPPED" | "ST"
            | "SIGNALING" | "SI" | "STAGE_OUT" | "SO" | "RESIZING" | "RS" | "POWER_UP_NODE" => Self::Running,
            "COMPLETED" | "CD" => Self::Over(TaskEnd::Completed),
            "FAILED" | "F" | "LAUNCH_FAILED" | "RECONFIG_FAIL" => Self::Over(TaskEnd::Failed),
            "CANCELLED" | "CA" | "REVOKED" | "RV" => Self::Over(TaskEnd::Cancelled),
            "TIMEOUT" | "TO" => Self::Over(TaskEnd::Timeout),
            "NODE_FAIL" | "NF" | "BOOT_FAIL" | "BF" => Self::Over(TaskEnd::NodeFail),
            "PREEMPTED" | "PR" => Self::Over(TaskEnd::Preempted),
            "OUT_OF_MEMORY" | "OOM" => Self::Over(TaskEnd::OutOfMemory),
            "DEADLINE" | "DL" => Self::Over(TaskEnd::Deadline),
            _ => Self::Other(text.trim().to_owned()),
        }
    }
}

/// One task, or several that stand alike, of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// The number of the job, of an array that of the whole.
    pub job: String,
    /// Indices of tasks, as ranges with their ends; none: the job is no array.
    pub tasks: Vec<(u32, u32)>,
    /// The job's name.
    pub name: String,
    /// Where it stands.
    pub phase: Phase,
    /// Who submitted it.
    pub user: String,
    /// Where it is executed.
    pub node: String,
    /// Why it waits.
    pub reason: String,
}

impl QueueRow {
    /// Whether it is (also) about this task; a job that is no array has task 0.
    pub fn is_of(&self, task: u32) -> bool {
        match self.tasks.as_slice() {
            [] => task == 0,
            ranges => ranges.iter().any(|(first, last)| (*first..=*last).contains(&task)),
        }
    }
}

/// Reads what squeue says in [`SQUEUE_FORMAT`].
pub fn squeue(text: &str) -> Vec<QueueRow> {
    let row = |line: &str| {
        let mut fields = line.trim().splitn(7, '|').map(str::trim);
        let (job, tasks) = (fields.next()?, fields.next()?);
        number(job)?;
        let (state, name, user) = (fields.next()?, fields.next()?, fields.next()?);
        Some(QueueRow {
            job: job.to_owned(),
            tasks: ranges(tasks),
            name: name.to_owned(),
            phase: Phase::of(state),
            user: user.to_owned(),
            node: fields.next().unwrap_or_default().to_owned(),
            reason: fields.next().unwrap_or_default().to_owned(),
        })
    };
    text.lines().filter_map(row).collect()
}

/// Reads what sacct says of [`SACCT_FIELDS`] with `--parsable2 --noheader`; steps (`12.batch`) are passed over.
pub fn sacct(text: &str) -> Vec<QueueRow> {
    let row = |line: &str| {
        let mut fields = line.trim().split('|').map(str::trim);
        let id = fields.next().filter(|id| !id.contains('.'))?;
        let (job, tasks) = id.split_once('_').unwrap_or((id, ""));
        // `12+0`: a part of a heterogeneous job.
        number(job.split('+').next().unwrap_or(job))?;
        let (name, state) = (fields.next()?, fields.next()?);
        Some(QueueRow {
            job: job.to_owned(),
            tasks: ranges(tasks),
            name: name.to_owned(),
            phase: Phase::of(state),
            user: fields.next().unwrap_or_default().to_owned(),
            node: fields.next().unwrap_or_default().to_owned(),
            reason: String::new(),
        })
    };
    text.lines().filter_map(row).collect()
}

/// Reads what `scontrol show job` says, with or without `--oneliner`: a record begins with `JobId=`.
pub fn scontrol(text: &str) -> Vec<QueueRow> {
    let mut rows = Vec::new();
    let mut record: Vec<(&str, &str)> = Vec::new();
    for word in text.split_whitespace().chain(["JobId="]) {
        let Some((key, value)) = word.split_once('=') else { continue };
        if key == "JobId" && !record.is_empty() {
            rows.extend(job(&record));
            record.clear();
        }
        record.push((key, value));
    }
    rows
}

/// A record of scontrol.
fn job(record: &[(&str, &str)]) -> Option<QueueRow> {
    let get = |key: &str| record.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let job = get("ArrayJobId").or_else(|| get("JobId"))?;
    number(job)?;
    let user = get("UserId").unwrap_or_default();
    Some(QueueRow {
        job: job.to_owned(),
        tasks: ranges(get("ArrayTaskId").unwrap_or_default()),
        name: get("JobName")?.to_owned(),
        phase: Phase::of(get("JobState")?),
        user: user.split('(').next().unwrap_or(user).to_owned(),
        node: get("NodeList").filter(|node| *node != "(null)").unwrap_or_default().to_owned(),
        reason: get("Reason").unwrap_or_default().to_owned(),
    })
}

/// `MaxArraySize` and whether there is accounting, from `scontrol show config`.
pub fn config(text: &str) -> Config {
    let get = |key: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(key))?;
        line.trim_start().strip_prefix('=').map(str::trim)
    };
    let storage = get("AccountingStorageType");
    Config {
        max_array_size: get("MaxArraySize").and_then(|size| size.parse().ok()),
        accounting: storage.is_some_and(|storage| !storage.is_empty() && !storage.ends_with("none")),
        version: get("SLURM_VERSION").unwrap_or_default().to_owned(),
    }
}

/// What of the cluster's configuration counts here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Indices of an array are below this.
    pub max_array_size: Option<usize>,
    /// Whether sacct has something to say.
    pub accounting: bool,
    /// Slurm's version.
    pub version: String,
}

/// The time that squeue's `%L` says is left: `1-02:03:04`, `2:03:04`, `3:04`; `None` where no end is known.
pub fn time_left(text: &str) -> Option<Duration> {
    let (days, clock) = text.trim().split_once('-').unwrap_or(("0", text.trim()));
    let fields: Option<Vec<u64>> = clock.split(':').map(number).collect();
    let seconds = match *fields? {
        [hours, minutes, seconds] => (hours * 60 + minutes) * 60 + seconds,
        [minutes, seconds] => minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(number(days)? * 86_400 + seconds))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// `7`, `[0-5%4]`, `1,3,7-9`, `0-8:2` (taken for all of 0 to 8: too many is safe), `N/A`; a list that Slurm cut short
/// (`[0-4,...]`) goes on to the last index there can be.
fn ranges(text: &str) -> Vec<(u32, u32)> {
    let text = text.trim_matches(['[', ']']);
    let text = text.split('%').next().unwrap_or_default();
    let mut found: Vec<(u32, u32)> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let last = last.split(':').next().unwrap_or(last);
        if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
            found.push((first, last));
        } else if let (true, Some(last)) = (part.starts_with("..."), found.last_mut()) {
            last.1 = u32::MAX;
        }
    }
    found
}
