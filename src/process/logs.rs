//! The logs of one worker: its output goes to the log of the run that it executes.

use super::log::Log;
use crate::record::RunId;
use std::collections::HashMap;
use std::path::PathBuf;

/// Bytes that are kept of what a worker says before its first run.
const PREAMBLE: usize = 64 << 10;

/// The log that is written now, and those of the runs to come.
#[derive(Default)]
pub struct Logs {
    log: Option<Log>,
    next: HashMap<RunId, PathBuf>,
    /// What was said while no run was executing; it begins the next log.
    preamble: Vec<u8>,
    /// The first reason why a log could not be written.
    trouble: Option<String>,
}

impl Logs {
    /// The log of a worker that executes one run.
    pub fn of(log: Log) -> Self {
        Self { log: Some(log), ..Self::default() }
    }

    /// Says where the log of a run will be.
    pub fn expect(&mut self, run: RunId, path: PathBuf) {
        self.next.insert(run, path);
    }

    /// From now on what is said is of this run.
    pub fn turn_to(&mut self, run: &RunId) {
        self.close();
        if let Some(path) = self.next.remove(run) {
            self.log = Some(Log::new(path));
            let preamble = std::mem::take(&mut self.preamble);
            self.write(&preamble);
        }
    }

    /// From now on what is said is of the next run.
    pub fn turn_away(&mut self) {
        self.close();
        self.log = None;
    }

    /// Takes what was said.
    pub fn write(&mut self, bytes: &[u8]) {
        let outcome = match &mut self.log {
            Some(log) => log.write(bytes),
            None => {
                let room = PREAMBLE.saturating_sub(self.preamble.len());
                self.preamble.extend_from_slice(&bytes[..bytes.len().min(room)]);
                Ok(())
            }
        };
        self.note(outcome);
    }

    /// Puts the current log in order.
    pub fn close(&mut self) {
        if let Some(log) = &mut self.log {
            let outcome = log.close();
            self.note(outcome);
        }
    }

    /// The last lines of the current log.
    pub fn last_lines(&self) -> String {
        match &self.log {
            Some(log) => log.last_lines(),
            None => String::from_utf8_lossy(&self.preamble).trim().to_owned(),
        }
    }

    /// Why a log could not be written, once.
    pub fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn note(&mut self, outcome: std::io::Result<()>) {
        if let (Err(error), Some(log), None) = (outcome, &self.log, &self.trouble) {
            self.trouble = Some(format!("cannot write the log {}: {error}", log.path().display()));
        }
    }
}
