//! What was passed over while a sweep was read, in words.

use crate::record::RunId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What was passed over while a sweep was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Damaged lines of journals, with what is wrong.
    pub lines: BTreeSet<(PathBuf, usize, String)>,
    /// Runs without numbers, each with what it lost.
    pub runs: BTreeMap<RunId, String>,
}

impl Damage {
    /// Whether nothing was passed over.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.runs.is_empty()
    }

    /// A line of a journal, then the runs without numbers and the remedy; for a person.
    pub fn words(&self, sweep: &str) -> Vec<String> {
        const SHOWN: usize = 20;
        let line =
            |(path, line, message): &(PathBuf, usize, String)| format!("{}, line {line}: {message}", path.display());
        let mut words: Vec<String> = self.lines.iter().take(SHOWN).map(line).collect();
        if self.lines.len() > SHOWN {
            words.push(format!("{} more lines of journals are damaged", self.lines.len() - SHOWN));
        }
        let mut by_cause: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (run, cause) in &self.runs {
            by_cause.entry(cause).or_default().push(run.as_str());
        }
        for (cause, runs) in by_cause {
            let more = runs.len().saturating_sub(SHOWN);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            words.push(format!("without numbers here: {}{rest} ({cause})", runs[..runs.len() - more].join(", ")));
        }
        if !words.is_empty() {
            words.push(format!(
                "`tessera verify {sweep} --repair` sets what is damaged aside; `tessera run` executes those runs again"
            ));
        }
        words
    }
}
