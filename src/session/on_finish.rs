//! Calls `on_finish:`, a command of the spec that is told how a session ended, as a notification.

use crate::error::{Error, ExitCode};
use crate::spec::Sweep;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// How the runs of a sweep stood at the end of a session.
#[derive(Default)]
pub struct Counts {
    /// Runs that the spec asks for.
    pub runs: usize,
    /// Of these, runs with a result.
    pub done: usize,
    /// Of these, runs that diverged.
    pub diverged: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Runs that were stopped.
    pub stopped: usize,
    /// Runs that did not start.
    pub left: usize,
    /// How long the session took.
    pub seconds: f64,
}

/// Gives the command of the spec to `sh` in the folder of the spec, with the counts in its environment. That it fails is
/// said and changes nothing.
pub fn tell(sweep: &Sweep, results: &Path, counts: &Counts, ended: Result<ExitCode, &Error>) {
    let Some(script) = &sweep.on_finish else { return };
    let outcome = match ended {
        Err(_) => "error",
        Ok(ExitCode::Stopped) => "stopped",
        Ok(ExitCode::SomeFailed) => "some failed",
        Ok(_) => "done",
    };
    let message = ended.err().map(Error::message).unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&sweep.folder).stdin(Stdio::null());
    // Nothing but the result of a command goes to standard output.
    if let Ok(errors) = std::io::stderr().as_fd().try_clone_to_owned() {
        command.stdout(errors);
    }
    command.env("TESSERA_SWEEP", &sweep.name).env("TESSERA_OUTCOME", outcome).env("TESSERA_MESSAGE", message);
    command.env("TESSERA_RESULTS", std::path::absolute(results).unwrap_or_else(|_| results.to_owned()));
    let named = [
        ("TESSERA_RUNS", counts.runs),
        ("TESSERA_DONE", counts.done),
        ("TESSERA_DIVERGED", counts.diverged),
        ("TESSERA_FAILED", counts.failed),
        ("TESSERA_STOPPED", counts.stopped),
        ("TESSERA_LEFT", counts.left),
        ("TESSERA_SECONDS", counts.seconds.round() as usize),
    ];
    command.envs(named.map(|(name, count)| (name, count.to_string())));
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => eprintln!("note: the command of `on_finish` failed: {status}"),
        Err(error) => eprintln!("note: cannot give the command of `on_finish` to sh: {error}"),
    }
}
