//! What executes now, and on what: agents of all sweeps with their slots, memory and load of this machine.

use super::PageError;
use super::overview::agents;
use super::shelf::Shelf;
use crate::process::host;
use crate::store::sweeps;
use serde_json::{Value, json};

/// Agents of all sweeps, and this machine.
pub(super) fn machine(shelf: &Shelf) -> Result<Value, PageError> {
    let mut found = Vec::new();
    for name in sweeps(shelf.results())? {
        let beats = shelf.look(&name)?.beats;
        found.extend(agents(&beats));
    }
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let load: Option<f64> = read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok());
    let memory = read("/proc/meminfo");
    let mib = |key: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_start_matches(':').split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    };
    Ok(json!({
        "host": host::host_name(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "load": load,
        "memory_mib": mib("MemTotal"),
        "available_mib": mib("MemAvailable"),
        "agents": found,
    }))
}
