//! Attends to a command: writes what it says to its log, and notices its end at once, without polling where the
//! kernel can tell.

use super::group;
use super::group::Ended;
use super::logs::Logs;
use super::waiting::without_waiting;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what a command left behind in its group may take to end.
const GRACE: Duration = Duration::from_secs(1);
/// How long a pipe is read that somebody holds open after the end: what left the group by `setsid` may do so for days.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Where the kernel does not wake for the end of a process, it is looked for so often.
const LOOK: Duration = Duration::from_millis(20);

/// Reads all that a command says until it has ended, ends what it left behind, and reaps it. Blocks.
pub(super) fn attend(pid: u32, output: PipeReader, logs: &Mutex<Logs>) -> Ended {
    let process = group::pidfd(pid);
    let mut pipe = Pipe::new(output, logs);
    pipe.read();
    while !group::has_ended(pid) {
        pipe.wait(process.as_ref(), if process.is_some() { None } else { Some(LOOK) });
        pipe.read();
    }
    let ended = group::wait(pid, GRACE);
    let deadline = Instant::now() + LAST_WORDS;
    pipe.read();
    while pipe.open && Instant::now() < deadline {
        pipe.wait(None, Some(deadline.saturating_duration_since(Instant::now())));
        pipe.read();
    }
    logs.lock().unwrap_or_else(PoisonError::into_inner).close();
    ended
}

/// What a command says.
struct Pipe<'a> {
    output: PipeReader,
    open: bool,
    buffer: Vec<u8>,
    logs: &'a Mutex<Logs>,
}

impl<'a> Pipe<'a> {
    fn new(output: PipeReader, logs: &'a Mutex<Logs>) -> Self {
        without_waiting(&output);
        Self { output, open: true, buffer: vec![0; 64 << 10], logs }
    }

    /// Takes what is there.
    fn read(&mut self) {
        while self.open {
            match self.output.read(&mut self.buffer) {
                Ok(0) => self.open = false,
                Ok(count) => self.logs.lock().unwrap_or_else(PoisonError::into_inner).write(&self.buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.open = false,
            }
        }
    }

    /// Waits until something is said, the process ends, or the time is over.
    fn wait(&self, process: Option<&OwnedFd>, time: Option<Duration>) {
        let said = self.open.then(|| self.output.as_fd());
        let watched = said.into_iter().chain(process.map(AsFd::as_fd));
        let mut watched: Vec<PollFd> = watched.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let time = time.map(|time| time.max(Duration::from_millis(1)));
        let time = time.map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
        // An interrupted wait is just short.
        let _ = poll(&mut watched, time);
    }
}
