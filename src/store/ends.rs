//! How attempts ended, one by one: what a run's state, which tells of the newest alone, leaves out.

use super::{StoreError, Sweep, files};
use crate::record::{Fact, Failure, Provenance, RunId};
use std::collections::HashMap;

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct EndedAttempt {
    /// When, seconds since 1970.
    pub time: f64,
    /// Where, and with what.
    pub provenance: Provenance,
    /// Why it has no result; `None`: it has one.
    pub failure: Option<Failure>,
}

impl Sweep {
    /// The ends of all attempts that began, oldest first; those that were stopped are left out.
    ///
    /// # Errors
    /// Where a journal cannot be read.
    pub fn ends(&self) -> Result<Vec<EndedAttempt>, StoreError> {
        let mut begun: HashMap<(RunId, u32), Provenance> = HashMap::new();
        let mut ended = Vec::new();
        for path in files::list(&self.layout.journals(), ".jsonl")? {
            self.read_journal(&path, |fact| match fact {
                Fact::Started { run, attempt, provenance, .. } => _ = begun.insert((run, attempt), *provenance),
                Fact::Finished { time, run, attempt, .. } => ended.push((time, (run, attempt), None)),
                Fact::Failed { time, run, attempt, failure, .. } => ended.push((time, (run, attempt), Some(failure))),
                _ => {}
            })?;
        }
        ended.sort_by(|a, b| a.0.total_cmp(&b.0));
        let end =
            |(time, attempt, failure)| Some(EndedAttempt { time, provenance: begun.get(&attempt)?.clone(), failure });
        Ok(ended.into_iter().filter_map(end).collect())
    }
}
