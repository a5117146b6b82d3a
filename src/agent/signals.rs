//! Turns Ctrl-C, SIGTERM, SIGHUP and a scheduler's warning (SIGUSR1) into events of the loop.

use crate::process::Event;
use crate::process::StopReason;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is watched for.
const WATCHED: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];

/// Whether this process was started so that a signal does nothing to it, as `nohup` does with SIGHUP.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// Who is told of signals now; nobody: a signal does what it does to any program.
static LISTENER: Mutex<Option<SyncSender<Event>>> = Mutex::new(None);

fn listener() -> MutexGuard<'static, Option<SyncSender<Event>>> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signals are turned into events as long as this lives.
pub struct Watched(());

/// Turns signals into events from now on.
///
/// # Errors
/// Where the system refuses to deliver them.
pub fn watch(events: SyncSender<Event>) -> io::Result<Watched> {
    static THREAD: Mutex<bool> = Mutex::new(false);
    let mut is_there = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    *listener() = Some(events);
    if !*is_there {
        let mut signals = Signals::new(WATCHED.iter().filter(|signal| **signal != SIGHUP || !is_ignored(SIGHUP)))?;
        std::thread::spawn(move || signals.forever().for_each(tell));
        *is_there = true;
    }
    Ok(Watched(()))
}

fn tell(signal: i32) {
    let early = if signal == SIGUSR1 { StopReason::Warned } else { StopReason::Stopped };
    let events = listener().clone();
    if events.is_none_or(|events| events.send(Event::Signal(early)).is_err()) {
        let _ = emulate_default_handler(signal);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        *listener() = None;
    }
}
