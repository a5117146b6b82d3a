//! Ctrl-C, SIGTERM and SIGHUP as events of the loop.

use super::process::Event;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::io;
use std::sync::mpsc::SyncSender;

/// Signals that are turned into events as long as this lives.
pub struct Watched(Handle);

/// Turns signals into events from now on.
///
/// # Errors
/// Where the system refuses to deliver them.
pub fn watch(events: SyncSender<Event>) -> io::Result<Watched> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if events.send(Event::Signal).is_err() {
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
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // SAFETY: signal(2) with the default disposition runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}
