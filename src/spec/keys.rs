//! The keys at the top of a sweep: the one list of them.

/// Whose key it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Any sweep's.
    Sweep,
    /// A sweep's whose trainer is a command.
    Command,
    /// A stored spec's: tessera writes it.
    Stored,
}

use Of::{Command, Stored, Sweep};

const KEYS: [(&str, Of); 34] = [
    ("sweep", Sweep),
    ("about", Sweep),
    ("trainer", Sweep),
    ("command", Sweep),
    ("extends", Sweep),
    ("metric", Sweep),
    ("base", Sweep),
    ("grid", Sweep),
    ("zip", Sweep),
    ("samples", Sweep),
    ("sample_seed", Sweep),
    ("blocks", Sweep),
    ("when", Sweep),
    ("exclude", Sweep),
    ("include", Sweep),
    ("seeds", Sweep),
    ("max_runs", Sweep),
    ("resources", Sweep),
    ("on_failure", Sweep),
    ("on_finish", Sweep),
    ("figures", Sweep),
    ("slurm", Sweep),
    ("parameters", Command),
    ("resume", Command),
    ("environment", Command),
    ("directory", Command),
    ("virtual_environment", Command),
    ("setup", Command),
    ("args", Command),
    ("spelling", Command),
    ("metrics", Command),
    ("checkpoints", Command),
    ("code", Command),
    ("folder", Stored),
];

/// Whether a sweep may have it.
pub(super) fn is_known(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key)
}

/// The keys that people write, in the order in which they are listed.
pub(super) fn written() -> Vec<&'static str> {
    KEYS.iter().filter(|(_, of)| *of != Stored).map(|(key, _)| *key).collect()
}

/// The keys that only a command has.
pub(super) fn of_command() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|(_, of)| *of == Command).map(|(key, _)| *key)
}
