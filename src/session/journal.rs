//! The journal that a session writes: facts of its own, and those of the runs that it executes.

use crate::agent::{QueuedRun, RunError, Settings, Sink, Summary, execute, progress};
use crate::error::Error;
use crate::presence::claim::Claim;
use crate::record::Fact;
use crate::store::Writer;
use std::path::{Path, PathBuf};

/// The journal of one agent, for the length of a session. It is opened when there is something to write: to open a
/// long one takes its time.
pub struct Journal {
    results: PathBuf,
    sweep: String,
    agent: String,
    /// The right to write it alone; a Slurm task's journal is its own.
    claim: Option<Claim>,
    writer: Option<Writer>,
}

impl Journal {
    /// The journal of an agent of a sweep.
    pub fn new(results: &Path, sweep: &str, agent: &str, claim: Option<Claim>) -> Self {
        Self { results: results.to_owned(), sweep: sweep.to_owned(), agent: agent.to_owned(), claim, writer: None }
    }

    fn writer(&mut self) -> Result<&mut Writer, Error> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::open(&self.results, &self.sweep, &self.agent)?,
        };
        Ok(self.writer.insert(writer))
    }

    /// Records facts, and makes them safe.
    ///
    /// # Errors
    /// Where the journal cannot be opened or takes nothing.
    pub fn record(&mut self, facts: impl IntoIterator<Item = Fact>) -> Result<(), Error> {
        let mut facts = facts.into_iter().peekable();
        if facts.peek().is_none() {
            return Ok(());
        }
        let writer = self.writer()?;
        for fact in facts {
            writer.fact(fact).map_err(RunError::from)?;
        }
        Ok(writer.commit().map_err(RunError::from)?)
    }

    /// Executes runs, and shows how far they are on standard error.
    ///
    /// # Errors
    /// Where the store takes nothing more, or no worker can be had.
    pub fn execute(&mut self, settings: Settings, runs: Vec<QueuedRun>) -> Result<Summary, Error> {
        Ok(execute(settings, runs, self.writer()?, &mut *progress::to_stderr())?)
    }

    /// Makes all safe. Whoever has the claim keeps it, until it is dropped.
    ///
    /// # Errors
    /// Where the last rows cannot be written.
    pub fn close(mut self) -> Result<Option<Claim>, Error> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
        }
        Ok(self.claim)
    }
}
