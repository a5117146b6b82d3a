//! Turns Ctrl-C, SIGTERM, SIGHUP and a scheduler's warning (SIGUSR1) into events of the loop.

use crate::process::Event;
use crate::process::StopReason;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};
use std::io;
use std::sync::mpsc::SyncSender;

/// What is watched for.
const WATCHED: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];

/// Whether this process was started so that a signal does nothing to it, as `nohup` does with SIGHUP.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only writes the one there is, and a zeroed one is valid too.
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Signals that are turned into events as long as this lives.
pub struct Watched(Handle);

/// Turns signals into events from now on.
///
/// # Errors
/// Where the system refuses to deliver them.
pub fn watch(events: SyncSender<Event>) -> io::Result<Watched> {
    let mut signals = Signals::new(WATCHED.iter().filter(|signal| **signal != SIGHUP || !is_ignored(SIGHUP)))?;
    let handle = signals.handle();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let early = if signal == SIGUSR1 { StopReason::Warned } else { StopReason::Stopped };
            if events.send(Event::Signal(early)).is_err() {
                return;
            }
        }
    });
    Ok(Watched(handle))
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.close();
        // The handlers would go on swallowing signals: what follows the runs is ended by them as any program is.
        for signal in WATCHED.into_iter().filter(|signal| !is_ignored(*signal)) {
            // SAFETY: signal(2) with the default disposition runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}
