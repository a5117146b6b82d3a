//! The journal that a session writes: facts of its own, and those of the runs that it executes.

use crate::agent::{QueuedRun, RunError, Settings, Sink, Summary, execute, progress};
use crate::error::Error;
use crate::presence::claim::Claim;
use crate::record::Fact;
use crate::store::Writer;
use std::path::Path;

/// The journal of one agent, for the length of a session.
pub struct Journal {
    /// The right to write it alone; a Slurm task's journal is its own.
    claim: Option<Claim>,
    writer: Writer,
}

impl Journal {
    /// The journal of an agent of a sweep.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn open(results: &Path, sweep: &str, agent: &str, claim: Option<Claim>) -> Result<Self, Error> {
        Ok(Self { claim, writer: Writer::open(results, sweep, agent)? })
    }

    /// Stores a spec under its hash.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_spec(&self, folded: &str, hash: &str) -> Result<(), Error> {
        Ok(self.writer.write_spec(folded, hash)?)
    }

    /// Records facts, and makes them safe.
    ///
    /// # Errors
    /// Where the journal takes nothing.
    pub fn record(&mut self, facts: impl IntoIterator<Item = Fact>) -> Result<(), Error> {
        let mut any = false;
        for fact in facts {
            self.writer.fact(fact).map_err(RunError::from)?;
            any = true;
        }
        if any {
            self.writer.commit().map_err(RunError::from)?;
        }
        Ok(())
    }

    /// Executes runs, and shows how far they are on standard error.
    ///
    /// # Errors
    /// Where the store takes nothing more, or no worker can be had.
    pub fn execute(&mut self, settings: Settings, runs: Vec<QueuedRun>) -> Result<Summary, Error> {
        Ok(execute(settings, runs, &mut self.writer, &mut *progress::to_stderr())?)
    }

    /// Makes all safe. Whoever has the claim keeps it, until it is dropped.
    ///
    /// # Errors
    /// Where the last rows cannot be written.
    pub fn close(mut self) -> Result<Option<Claim>, Error> {
        self.writer.flush()?;
        Ok(self.claim)
    }
}
