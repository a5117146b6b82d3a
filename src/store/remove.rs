//! Removal: files move to `results/.trash`, from where they can be moved back.

use super::files::make_folder;
use super::{RunState, StoreError, Sweep};
use crate::presence::claim::Claim;
use crate::record::Layout;
use std::path::PathBuf;

/// What is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The whole sweep.
    Everything,
    /// Checkpoints, logs and work folders of runs that the newest spec does not ask for.
    NoLongerAskedFor,
    /// Checkpoints, logs and work folders of failed runs.
    Failed,
    /// The checkpoints of all runs that are over.
    Checkpoints,
}

impl Sweep {
    /// The files and folders that a removal moves, those that are there.
    pub fn to_remove(&self, what: Removal) -> Vec<PathBuf> {
        let layout = self.layout();
        let all = |run: &RunState| {
            let logs = (1..=run.attempt).map(|attempt| layout.log(&run.run, attempt));
            let work = layout.works().join(run.run.as_str());
            logs.chain([layout.checkpoints(&run.run), work]).collect::<Vec<_>>()
        };
        let over = self.states().iter().filter(|run| run.status.is_over() || run.attempt == 0);
        let paths: Vec<PathBuf> = match what {
            Removal::Everything => vec![layout.root().to_owned()],
            Removal::NoLongerAskedFor => over.filter(|run| !run.current).flat_map(all).collect(),
            Removal::Failed => over.filter(|run| run.failure.is_some()).flat_map(all).collect(),
            Removal::Checkpoints => over.map(|run| layout.checkpoints(&run.run)).collect(),
        };
        paths.into_iter().filter(|path| path.exists()).collect()
    }

    /// Moves files to the trash; gives the folder that they are in now.
    ///
    /// # Errors
    /// While the sweep is being compacted; where a file cannot be moved.
    pub fn remove(&self, paths: &[PathBuf]) -> Result<PathBuf, StoreError> {
        let layout: &Layout = self.layout();
        let claim = Claim::take(&layout.claims(), "compact")?;
        let name = format!("{}-{}", self.name, jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3f"));
        // Two removals may come within a millisecond.
        let mut trash = layout.trash().join(&name);
        let mut again = 1;
        while trash.exists() {
            again += 1;
            trash = layout.trash().join(format!("{name}-{again}"));
        }
        for path in paths {
            let place = match path.strip_prefix(layout.root()) {
                Ok(rest) if rest.as_os_str().is_empty() => trash.clone(),
                Ok(rest) => trash.join(rest),
                Err(_) => continue,
            };
            make_folder(place.parent().unwrap_or(&trash))?;
            std::fs::rename(path, &place).map_err(StoreError::file("move", path))?;
        }
        drop(claim);
        Ok(trash)
    }
}
