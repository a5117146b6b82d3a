//! `tessera run --detach`: starts the same command again in a session of its own.

use super::planned::planned;
use super::trainer::trainer;
use crate::error::{Error, ExitCode};
use crate::presence::claim::{AGENT, holder};
use crate::record::Layout;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts this command line again without `--detach`, away from the terminal. Mistakes are said here, before.
pub fn detach(results: &Path, spec: &Path, sets: &[String]) -> Result<ExitCode, Error> {
    let (sweep, _) = planned(spec, sets, results)?;
    trainer(&sweep)?;
    let layout = Layout::new(results, &sweep.name);
    if let Some(holder) = holder(&layout.claims().join(AGENT))
        && holder.is_alive() == Some(true)
    {
        return Err(Error::failure(format!("{holder} executes `{}` already", sweep.name)));
    }
    let outside = |what: &str, error: std::io::Error| Error::failure(format!("cannot {what}: {error}"));
    let program = std::env::current_exe().map_err(|error| outside("find this program", error))?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).filter(|word| word != "--detach").collect();
    std::fs::create_dir_all(results).map_err(|error| outside("make the results folder", error))?;
    let path = layout.detached_log();
    let log = File::create(&path).map_err(|error| outside("write the log", error))?;
    let twin = log.try_clone().map_err(|error| outside("write the log", error))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log).stderr(twin);
    // SAFETY: setsid(2) between fork and exec is async-signal-safe; a group leader it cannot be here.
    #[expect(unsafe_code, reason = "what happens between fork and exec is up to the caller")]
    unsafe {
        command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?));
    }
    let child = command.spawn().map_err(|error| outside("start in the background", error))?;
    eprintln!("process {} goes on in the background; what it says is in {}", child.id(), path.display());
    eprintln!("`tessera status {0} --watch` shows it, `tessera stop {0}` stops it", sweep.name);
    Ok(ExitCode::Success)
}
