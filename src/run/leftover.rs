//! What a killed agent leaves behind: attempts that the journal says are open, and perhaps their processes.

use super::{group, host};
use crate::record::Provenance;
use std::time::Duration;

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

/// Processes of the attempt's group that are tessera's, although its leader is gone: a number that somebody else's
/// group has meanwhile is recognised by the environment, which names tessera in every process that it started.
fn children(provenance: &Provenance) -> Vec<u32> {
    if !group::exists(provenance.group) {
        return Vec::new();
    }
    let ours = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|line| line.starts_with(b"TESSERA_RUN="))
    };
    group::members(provenance.group).into_iter().filter(ours).collect()
}
