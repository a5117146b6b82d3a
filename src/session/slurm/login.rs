//! Writes the facts that a login node knows to the journal: plans, and attempts that are lost.

use crate::error::Error;
use crate::plan::Plan;
use crate::presence::claim::{Claim, ClaimError};
use crate::record::{Fact, Layout};
use crate::session::error::outside;
use crate::session::journal::Journal;
use crate::session::record::{is_recorded, planned_fact};
use crate::session::recovery::agent_name;
use crate::spec::Sweep;
use crate::store;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The journal of this machine, which sessions write one at a time, each for a moment.
pub struct Login<'a> {
    results: &'a Path,
    sweep: &'a str,
    claims: PathBuf,
}

impl<'a> Login<'a> {
    /// Of a sweep.
    ///
    /// # Errors
    /// Where the working directory is gone.
    pub fn new(results: &'a Path, sweep: &'a str) -> Result<Self, Error> {
        Ok(Self { results, sweep, claims: Layout::absolute(results, sweep).map_err(outside)?.claims() })
    }

    /// Records a spec and its runs, where that is news.
    ///
    /// # Errors
    /// Where the journal takes nothing.
    pub fn plan(&self, stored: Option<&store::Sweep>, sweep: &Sweep, plan: &Plan) -> Result<(), Error> {
        if is_recorded(stored, sweep, plan) {
            return Ok(());
        }
        let mut journal = self.open()?;
        store::write_spec(&Layout::new(self.results, self.sweep), &sweep.folded, &sweep.hash)?;
        journal.record([planned_fact(sweep, plan)])?;
        journal.close().map(drop)
    }

    /// Records facts.
    ///
    /// # Errors
    /// Where the journal takes nothing.
    pub fn record(&self, facts: Vec<Fact>) -> Result<(), Error> {
        let mut journal = self.open()?;
        journal.record(facts)?;
        journal.close().map(drop)
    }

    /// Waits for its turn, and opens the journal.
    fn open(&self) -> Result<Journal, Error> {
        let name = format!("login-{}", agent_name());
        let deadline = Instant::now() + Duration::from_secs(20);
        let claim = loop {
            match Claim::take(&self.claims, &name) {
                Ok(claim) => break claim,
                Err(ClaimError::Held(_)) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(Error::failure(error.to_string())),
            }
        };
        Ok(Journal::new(self.results, self.sweep, &name, Some(claim)))
    }
}
