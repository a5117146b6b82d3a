//! Submissions are files on the shared file system, so that any login node goes on where another stopped.
//!
//! `slurm/<number>.json` says what is to be submitted. It is put in place by link(2) under the next number. Of two
//! processes that plan at the same time one wins, and the other looks again at what is missing.
//! `slurm/<number>.outcome` says what became of it: the job that counts, or why there is none. It is put in place
//! by link(2) too, by whoever knows first: the process that called sbatch, one that found the job by its name, or
//! the job's first task. A task of any other job executes nothing, so sbatch may be called twice without harm.

use crate::presence::claim::Holder;
use crate::process::host;
use crate::record::RunId;
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The version of the format.
const FORMAT: u32 = 1;

/// Runs that were given to Slurm together: one job, an array of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The format's version.
    format: u32,
    /// Its place among the sweep's submissions, from 1.
    pub number: u64,
    /// The job's name: nothing else in the cluster has it.
    pub name: String,
    /// Hash of the spec.
    pub spec: String,
    /// When it was planned, seconds since 1970.
    pub time: f64,
    /// Who submits it.
    pub user: String,
    /// The process that submits it.
    pub holder: Holder,
    /// The runs of each task.
    pub tasks: Vec<Vec<TaskRun>>,
    /// What became of it, as far as was known when it was read.
    #[serde(skip)]
    pub outcome: Option<Outcome>,
}

/// A run in a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// Which.
    pub run: RunId,
    /// Attempts up to this one are known to be over.
    #[serde(default)]
    pub floor: u32,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The number of the job that counts.
    Job(String),
    /// There is no job, and none will count; with the reason.
    Void(String),
}

impl Submission {
    /// A submission of these tasks as the next after `last`.
    pub fn new(sweep: &str, folder: &Path, spec: &str, last: u64, tasks: Vec<Vec<TaskRun>>) -> Self {
        let (number, time, holder) = (last + 1, host::unix_time(), Holder::this());
        let what = format!("{}\0{number}\0{time}\0{}\0{}", folder.display(), holder.host, holder.pid);
        let name = format!("{sweep}-{number}-{}", &blake3::hash(what.as_bytes()).to_hex()[..8]);
        Self { format: FORMAT, number, name, spec: spec.to_owned(), time, user: user(), holder, tasks, outcome: None }
    }

