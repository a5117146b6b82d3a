//! What the worker says: one JSON object a line, gathered and sent at most a quarter of a second late, so that thousands of
//! small runs do not cost a system call each.

use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};
use tessera::record::{Answer, Failure, Outcome, Rows, RunId};

/// Longest time that an answer waits for others.
const LATEST: Duration = Duration::from_millis(250);

/// The way back to the agent.
pub struct Answers {
    out: BufWriter<Box<dyn Write + Send>>,
    sent: Instant,
    lost: bool,
}

impl Answers {
    /// Answers to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out), sent: Instant::now(), lost: false }
    }

    /// Says something.
    pub fn say(&mut self, answer: &Answer) {
        let written = serde_json::to_writer(&mut self.out, answer).map_err(std::io::Error::from);
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        self.lost |= written.is_err();
        if self.sent.elapsed() > LATEST {
            self.send();
        }
    }

    /// Sends what waits.
    pub fn send(&mut self) {
        self.lost |= self.out.flush().is_err();
        self.sent = Instant::now();
    }

    /// Whether nobody listens any more.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// A run begins.
    pub fn started(&mut self, run: &RunId) {
        self.say(&Answer::Started { run: run.clone() });
    }

    /// Rows of a run's history, if any.
    pub fn history(&mut self, run: &RunId, rows: Rows) {
        if !rows.step.is_empty() {
            self.say(&Answer::History { run: run.clone(), rows });
        }
    }

    /// A run is over and is a result.
    pub fn finished(&mut self, run: &RunId, outcome: Outcome) {
        self.say(&Answer::Finished { run: run.clone(), outcome });
    }

    /// A run is over and is no result.
    pub fn failed(&mut self, run: &RunId, failure: Failure, message: String) {
        self.say(&Answer::Failed { run: run.clone(), failure, message });
    }
}
