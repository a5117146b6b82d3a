//! Requests from another terminal: files in `requests/` that the agent deletes when it has read them.

use super::claim::Holder;
use crate::process::host;
use crate::record::{RunId, layout};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// What an agent is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase")]
pub enum Request {
    /// Stop: everything, or these runs.
    Stop {
        /// None: everything.
        #[serde(default)]
        runs: Vec<RunId>,
        /// At once, without a checkpoint.
        #[serde(default)]
        kill: bool,
    },
    /// Try these runs again.
    Retry {
        /// None: every run that failed in this session.
        #[serde(default)]
        runs: Vec<RunId>,
    },
}

impl Request {
    /// Leaves a request for whoever works in a folder: a sweep's, or a cluster task's.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn leave(&self, folder: &Path) -> io::Result<()> {
        let folder = layout::requests(folder);
        std::fs::create_dir_all(&folder)?;
        let name = format!("{:.6}-{}", host::unix_time(), Holder::this().pid);
        let aside = folder.join(format!(".{name}"));
        std::fs::write(&aside, serde_json::to_vec(self)?)?;
        std::fs::rename(&aside, folder.join(name))
    }

    /// Takes the requests to a folder, in their order. What is no request is taken away too, and said in words.
    pub fn take_all(folder: &Path) -> Vec<Result<Self, String>> {
        let files = std::fs::read_dir(layout::requests(folder)).into_iter().flatten().flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.retain(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
        files.sort();
        let take = |path: std::path::PathBuf| {
            let read = std::fs::read(&path).and_then(|text| std::fs::remove_file(&path).map(|()| text));
            // A file that another agent has taken meanwhile was not for this one.
            let text = match read {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => return Some(Err(format!("cannot take the request {}: {error}", path.display()))),
                Ok(text) => text,
            };
            let wrong = |error| format!("{} was no request and is deleted: {error}", path.display());
            Some(serde_json::from_slice(&text).map_err(wrong))
        };
        files.into_iter().filter_map(take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Request::take_all(folder.path()).is_empty());
        let stop = Request::Stop { runs: vec![RunId::of("a")], kill: false };
        stop.leave(folder.path()).unwrap();
        std::fs::write(folder.path().join("requests/x"), "nonsense").unwrap();
        let taken = Request::take_all(folder.path());
        assert_eq!(taken[0], Ok(stop));
        let why = taken[1].as_ref().unwrap_err();
        assert!(why.contains("requests/x was no request and is deleted: expected"), "{why}");
        assert!(Request::take_all(folder.path()).is_empty());
    }
}