    /// Puts it in its place; false where another has that number.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn place(&self, folder: &Path) -> io::Result<bool> {
        link(&folder.join(format!("{}.json", self.number)), &serde_json::to_vec(self)?)
    }

    /// The submissions of a sweep, in their order; those whose tasks are all known to be over are left out.
    ///
    /// # Errors
    /// Where one cannot be read, or has another format.
    pub fn read_open(folder: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for number in numbers(folder)? {
            if !folder.join(format!("{number}.closed")).exists() {
                found.push(Self::read(&folder.join(format!("{number}.json")))?);
            }
        }
        Ok(found)
    }

    /// The submission with this name.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn find(folder: &Path, name: &str) -> io::Result<Self> {
        let number = name.rsplit('-').nth(1).unwrap_or_default();
        let found = Self::read(&folder.join(format!("{number}.json")))?;
        if found.name == name {
            return Ok(found);
        }
        Err(io::Error::new(ErrorKind::NotFound, format!("submission {number} is {}, not {name}", found.name)))
    }

    fn read(path: &Path) -> io::Result<Self> {
        let wrong = |what: String| io::Error::new(ErrorKind::InvalidData, format!("{}: {what}", path.display()));
        let mut found: Self =
            serde_json::from_slice(&std::fs::read(path)?).map_err(|error| wrong(error.to_string()))?;
        if found.format != FORMAT {
            return Err(wrong(format!("format {} is not known here (only {FORMAT})", found.format)));
        }
        found.outcome = found.said(path.parent().unwrap_or(Path::new(".")));
        Ok(found)
    }

    /// The highest number given so far.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn last(folder: &Path) -> io::Result<u64> {
        Ok(numbers(folder)?.last().copied().unwrap_or(0))
    }

    /// What is said to have become of it.
    fn said(&self, folder: &Path) -> Option<Outcome> {
        serde_json::from_slice(&std::fs::read(self.outcome_path(folder)).ok()?).ok()
    }

    /// Says what became of it; what was said first counts, and is returned.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn decide(&self, folder: &Path, outcome: Outcome) -> io::Result<Outcome> {
        link(&self.outcome_path(folder), &serde_json::to_vec(&outcome)?)?;
        self.said(folder).ok_or_else(|| io::Error::from(ErrorKind::InvalidData))
    }

    /// Notes that all its tasks are over, so that nobody asks again.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn close(&self, folder: &Path) -> io::Result<()> {
        std::fs::write(folder.join(format!("{}.closed", self.number)), "")
    }

    /// The number of its job, where it has one.
    pub fn job(&self) -> Option<&str> {
        match &self.outcome {
            Some(Outcome::Job(job)) => Some(job),
            _ => None,
        }
    }

    /// A task as Slurm's programs call it: `12_3`.
    pub fn task_id(&self, task: usize) -> Option<String> {
        self.job().map(|job| format!("{job}_{task}"))
    }

    /// The folder in which requests for the agent of a task are left.
    pub fn request_folder(folder: &Path, name: &str, task: u32) -> PathBuf {
        folder.join(format!("{name}.{task}"))
    }

    /// Where its script lies, for people.
    pub fn script(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.sh", self.name))
    }

    fn outcome_path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.outcome", self.number))
    }
}

fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Writes a file whole and synced under a name that nobody has yet; false where somebody has.
fn link(path: &Path, text: &[u8]) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let holder = Holder::this();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}-{}-{}-{}", holder.host, holder.pid, holder.start_time));
    let outcome = std::fs::File::create(&aside)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
        .and_then(|()| match std::fs::hard_link(&aside, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        });
    let _ = std::fs::remove_file(&aside);
    outcome
}

/// This user's name; the number where it has none.
pub fn user() -> String {
    let number = nix::unistd::geteuid();
    let names = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let by_number = names.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number.to_string()).then(|| name.to_owned())
    });
    by_number.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(folder: &Path, last: u64) -> Submission {
        let asked = TaskRun { run: RunId::of("a"), floor: 0 };
        Submission::new("s", folder, "00", last, vec![vec![asked]])
    }

    #[test]
    fn of_two_that_plan_at_once_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (submission(folder.path(), 0), submission(folder.path(), 0));
        assert!(a.place(folder.path()).unwrap());
        assert!(!b.place(folder.path()).unwrap());
        assert_eq!(Submission::last(folder.path()).unwrap(), 1);
        assert_eq!(Submission::find(folder.path(), &a.name).unwrap(), a);
        assert!(Submission::find(folder.path(), "s-1-ffffffff").is_err());
        assert_eq!(Submission::read_open(folder.path()).unwrap(), [a]);
    }

    #[test]
    fn what_is_said_first_of_a_submission_counts() {
        let folder = tempfile::tempdir().unwrap();
        let one = submission(folder.path(), 0);
        one.place(folder.path()).unwrap();
        assert_eq!(one.said(folder.path()), None);
        let first = Outcome::Job("17".into());
        assert_eq!(one.decide(folder.path(), first.clone()).unwrap(), first);
        assert_eq!(one.decide(folder.path(), Outcome::Job("18".into())).unwrap(), first);
        assert_eq!(one.decide(folder.path(), Outcome::Void("no".into())).unwrap(), first);
        one.close(folder.path()).unwrap();
        assert!(Submission::read_open(folder.path()).unwrap().is_empty());
        assert_eq!(Submission::last(folder.path()).unwrap(), 1);
    }
}
