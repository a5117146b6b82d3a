//! Verification: every file of a sweep is read, and what it says is held against the others.

use super::files::list;
use super::journal::read_readable;
use super::rows_file::{RowsFile, Span, checksum_path};
use super::table::{Lineages, Table};
use super::{StoreError, Sweep};
use crate::record::RunId;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// So many rows are read at once.
const ROWS_AT_ONCE: u64 = 1 << 18;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which file or folder.
    pub path: PathBuf,
    /// What is wrong, and what follows from it.
    pub message: String,
    /// Whether numbers may be lost or wrong; else it is only untidy.
    pub serious: bool,
}

/// What was read, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Files read.
    pub files: usize,
    /// Rows read.
    pub rows: u64,
    /// In the order of discovery.
    pub findings: Vec<Finding>,
}

/// A file of a table with something wrong in it.
pub(super) struct DamagedFile {
    pub path: PathBuf,
    pub table: &'static str,
    /// `None`: not even its footer can be read.
    pub file: Option<RowsFile>,
    /// Spans whose rows cannot be read or are not as they were written.
    pub bad: BTreeSet<usize>,
}

/// What was found, for people and for mending.
#[derive(Default)]
pub(super) struct Examined {
    pub verified: Verified,
    /// Journals with damaged lines.
    pub journals: Vec<PathBuf>,
    pub damaged: Vec<DamagedFile>,
    /// Runs that lost rows, with what they lost.
    pub lost: BTreeMap<RunId, String>,
}

impl Sweep {
    /// Reads every line of every journal and every row of every table, those of probes too, and compares them with their
    /// sums, with footers and with each other. Changes nothing.
    ///
    /// # Errors
    /// Where a folder cannot be listed; what is wrong with files is a finding.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = self.examine()?.verified;
        for probes in self.all_probes()? {
            let of_probes = probes.sweep.verify()?;
            verified.files += of_probes.files;
            verified.rows += of_probes.rows;
            verified.findings.extend(of_probes.findings);
        }
        Ok(verified)
    }

    /// As [`verify`](Self::verify), without probes.
    pub(super) fn examine(&self) -> Result<Examined, StoreError> {
        let mut found = Examined::default();
        for path in list(&self.layout.journals(), ".jsonl")? {
            for (line, message) in read_readable(&path, drop)? {
                found.verified.find(path.clone(), format!("line {line}: {message}"), true);
                found.journals.push(path.clone());
            }
        }
        found.journals.dedup();
        for table in ["history", "arrays"] {
            self.examine_table(table, &mut found)?;
        }
        for (run, what) in self.damage().runs {
            found.lost.entry(run).or_insert(what);
        }
        for (run, what) in &found.lost {
            let message = format!("run {run} is not whole any more: {what}");
            found.verified.find(self.layout.root().to_owned(), message, true);
        }
        let verified = &mut found.verified;
        for path in list(&self.layout.all_checkpoints(), "")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !self.states().iter().any(|state| state.run.as_str() == name) {
                verified.find(path, "checkpoints of a run that no journal knows".to_owned(), false);
            }
        }
        Ok(found)
    }

    fn examine_table(&self, name: &'static str, found: &mut Examined) -> Result<(), StoreError> {
        let table = Table::open(&self.layout, name)?;
        let lineages = Lineages::of(self.states(), &table);
        let Examined { verified, damaged, lost, .. } = found;
        for error in &table.damaged {
            let (path, message) = match error {
                StoreError::Table { path, message } => (path.as_path(), message.clone()),
                StoreError::File { path, cause, .. } => (path.as_path(), cause.to_string()),
                StoreError::Format { path, .. } => (path.as_path(), error.to_string()),
                _ => (self.layout.root(), error.to_string()),
            };
            verified.find(path.to_owned(), format!("cannot be read: {message}"), true);
            // What a newer version wrote is not damaged.
            if !matches!(error, StoreError::Format { .. }) {
                damaged.push(DamagedFile { path: path.to_owned(), table: name, file: None, bad: BTreeSet::new() });
            }
        }
        for path in &table.taken {
            verified.find(path.clone(), "its rows are in a part; `tessera compact` removes it".to_owned(), false);
        }
        for file in &table.files {
            verified.files += 1;
            let mut bad: BTreeSet<usize> = file.changed(None, &(0..file.footer.spans.len()).collect())?;
            if !bad.is_empty() {
                let message = "is not as it was written: sums of its rows differ".to_owned();
                verified.find(file.path.clone(), message, true);
            }
            let other = !file.footer.takes.is_empty() && self.differs(file, verified);
            if other && !file.has_sums() {
                // Nothing says which of its rows differ.
                bad = (0..file.footer.spans.len()).collect();
            }
            match check(file, name, &bad) {
                Ok((rows, wrong)) => {
                    verified.rows += rows;
                    for (span, message) in wrong {
                        verified.find(file.path.clone(), message, true);
                        bad.insert(span);
                    }
                }
                Err(message) => {
                    verified.find(file.path.clone(), message, true);
                    bad = (0..file.footer.spans.len()).collect();
                }
            }
            for span in file.footer.spans.iter().filter(|span| self.state(&span.run).is_none()) {
                verified.find(
                    file.path.clone(),
                    format!("has rows of run {}, which no journal knows", span.run),
                    false,
                );
            }
            // Rows are written after the line that says that their attempt began.
            for span in &file.footer.spans {
                if self.state(&span.run).is_some_and(|state| span.attempt > state.attempt) {
                    let what = format!(
                        "{} has rows of its attempt {}, of which no journal tells: lines of a journal are lost",
                        file.path.display(),
                        span.attempt
                    );
                    lost.entry(span.run.clone()).or_insert(what);
                }
            }
            for &span in &bad {
                let span = &file.footer.spans[span];
                if lineages.below(span).is_some() {
                    let what = format!("its rows in {} cannot be read", file.path.display());
                    lost.entry(span.run.clone()).or_insert(what);
                }
            }
            if other || !bad.is_empty() {
                damaged.push(DamagedFile { path: file.path.clone(), table: name, file: Some(file.clone()), bad });
            }
        }
        for state in self.states() {
            if let Some((path, what)) = self.lost_with_files(state, &table, name) {
                lost.entry(state.run.clone()).or_insert(format!("{}: {what}", path.display()));
            }
        }
        if name == "history" {
            self.check_results(&table, found);
        }
        Ok(())
    }

    /// A part must have the hash that was taken of it when it was written.
    fn differs(&self, file: &RowsFile, verified: &mut Verified) -> bool {
        let Ok(expected) = std::fs::read_to_string(checksum_path(&file.path)) else {
            verified.find(file.path.clone(), "has no checksum beside it".to_owned(), false);
            return false;
        };
        let mut hash = blake3::Hasher::new();
        let read = std::fs::File::open(&file.path).and_then(|file| hash.update_reader(file).map(|_| ()));
        if read.is_err() || !expected.starts_with(hash.finalize().to_hex().as_str()) {
            verified.find(file.path.clone(), "is not as it was written: its checksum differs".to_owned(), true);
            return true;
        }
        false
    }

    /// A run that is done must have rows, if any run of the sweep has.
    fn check_results(&self, table: &Table, found: &mut Examined) {
        let spans = table.files.iter().flat_map(|file| &file.footer.spans);
        let with_rows: std::collections::HashSet<_> = spans.map(|span| &span.run).collect();
        if with_rows.is_empty() {
            return;
        }
        for state in self.states().iter().filter(|state| state.status.is_done() && !with_rows.contains(&state.run)) {
            found.lost.entry(state.run.clone()).or_insert(format!("it is {} and has no history", state.status));
        }
    }
}

