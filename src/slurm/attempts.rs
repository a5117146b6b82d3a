//! Claims of attempts. (run, attempt) is given once, by link(2), and never given back. So neither a task that Slurm
//! executes twice nor two tasks with the same run execute the same attempt. Of two attempts the later counts.

use crate::record::{ClusterTask, Layout, RunId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

/// The claims of one agent.
pub struct Attempts {
    folder: PathBuf,
    own: PathBuf,
}

/// Who holds a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// The agent's name.
    pub agent: String,
    /// Its task.
    pub task: ClusterTask,
}

impl Attempts {
    /// The claims of a sweep, as this agent makes them: each is a link to one file that names it.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn new(layout: &Layout, claimant: &Claimant) -> io::Result<Self> {
        let folder = layout.attempts();
        std::fs::create_dir_all(&folder)?;
        let own = folder.join(format!(".{}", claimant.agent));
        let mut file = std::fs::File::create(&own)?;
        file.write_all(&serde_json::to_vec(claimant)?)?;
        file.sync_all()?;
        Ok(Self { folder, own })
    }

    /// Claims an attempt; else who has it.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the claim there cannot be read.
    pub fn claim(&self, run: &RunId, attempt: u32) -> io::Result<Result<(), Claimant>> {
        let path = self.folder.join(format!("{run}.{attempt}"));
        match std::fs::hard_link(&self.own, &path) {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(Err(serde_json::from_slice(&std::fs::read(&path)?)?))
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.own);
    }
}

/// The newest attempt of each run that was ever claimed.
///
/// # Errors
/// Where the folder cannot be listed; one that is not there has none.
pub fn newest(layout: &Layout) -> io::Result<HashMap<RunId, u32>> {
    let entries = match std::fs::read_dir(layout.attempts()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashMap::new()),
        entries => entries?,
    };
    let mut newest = HashMap::new();
    for entry in entries {
        let name = entry?.file_name();
        let claim = name.to_str().and_then(|name| name.split_once('.'));
        let claim = claim.and_then(|(run, attempt)| Some((RunId::parse(run)?, attempt.parse::<u32>().ok()?)));
        if let Some((run, attempt)) = claim {
            let known = newest.entry(run).or_insert(attempt);
            *known = attempt.max(*known);
        }
    }
    Ok(newest)
}

/// A name for an agent that no other agent has or had, since each is the one writer of its journal: `wanted`, or with a
/// letter after it where a task is executed twice under one number.
///
/// # Errors
/// Where the folder cannot be written.
pub fn agent_name(layout: &Layout, wanted: &str) -> io::Result<String> {
    let folder = layout.agent_names();
    std::fs::create_dir_all(&folder)?;
    for letter in std::iter::once(String::new()).chain(('b'..='z').map(String::from)) {
        let name = format!("{wanted}{letter}");
        match std::fs::File::create_new(folder.join(&name)) {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("{wanted} has been executed 26 times")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path(), "demo");
        let claimant = |agent: &str| Claimant { agent: agent.to_owned(), task: ClusterTask::default() };
        let (a, b) = (claimant("a"), claimant("b"));
        let (ours, theirs) = (Attempts::new(&layout, &a).unwrap(), Attempts::new(&layout, &b).unwrap());
        let (run, other) = (RunId::of("run"), RunId::of("other"));
        assert_eq!(ours.claim(&run, 1).unwrap(), Ok(()));
        assert_eq!(theirs.claim(&run, 1).unwrap(), Err(a.clone()));
        assert_eq!(theirs.claim(&run, 2).unwrap(), Ok(()));
        assert_eq!(theirs.claim(&other, 1).unwrap(), Ok(()));
        drop(ours);
        assert_eq!(theirs.claim(&run, 1).unwrap(), Err(a));
        assert_eq!(newest(&layout).unwrap(), HashMap::from([(run, 2), (other, 1)]));
        assert!(newest(&Layout::new(folder.path(), "nowhere")).unwrap().is_empty());
        assert_eq!(agent_name(&layout, "a").unwrap(), "a");
        assert_eq!(agent_name(&layout, "a").unwrap(), "ab");
    }
}
