//! Begins a session of this machine's agent: its name, its claim, and the end of what an earlier agent left behind.

use super::journal::Journal;
use super::lost::lost_fact;
use super::settings::GRACE;
use super::slurm::Tasks;
use crate::error::Error;
use crate::presence::claim::{AGENT, Claim, ClaimError, holder};
use crate::presence::leftover;
use crate::presence::leftover::Leftover;
use crate::process::host;
use crate::record::{Layout, RunId};
use crate::store::{self, Status};
use std::collections::HashSet;

/// The name of this machine's agent, as a file may be called.
pub fn agent_name() -> String {
    let name: String = host::host_name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("local-{name}")
}

/// The claim of the one process that executes a sweep. With `lost` it is taken from a process of which nothing is
/// known here.
///
/// # Errors
/// Where another process executes it, or the folder cannot be written.
pub fn claim(layout: &Layout, sweep: &str, lost: bool) -> Result<Claim, Error> {
    let claims = layout.claims();
    if lost && holder(&claims.join(AGENT)).is_some_and(|holder| holder.is_alive().is_none()) {
        let _ = std::fs::remove_file(claims.join(AGENT));
    }
    Claim::take(&claims, AGENT).map_err(|error| match error {
        ClaimError::Held(holder) if holder.is_alive() == Some(true) => {
            Error::failure(format!("{holder} executes `{sweep}` already"))
                .with_help(format!("`tessera status {sweep} --watch` shows it, `tessera stop {sweep}` stops it"))
        }
        ClaimError::Held(holder) => Error::failure(format!("{holder} executes `{sweep}`, as far as is known here"))
            .with_help(format!("where that machine is gone: tessera retry {sweep} --lost")),
        error => Error::failure(error.to_string()).with_help("choose a folder that you may write with `--results DIR`"),
    })
}

/// Attempts whose agent is gone: their processes are ended, and the journal says that they are lost. Gives the runs of
/// which nothing is known here (with `lost` they are over too) or which another agent executes.
///
/// # Errors
/// Where the journal takes nothing.
pub fn end_leftovers(
    stored: Option<&store::Sweep>,
    tasks: Option<&Tasks>,
    lost: bool,
    journal: &mut Journal,
) -> Result<HashSet<RunId>, Error> {
    for group in stored.map(end_unrecorded).unwrap_or_default() {
        eprintln!("ended process {group}, which an earlier tessera left behind");
    }
    let states = stored.map(|stored| stored.states()).unwrap_or_default();
    let mut elsewhere = HashSet::new();
    let mut lost_attempts = Vec::new();
    for state in states.iter().filter(|state| state.status == Status::Running) {
        let known = state.provenance.as_ref().map_or(Leftover::Gone, |provenance| match tasks {
            // None of Slurm's tasks is there any more, or this would have been refused.
            Some(_) if provenance.task.is_some() => Leftover::Gone,
            _ => leftover::look(provenance),
        });
        let over = match (known, &state.provenance) {
            (Leftover::Unknown, _) => lost,
            (Leftover::Held, _) => false,
            (Leftover::Alive, Some(provenance)) => {
                eprintln!("ending process {}, which an earlier tessera left behind", provenance.pid);
                leftover::end(provenance, GRACE)
            }
            _ => true,
        };
        if !over {
            elsewhere.insert(state.run.clone());
            continue;
        }
        lost_attempts.push(lost_fact(state, "its agent was gone".to_owned()));
    }
    journal.record(lost_attempts)?;
    Ok(elsewhere)
}

/// Ends the processes that agents which are gone have left behind; their numbers.
pub fn end_orphans(stored: &store::Sweep) -> Vec<u32> {
    let open = stored.states().iter().filter(|state| state.status == Status::Running);
    let orphans =
        open.filter_map(|state| state.provenance.as_deref()).filter(|provenance| leftover::is_orphan(provenance));
    let ended = orphans.filter(|provenance| leftover::end(provenance, GRACE)).map(|provenance| provenance.pid);
    ended.chain(end_unrecorded(stored)).collect()
}

/// Ends the commands that an agent which is gone had started and not recorded; their numbers.
fn end_unrecorded(stored: &store::Sweep) -> Vec<u32> {
    let newest = |run: &str| RunId::parse(run).and_then(|run| stored.state(&run)).map_or(0, |state| state.attempt);
    leftover::end_unrecorded(&stored.layout().works(), newest, GRACE)
}
