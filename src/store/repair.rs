//! Repair: damaged files are set aside, what can still be read stays, and runs that lost rows no longer count.
//!
//! The lines that make runs void are safe before a damaged file leaves its place, and a file is replaced in one step, so
//! that a kill at any point leaves what the next repair can go on with.

use super::files::{make_folder, sync_folder, write_whole};
use super::journal::{Journal, mended};
use super::lost::void;
use super::rows_file::{Footer, Span, checksum_path, write};
use super::table::Table;
use super::verify::DamagedFile;
use super::writer::ROWS_A_GROUP;
use super::{StoreError, Sweep, sweeps};
use crate::presence::claim::Claim;
use crate::record::{Fact, RunId};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Whose journal says what a repair made void.
const AGENT: &str = "repair";

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Where damaged files and what belongs to lost runs are now.
    pub aside: Vec<PathBuf>,
    /// Runs that are to be executed again, each with what it lost; those of probes are named `probes/KIND/RUN`.
    pub lost: BTreeMap<String, String>,
}

impl Sweep {
    /// Sets damaged journals, parts and segments aside, keeps what can be read of them, and makes the runs void that lost
    /// something. Nobody may execute the sweep meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while the sweep is compacted; where a file cannot be read or written.
    pub fn repair(results: &Path, name: &str) -> Result<Repaired, StoreError> {
        let mut done = Repaired::default();
        let sweep = Self::open_readable(results, name)?;
        for what in sweeps(&sweep.layout.probes())? {
            let of_probes = Self::repair(&sweep.layout.probes(), &what)?;
            done.aside.extend(of_probes.aside);
            done.lost.extend(of_probes.lost.into_iter().map(|(run, why)| (format!("probes/{what}/{run}"), why)));
        }
        for table in ["history", "arrays"] {
            // What a newer version wrote is not damaged.
            let newer = |error: &StoreError| matches!(error, StoreError::Format { .. });
            if let Some(error) = Table::open(&sweep.layout, table)?.damaged.into_iter().find(newer) {
                return Err(error);
            }
        }
        let claim = Claim::take(&sweep.layout.claims(), "compact")?;
        let examined = sweep.examine()?;
        for journal in &examined.journals {
            sweep.mend_journal(journal, &mut done)?;
        }
        sweep.make_void(&examined.lost)?;
        for (run, why) in &examined.lost {
            // What a program would go on from by itself would leave the beginning of its history out.
            let checkpoints = sweep.layout.checkpoints(run);
            if checkpoints.exists() {
                done.aside.push(sweep.move_aside(&checkpoints)?);
            }
            done.lost.insert(run.to_string(), why.clone());
        }
        for damaged in &examined.damaged {
            sweep.mend_table(damaged, &mut done)?;
        }
        if !examined.lost.is_empty() || !done.aside.is_empty() {
            Self::open(results, name)?.write_runs()?;
        }
        drop(claim);
        Ok(done)
    }

    /// Writes a journal anew without its damaged lines.
    fn mend_journal(&self, path: &Path, done: &mut Repaired) -> Result<(), StoreError> {
        let agent = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = mended(path, &self.name, &agent, &self.doubts)?;
        done.aside.push(self.copy_aside(path)?);
        write_whole(path, |file| file.write_all(&text).map_err(StoreError::file("write", path)))
    }

    /// Says in the journal that runs count no more.
    fn make_void(&self, lost: &BTreeMap<RunId, String>) -> Result<(), StoreError> {
        let newest = self.newest_attempts()?;
        let said = |run: &RunId| self.doubts.iter().any(|fact| matches!(fact, Fact::Void { run: r, .. } if r == run));
        let voids = lost.iter().filter(|(run, _)| !said(run)).map(|(run, why)| {
            let known = self.state(run).map_or(0, |state| state.attempt);
            void(run, known.max(newest.get(run).copied().unwrap_or(0)), why.clone())
        });
        let voids: Vec<Fact> = voids.collect();
        if voids.is_empty() {
            return Ok(());
        }
        let mut journal = Journal::open(&self.layout.journal(AGENT), &self.name, AGENT, drop)?;
        journal.append(&voids)?;
        journal.sync()
    }

    /// Sets a part or segment aside; a file of the same name holds what can be read of it, if anything can.
    fn mend_table(&self, damaged: &DamagedFile, done: &mut Repaired) -> Result<(), StoreError> {
        let checksum = checksum_path(&damaged.path);
        let spans = damaged.file.as_ref().map(|file| file.footer.spans.iter().zip(file.footer.places()).enumerate());
        let good: Vec<(&Span, std::ops::Range<u64>)> =
            spans.into_iter().flatten().filter(|(n, _)| !damaged.bad.contains(n)).map(|(_, span)| span).collect();
        let Some(file) = damaged.file.as_ref().filter(|_| !good.is_empty()) else {
            done.aside.push(self.move_aside(&damaged.path)?);
            if checksum.exists() {
                self.move_aside(&checksum)?;
            }
            return Ok(());
        };
        done.aside.push(self.copy_aside(&damaged.path)?);
        if checksum.exists() {
            self.copy_aside(&checksum)?;
        }
        let kept = good.iter().map(|(span, _)| (*span).clone()).collect();
        let footer = Footer::new(damaged.table, &self.name, file.footer.takes.clone(), kept);
        write(&damaged.path, &file.schema, &footer, |append| {
            for (_, rows) in &good {
                for start in rows.clone().step_by(ROWS_A_GROUP) {
                    let mut piece = file.read(None, start, (rows.end - start).min(ROWS_A_GROUP as u64))?;
                    piece.rechunk_mut_par();
                    append(&piece)?;
                }
            }
            Ok(())
        })
    }

    /// A place for a file or folder below `.damaged` that nothing is at yet.
    fn place_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let name = path.strip_prefix(self.layout.root()).unwrap_or(path).to_string_lossy().into_owned();
        let mut place = self.layout.damaged().join(&name);
        let mut again = 1;
        while place.exists() {
            again += 1;
            place = self.layout.damaged().join(format!("{name}.{again}"));
        }
        make_folder(place.parent().unwrap_or(&place))?;
        Ok(place)
    }

    fn move_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let place = self.place_aside(path)?;
        std::fs::rename(path, &place).map_err(StoreError::file("move", path))?;
        self.sync_aside(path, &place)
    }

    /// Keeps the file that is about to be replaced.
    fn copy_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let place = self.place_aside(path)?;
        // The bytes themselves where the file system can; a copy of what cannot be read is none.
        if std::fs::hard_link(path, &place).is_err() {
            std::fs::copy(path, &place).map_err(StoreError::file("copy", path))?;
        }
        self.sync_aside(path, &place)
    }

    fn sync_aside(&self, from: &Path, place: &Path) -> Result<PathBuf, StoreError> {
        for folder in [place.parent(), from.parent()].into_iter().flatten() {
            sync_folder(folder)?;
        }
        Ok(place.to_owned())
    }
}
