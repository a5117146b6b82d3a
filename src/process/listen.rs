//! Listens to a built-in worker: answers on its standard output, the log on its standard error.
//!
//! Both are read by one thread, so that what is logged is put down to the right run: a worker says `started` before
//! and `finished` after it logs anything of a run, and at an end the log is read up to there first.

use super::logs::Logs;
use super::waiting::without_waiting;
use super::{Event, WorkerEvent};
use crate::record::Answer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdout};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The longest line that a worker may say: a million numbers.
const LONGEST_LINE: usize = 64 << 20;

/// One thread's view of a worker.
pub(super) struct Listener<'a> {
    pub output: ChildStdout,
    pub errors: ChildStderr,
    pub number: u64,
    pub logs: &'a Mutex<Logs>,
    pub events: &'a SyncSender<Event>,
}

/// What a read that does not wait came to.
enum Got {
    Bytes,
    Nothing,
    End,
}

impl Listener<'_> {
    /// Hands on all that the worker says, until it has closed its output or nobody listens any more.
    pub fn listen(mut self) {
        without_waiting(&self.output);
        without_waiting(&self.errors);
        let mut text = Vec::new();
        let mut errors_open = true;
        loop {
            if errors_open {
                errors_open = self.read_log();
            }
            let said = read(&mut self.output, &mut text);
            if !self.hand_on(&mut text) {
                return;
            }
            match said {
                Got::End => break,
                Got::Bytes => {}
                Got::Nothing => self.wait(errors_open),
            }
        }
        // What was logged last may still be on its way through the pipe.
        let deadline = Instant::now() + std::time::Duration::from_secs(1);
        while errors_open && Instant::now() < deadline {
            errors_open = self.read_log();
            std::thread::sleep(std::time::Duration::from_millis(u64::from(errors_open)));
        }
        self.logs().close();
    }

    /// Hands on the whole lines at the start of the text; whether somebody listens.
    fn hand_on(&mut self, text: &mut Vec<u8>) -> bool {
        let mut taken = 0;
        while let Some(length) = text[taken..].iter().position(|&byte| byte == b'\n') {
            let line = &text[taken..taken + length];
            taken += length + 1;
            if !line.trim_ascii().is_empty() && !self.hand_on_line(line) {
                return false;
            }
        }
        text.drain(..taken);
        if text.len() > LONGEST_LINE {
            let line = std::mem::take(text);
            return self.hand_on_line(&line[..100]);
        }
        true
    }

    fn hand_on_line(&mut self, line: &[u8]) -> bool {
        let happening = match serde_json::from_slice::<Answer>(line) {
            Ok(answer) => {
                let mut last = String::new();
                match &answer {
                    Answer::Started { run } => self.logs().turn_to(run),
                    Answer::Failed { .. } | Answer::Finished { .. } | Answer::Stopped { .. } => {
                        self.read_log();
                        if matches!(answer, Answer::Failed { .. }) {
                            last = self.logs().last_lines();
                        }
                        self.logs().turn_away();
                    }
                    _ => {}
                }
                WorkerEvent::Answer(answer, last)
            }
            Err(error) => {
                let start = String::from_utf8_lossy(&line[..line.len().min(200)]);
                WorkerEvent::Garbage(format!("{} ({error})", start.trim_end()))
            }
        };
        self.events.send(Event::Worker(self.number, Instant::now(), happening)).is_ok()
    }

    /// Reads what has been logged; whether more can come.
    fn read_log(&mut self) -> bool {
        loop {
            let mut bytes = Vec::new();
            let got = read(&mut self.errors, &mut bytes);
            if !bytes.is_empty() {
                self.logs().write(&bytes);
            }
            match got {
                Got::Bytes => {}
                Got::Nothing => return true,
                Got::End => return false,
            }
        }
    }

    fn wait(&self, errors_open: bool) {
        let output = PollFd::new(self.output.as_fd(), PollFlags::POLLIN);
        let errors = PollFd::new(self.errors.as_fd(), PollFlags::POLLIN);
        let mut both = [output, errors];
        let count = if errors_open { 2 } else { 1 };
        // An interrupted wait is just short.
        let _ = poll(&mut both[..count], PollTimeout::NONE);
    }

    fn logs(&self) -> std::sync::MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads once, without waiting.
fn read(from: &mut impl Read, into: &mut Vec<u8>) -> Got {
    let mut buffer = [0; 64 << 10];
    match from.read(&mut buffer) {
        Ok(0) => Got::End,
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Got::Bytes
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Got::Nothing,
        Err(_) => Got::End,
    }
}
