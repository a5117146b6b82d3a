//! What a killed agent leaves behind: attempts that the journal says are open, perhaps their processes, and
//! commands that it had started and not yet recorded.

use super::claim::Holder;
use crate::process::{group, host};
use crate::record::Provenance;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// The variable that tells a command's agent, a [`Holder`] as JSON.
const AGENT: &str = "TESSERA_RUN_AGENT";
/// The variable that tells a command's run.
const RUN: &str = "TESSERA_RUN";

/// What the commands of this process are recognised by, whatever they start: variables for their environment.
pub fn marks(run: &str) -> [(&'static str, String); 2] {
    static HOLDER: LazyLock<String> = LazyLock::new(|| serde_json::to_string(&Holder::this()).unwrap_or_default());
    [(RUN, run.to_owned()), (AGENT, HOLDER.clone())]
}

/// What is known of an attempt whose end the journal does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Its process is gone.
    Gone,
    /// Its process is there, and the agent that it belonged to is gone or not known.
    Alive,
    /// Its agent is there: it is no leftover.
    Held,
    /// It was on another machine: nobody here knows.
    Unknown,
}

/// What is known of an attempt.
pub fn look(provenance: &Provenance) -> Leftover {
    if provenance.host != host::host_name() {
        return Leftover::Unknown;
    }
    if provenance.boot != host::boot_id() {
        return Leftover::Gone;
    }
    if provenance.agent > 0 && host::is_alive(provenance.agent, provenance.agent_start_time) {
        Leftover::Held
    } else if host::is_alive(provenance.pid, provenance.start_time) || !children(provenance).is_empty() {
        Leftover::Alive
    } else {
        Leftover::Gone
    }
}

/// Whether the attempt's process is there and the agent that it belonged to is known to be gone.
pub fn is_orphan(provenance: &Provenance) -> bool {
    provenance.agent > 0 && look(provenance) == Leftover::Alive
}

/// Ends what is left of an attempt on this machine; whether nothing is left.
pub fn end(provenance: &Provenance, grace: Duration) -> bool {
    match look(provenance) {
        Leftover::Gone => true,
        Leftover::Held | Leftover::Unknown => false,
        Leftover::Alive => group::end(provenance.group, grace) || look(provenance) == Leftover::Gone,
    }
}

/// Ends the commands below a sweep's `works` that nobody knows of: their agent, on this machine, was killed between their start and
/// the line of the journal that tells it. `newest` is the newest attempt of a run that a journal has. Gives the groups
/// that were ended.
pub fn end_unrecorded(works: &Path, newest: impl Fn(&str) -> u32, grace: Duration) -> Vec<u32> {
    let Ok(work) = works.canonicalize() else { return Vec::new() };
    let stray = |pid: u32| -> Option<u32> {
        let environment = Environment::of(pid)?;
        let (run, attempt) = (environment.get(RUN)?, environment.get("TESSERA_RUN_ATTEMPT")?);
        let folder = Path::new(environment.get("TESSERA_RUN_DIR")?).canonicalize().ok()?;
        // What the journal has is known by its group; a program that a run was meant to leave behind stays.
        let unknown = attempt.parse::<u32>().is_ok_and(|attempt| attempt > newest(run));
        let agent: Holder = serde_json::from_str(environment.get(AGENT)?).ok()?;
        let orphan = unknown && folder == work.join(run).join(attempt) && agent.is_alive() == Some(false);
        orphan.then(|| group::of(pid)).flatten()
    };
    let groups: BTreeSet<u32> = group::processes().filter_map(stray).collect();
    groups.into_iter().filter(|&group| group::end(group, grace)).collect()
}

/// Processes of the attempt's group that are tessera's, although its leader is gone: a number that somebody else's
/// group has meanwhile is recognised by the environment, which names tessera in every process that it started.
fn children(provenance: &Provenance) -> Vec<u32> {
    if !group::exists(provenance.group) {
        return Vec::new();
    }
    let ours = |pid: &u32| Environment::of(*pid).is_some_and(|environment| environment.get(RUN).is_some());
    group::members(provenance.group).into_iter().filter(ours).collect()
}

/// The environment that a process of this user began with.
struct Environment(String);

impl Environment {
    fn of(pid: u32) -> Option<Self> {
        let bytes = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        Some(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}