impl Verified {
    fn find(&mut self, path: PathBuf, message: String, serious: bool) {
        let finding = Finding { path, message, serious };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// Reads the rows of a file and holds them against its footer, but for spans that are known to be bad; gives their number,
/// and the spans with other rows than they should have, with what is wrong.
fn check(file: &RowsFile, table: &str, bad: &BTreeSet<usize>) -> Result<(u64, Vec<(usize, String)>), String> {
    let expected: &[(&str, DataType)] = &[
        ("sweep", DataType::String),
        ("run", DataType::String),
        ("attempt", DataType::UInt32),
        ("step", DataType::UInt64),
    ];
    for (name, kind) in expected {
        match file.schema.get(name) {
            Some(found) if found == kind => {}
            Some(found) => return Err(format!("column `{name}` is {found}, not {kind}")),
            None => return Err(format!("has no column `{name}`")),
        }
    }
    let (mut total, mut wrong) = (0, Vec::new());
    for (number, (span, rows)) in file.footer.spans.iter().zip(file.footer.places()).enumerate() {
        if bad.contains(&number) {
            continue;
        }
        match check_span(file, span, rows.start, table) {
            Ok(()) => total += span.rows,
            Err(message) => wrong.push((number, message)),
        }
    }
    Ok((total, wrong))
}

/// Reads the rows of a span, which begin at `start`.
fn check_span(file: &RowsFile, span: &Span, mut start: u64, table: &str) -> Result<(), String> {
    let mut last = None;
    let mut left = span.rows;
    while left > 0 {
        let count = left.min(ROWS_AT_ONCE);
        let rows = file.read(None, start, count).map_err(|error| error.to_string())?;
        let wrong = |error: PolarsError| error.to_string();
        let runs = rows.column("run").and_then(|c| c.str()).map_err(wrong)?;
        let attempts = rows.column("attempt").and_then(|c| c.u32()).map_err(wrong)?;
        let steps = rows.column("step").and_then(|c| c.u64()).map_err(wrong)?;
        let own =
            runs.iter().all(|run| run == Some(span.run.as_str())) && attempts.iter().all(|a| a == Some(span.attempt));
        if !own || rows.height() as u64 != count {
            return Err(format!("its footer promises {} rows of run {} where others are", span.rows, span.run));
        }
        for step in steps.iter().flatten() {
            if last.is_some_and(|last| step < last) || !(span.first..=span.last).contains(&step) {
                return Err(format!("rows of run {} are out of order at step {step}", span.run));
            }
            if table == "history" && last == Some(step) {
                return Err(format!("run {} has step {step} twice", span.run));
            }
            last = Some(step);
        }
        start += count;
        left -= count;
    }
    Ok(())
}
