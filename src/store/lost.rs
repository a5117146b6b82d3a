//! Which runs lost rows to damage. A run that may lack anything has no numbers: a history with a hole
//! reads as well as a whole one.

use super::damage::Damage;
use super::journal::{read, read_readable};
use super::parallel::in_parallel;
use super::rows_file::{RowsFile, Span};
use super::table::Table;
use super::{RunState, StoreError, Sweep, files};
use crate::record::{Fact, RunId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

impl Sweep {
    /// What was passed over so far; of tables only what was asked for is known.
    pub fn damage(&self) -> Damage {
        self.damage.lock().map(|damage| damage.clone()).unwrap_or_default()
    }

    /// Hands on the facts of a journal; where damage is passed over, of its lines that can be read.
    pub(super) fn read_journal(&self, path: &Path, take: impl FnMut(Fact)) -> Result<(), StoreError> {
        if !self.skip_damaged {
            return read(path, take);
        }
        let damaged = read_readable(path, take)?;
        if let Ok(mut damage) = self.damage.lock() {
            let known: HashSet<_> = damage.lines.iter().map(|(path, line, _)| (path.clone(), *line)).collect();
            let damaged = damaged.into_iter().map(|(line, message)| (path.to_owned(), line, message));
            damage.lines.extend(damaged.filter(|(path, line, _)| !known.contains(&(path.clone(), *line))));
        }
        Ok(())
    }

    pub(super) fn has_damaged_lines(&self) -> bool {
        self.damage.lock().is_ok_and(|damage| !damage.lines.is_empty())
    }

    /// Notes that a run lost rows, where damage is passed over.
    ///
    /// # Errors
    /// Where it is not.
    pub(super) fn lose(&self, run: &RunId, (path, what): (PathBuf, String)) -> Result<(), StoreError> {
        if !self.skip_damaged {
            return Err(StoreError::Table { path, message: format!("{what}; it has rows of run {run}") });
        }
        if let Ok(mut damage) = self.damage.lock() {
            damage.runs.entry(run.clone()).or_insert_with(|| format!("{}: {what}", path.display()));
        }
        Ok(())
    }

    /// What a run lost with files of a table that cannot be read or are not there.
    pub(super) fn lost_with_files(&self, run: &RunState, table: &Table, name: &str) -> Option<(PathBuf, String)> {
        if let Some(segment) = table.missing(run, name) {
            let path = self.layout.segments().join(segment);
            let what = if path.exists() { "it cannot be read" } else { "it is not there" };
            return Some((path, what.to_owned()));
        }
        // Where no journal says in which files its rows are, they may be in those that cannot be read.
        let unsaid = |attempt: u32| run.kept.iter().all(|kept| kept.attempt != attempt);
        let unreadable = table.damaged.first()?;
        let ended = |attempt: u32| attempt < run.attempt || run.status.is_over();
        run.lineage.iter().any(|&(attempt, _)| ended(attempt) && unsaid(attempt)).then(|| match unreadable {
            StoreError::Table { path, .. } | StoreError::File { path, .. } | StoreError::Format { path, .. } => {
                (path.clone(), "it cannot be read, and may hold its rows".to_owned())
            }
            _ => (self.layout.root().to_owned(), unreadable.to_string()),
        })
    }

    /// Holds the rows that are about to be read against their sums: the runs of which some are not as they were written.
    ///
    /// # Errors
    /// Where there are such runs and damage is not passed over; where a file cannot be read.
    pub(super) fn changed_runs(
        &self,
        files: &[RowsFile],
        columns: Option<&[&str]>,
        wanted: impl Fn(&Span) -> bool + Sync,
    ) -> Result<HashSet<RunId>, StoreError> {
        let changed = in_parallel(&files.iter().collect::<Vec<_>>(), |file| {
            let spans = file.footer.spans.iter().enumerate().filter(|(_, span)| wanted(span));
            let spans: BTreeSet<usize> = spans.map(|(number, _)| number).collect();
            if spans.is_empty() { Ok(spans) } else { file.changed(columns, &spans) }
        })?;
        let mut runs = HashSet::new();
        for (file, spans) in files.iter().zip(changed) {
            for span in spans {
                let run = &file.footer.spans[span].run;
                self.lose(run, (file.path.clone(), "rows are not as they were written: their sums differ".to_owned()))?;
                runs.insert(run.clone());
            }
        }
        Ok(runs)
    }

    /// What makes those runs void of which the journals that are damaged may not say all: a run is certain where one
    /// attempt made all of its result, and nothing tells of a later one.
    pub(super) fn doubted(&self) -> Result<Vec<Fact>, StoreError> {
        let newest = self.newest_attempts()?;
        let mut voids = Vec::new();
        for state in self.states() {
            let newest = newest.get(&state.run).copied().unwrap_or(0);
            let certain = !state.gaps && state.lineage.len() <= 1 && newest <= state.attempt;
            if certain || newest.max(state.attempt) == 0 {
                continue;
            }
            let what = "lines of a journal are damaged, and what is left of them does not tell all of it".to_owned();
            voids.push(void(&state.run, newest.max(state.attempt), what.clone()));
            if let Ok(mut damage) = self.damage.lock() {
                damage.runs.insert(state.run.clone(), what);
            }
        }
        Ok(voids)
    }

    /// The newest attempt of each run that rows or logs tell of: a journal may have lost its lines.
    ///
    /// # Errors
    /// Where a folder cannot be listed.
    pub fn newest_attempts(&self) -> Result<HashMap<RunId, u32>, StoreError> {
        let mut newest: HashMap<RunId, u32> = HashMap::new();
        let mut see = |run: RunId, attempt: u32| {
            let known = newest.entry(run).or_default();
            *known = (*known).max(attempt);
        };
        for table in ["history", "arrays"] {
            for span in Table::open(&self.layout, table)?.files.iter().flat_map(|file| &file.footer.spans) {
                see(span.run.clone(), span.attempt);
            }
        }
        for log in files::list(&self.layout.logs(), ".log")? {
            let name = log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let told =
                name.split_once('.').and_then(|(run, attempt)| Some((RunId::parse(run)?, attempt.parse().ok()?)));
            if let Some((run, attempt)) = told {
                see(run, attempt);
            }
        }
        Ok(newest)
    }
}

/// The line that ends what is lost.
pub(super) fn void(run: &RunId, attempt: u32, message: String) -> Fact {
    let time = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    Fact::Void { time, run: run.clone(), attempt, message }
}
