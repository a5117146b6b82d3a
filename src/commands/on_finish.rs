//! `on_finish:`: a command of the spec that hears how a session of a sweep ended; a notification, say.

use crate::error::ExitCode;
use crate::run::Summary;
use crate::spec::Sweep;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a session of a sweep ended.
pub(super) struct Ending<'a> {
    /// Runs that the spec asks for.
    pub runs: usize,
    /// Runs that had a result before, and how many of them diverged.
    pub before: (usize, usize),
    /// What this session did.
    pub summary: &'a Summary,
    /// How the command ends.
    pub code: ExitCode,
    /// What went wrong; empty: nothing.
    pub error: String,
}

/// Gives the command of the spec to `sh` in the folder of the spec, with the counts in its environment. That it fails is
/// said and changes nothing.
pub(super) fn tell(sweep: &Sweep, results: &Path, ending: &Ending<'_>) {
    let Some(script) = &sweep.on_finish else { return };
    let outcome = match ending.code {
        _ if !ending.error.is_empty() => "error",
        ExitCode::Stopped => "stopped",
        ExitCode::SomeFailed => "some failed",
        _ => "done",
    };
    let summary = ending.summary;
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&sweep.folder).stdin(Stdio::null());
    // Nothing but the result of a command goes to standard output.
    if let Ok(errors) = std::io::stderr().as_fd().try_clone_to_owned() {
        command.stdout(errors);
    }
    command.env("TESSERA_SWEEP", &sweep.name).env("TESSERA_OUTCOME", outcome).env("TESSERA_MESSAGE", &ending.error);
    command.env("TESSERA_RESULTS", std::path::absolute(results).unwrap_or_else(|_| results.to_owned()));
    let counts = [
        ("TESSERA_RUNS", ending.runs),
        ("TESSERA_DONE", ending.before.0 + summary.done),
        ("TESSERA_DIVERGED", ending.before.1 + summary.diverged),
        ("TESSERA_FAILED", summary.failed.len()),
        ("TESSERA_STOPPED", summary.stopped),
        ("TESSERA_LEFT", summary.left),
        ("TESSERA_SECONDS", summary.seconds.round() as usize),
    ];
    command.envs(counts.map(|(name, count)| (name, count.to_string())));
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => eprintln!("note: the command of `on_finish` failed: {status}"),
        Err(error) => eprintln!("note: cannot give the command of `on_finish` to sh: {error}"),
    }
}
