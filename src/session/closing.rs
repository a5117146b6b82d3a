//! The last words of a session, and its exit code.

use crate::agent::{FailedRun, Summary};
use crate::error::ExitCode;
use crate::presence::view::duration;
use crate::process::StopReason;
use crate::spec::Sweep;
use std::collections::BTreeMap;

/// Says how it went and where to look; the exit code.
pub fn close(summary: &Summary, sweep: &Sweep) -> ExitCode {
    let mut words = vec![format!("{} done", summary.done)];
    if summary.diverged > 0 {
        words[0] += &format!(" ({} diverged)", summary.diverged);
    }
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for failed in &summary.failed {
        *classes.entry(failed.failure.to_string()).or_insert(0) += 1;
    }
    words.extend(classes.iter().map(|(class, count)| format!("{count} failed ({class})")));
    words.extend((summary.stopped > 0).then(|| format!("{} stopped", summary.stopped)));
    words.extend((summary.left > 0).then(|| format!("{} not started", summary.left)));
    let did = summary.done + summary.failed.len() + summary.stopped + summary.left;
    if did > 0 {
        eprintln!("{}: {} in {}", sweep.name, words.join(" · "), duration(summary.seconds));
    }
    name_failed(summary, |failed| format!("tessera logs {}", &failed.run.as_str()[..8]));
    if summary.failed.len() > 3 {
        eprintln!("  and {} more: tessera status {}", summary.failed.len() - 3, sweep.name);
    }
    code_of(summary)
}

/// Names the first runs that failed, each with where its log is found.
pub fn name_failed(summary: &Summary, log: impl Fn(&FailedRun) -> String) {
    for failed in summary.failed.iter().take(3) {
        eprintln!("  {}: {}: {}", failed.label, failed.failure, failed.message);
        if !failed.log.as_os_str().is_empty() {
            eprintln!("    {}", log(failed));
        }
    }
}

/// The exit code of what was executed; says how to go on where it was stopped.
pub fn code_of(summary: &Summary) -> ExitCode {
    match summary.stop_reason {
        // A task of a scheduler: what becomes of it is told where it is put back.
        Some(StopReason::Warned) => ExitCode::Stopped,
        Some(StopReason::Stopped) => {
            eprintln!("stopped; the same command goes on from here");
            ExitCode::Stopped
        }
        _ if !summary.failed.is_empty() || summary.stop_reason.is_some() => ExitCode::SomeFailed,
        _ => ExitCode::Success,
    }
}
