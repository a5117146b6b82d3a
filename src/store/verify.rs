//! Verification: every file of a sweep is read, and what it says is held against the others.

use super::files::list;
use super::rows_file::{RowsFile, checksum_path};
use super::table::Table;
use super::{StoreError, Sweep};
use polars::prelude::*;
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

impl Sweep {
    /// Reads every row of every table, those of probes too, and compares it with footers and journals. Changes nothing.
    ///
    /// # Errors
    /// Where a folder cannot be listed; what is wrong with files is a finding.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        for name in ["history", "arrays"] {
            let table = Table::open(&self.layout, name)?;
            for error in &table.damaged {
                let (path, message) = match error {
                    StoreError::Table { path, message } => (path.as_path(), message.clone()),
                    StoreError::File { path, cause, .. } => (path.as_path(), cause.to_string()),
                    StoreError::Format { path, .. } => (path.as_path(), error.to_string()),
                    _ => (self.layout.root(), error.to_string()),
                };
                verified.find(path.to_owned(), format!("cannot be read: {message}"), true);
            }
            for path in &table.taken {
                verified.find(path.clone(), "its rows are in a part; `tessera compact` removes it".to_owned(), false);
            }
            for file in &table.files {
                verified.files += 1;
                if !file.footer.takes.is_empty() {
                    self.check_sum(file, &mut verified);
                }
                match check(file, name) {
                    Ok(rows) => verified.rows += rows,
                    Err(message) => verified.find(file.path.clone(), message, true),
                }
                for span in file.footer.spans.iter().filter(|span| self.state(&span.run).is_none()) {
                    verified.find(
                        file.path.clone(),
                        format!("has rows of run {}, which no journal knows", span.run),
                        false,
                    );
                }
            }
            if name == "history" {
                self.check_results(&table, &mut verified);
            }
        }
        for probes in self.all_probes()? {
            let of_probes = probes.sweep.verify()?;
            verified.files += of_probes.files;
            verified.rows += of_probes.rows;
            verified.findings.extend(of_probes.findings);
        }
        for path in list(&self.layout.root().join("checkpoints"), "")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !self.states().iter().any(|state| state.run.as_str() == name) {
                verified.find(path, "checkpoints of a run that no journal knows".to_owned(), false);
            }
        }
        Ok(verified)
    }

    /// A part must have the hash that was taken of it when it was written.
    fn check_sum(&self, file: &RowsFile, verified: &mut Verified) {
        let Ok(expected) = std::fs::read_to_string(checksum_path(&file.path)) else {
            verified.find(file.path.clone(), "has no checksum beside it".to_owned(), false);
            return;
        };
        let mut hash = blake3::Hasher::new();
        let read = std::fs::File::open(&file.path).and_then(|file| hash.update_reader(file).map(|_| ()));
        if read.is_err() || !expected.starts_with(hash.finalize().to_hex().as_str()) {
            verified.find(file.path.clone(), "is not as it was written: its checksum differs".to_owned(), true);
        }
    }

    /// A run that is done must have rows, if any run of the sweep has.
    fn check_results(&self, table: &Table, verified: &mut Verified) {
        let spans = table.files.iter().flat_map(|file| &file.footer.spans);
        let with_rows: std::collections::HashSet<_> = spans.map(|span| &span.run).collect();
        if with_rows.is_empty() {
            return;
        }
        for state in self.states().iter().filter(|state| state.status.is_done() && !with_rows.contains(&state.run)) {
            let message = format!("run {} is {} and has no history", state.run, state.status);
            verified.find(self.layout.root().to_owned(), message, true);
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

/// Reads all rows of a file and holds them against its footer; gives their number.
fn check(file: &RowsFile, table: &str) -> Result<u64, String> {
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
    let mut total = 0;
    for span in &file.footer.spans {
        let mut last = None;
        let mut left = span.rows;
        while left > 0 {
            let count = left.min(ROWS_AT_ONCE);
            let rows = file.read(None, total, count).map_err(|error| error.to_string())?;
            let wrong = |error: PolarsError| error.to_string();
            let runs = rows.column("run").and_then(|c| c.str()).map_err(wrong)?;
            let attempts = rows.column("attempt").and_then(|c| c.u32()).map_err(wrong)?;
            let steps = rows.column("step").and_then(|c| c.u64()).map_err(wrong)?;
            let own = runs.iter().all(|run| run == Some(span.run.as_str()))
                && attempts.iter().all(|a| a == Some(span.attempt));
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
            total += count;
            left -= count;
        }
    }
    Ok(total)
}
