//! The exit note of a task that was warned and does not go back into the queue: whether its unfinished runs are to
//! be submitted again.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// What a task says when it ends before its runs are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitNote {
    /// It could not be put back; why.
    Again(String),
    /// In another task its runs would get no further.
    Never,
}

impl ExitNote {
    /// Leaves it in the task's request folder.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn leave(&self, request_folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(request_folder)?;
        let aside = request_folder.join(".farewell");
        std::fs::write(&aside, serde_json::to_vec(self)?)?;
        std::fs::rename(aside, request_folder.join(NAME))
    }

    /// What a task left, if anything.
    pub fn read(request_folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(request_folder.join(NAME)).ok()?).ok()
    }

    /// Takes it back: the task is executed after all.
    pub fn take_back(request_folder: &Path) {
        let _ = std::fs::remove_file(request_folder.join(NAME));
    }
}

/// The file, as 0.1.0 called it.
const NAME: &str = "farewell";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_note_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let request_folder = folder.path().join("s-1-aa.0");
        assert_eq!(ExitNote::read(&request_folder), None);
        for word in [ExitNote::Again("refused".into()), ExitNote::Never] {
            word.leave(&request_folder).unwrap();
            assert_eq!(ExitNote::read(&request_folder), Some(word));
        }
        ExitNote::take_back(&request_folder);
        assert_eq!(ExitNote::read(&request_folder), None);
    }
}
