//! The rows of a table: those of its parts and of the segments that no part names, as far as they count.
//!
//! A run's rows are those of its newest attempt and its ancestors; of an ancestor only those before the step that the
//! next attempt went on from. Which rows those are is known from the footers, so that rows are filtered only where
//! there is something to leave out.

use super::files::list;
use super::rows_file::{RowsFile, Span};
use super::{RunState, StoreError, Sweep};
use crate::record::Layout;
use crate::record::RunId;
use polars::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Above so many attempts that are left out or cut, rows are filtered by a join.
const MANY_CUTS: usize = 64;

/// Up to so many attempts are asked for by name.
const FEW_ATTEMPTS: usize = 16;

/// The files of a table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Parts, then segments; each by name.
    pub files: Vec<RowsFile>,
    /// Segments whose rows are in a part, and which only wait to be deleted.
    pub taken: Vec<PathBuf>,
    /// Files that cannot be read.
    pub damaged: Vec<StoreError>,
    /// Segments that can be read, and those that parts hold the rows of.
    there: HashSet<String>,
    /// Runs of which rows are lost with a file that cannot be read or is not there.
    lost: HashSet<RunId>,
}

impl Table {
    /// Finds the files of `history` or `arrays`.
    ///
    /// # Errors
    /// Where a folder cannot be listed.
    pub fn open(layout: &Layout, table: &str) -> Result<Self, StoreError> {
        let found = Self::look(layout, table)?;
        // A file that vanished was taken into a part meanwhile.
        let vanished = |error: &StoreError| matches!(error, StoreError::File { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound);
        if found.damaged.iter().any(vanished) { Self::look(layout, table) } else { Ok(found) }
    }

    fn look(layout: &Layout, table: &str) -> Result<Self, StoreError> {
        // Segments first: one that is taken into a part after it was listed is known by that part's footer.
        let segments = list(&layout.segments(), &format!(".{table}.parquet"))?;
        let mut found = Self::default();
        for path in list(&layout.parts(table), ".parquet")? {
            found.take(RowsFile::open(&path));
        }
        let taken: HashSet<String> = found.files.iter().flat_map(|part| part.footer.takes.iter().cloned()).collect();
        for path in segments {
            if path.file_name().is_some_and(|name| taken.contains(name.to_string_lossy().as_ref())) {
                found.taken.push(path);
            } else {
                found.take(RowsFile::open(&path));
            }
        }
        let names = found.files.iter().filter_map(|file| file.path.file_name());
        found.there = names.map(|name| name.to_string_lossy().into_owned()).chain(taken).collect();
        Ok(found)
    }

    /// The first segment that holds rows of a run, as the journal says, and is not there.
    pub fn missing(&self, run: &RunState, table: &str) -> Option<String> {
        let mut names = run.kept.iter().flat_map(|kept| {
            let ranges = if table == "arrays" { &kept.arrays } else { &kept.history };
            let numbers = ranges.iter().flat_map(|&(from, to)| from..=to);
            numbers.map(|number| format!("{}-{number}.{table}.parquet", kept.agent))
        });
        names.find(|name| !self.there.contains(name))
    }

    fn take(&mut self, file: Result<RowsFile, StoreError>) {
        match file {
            Ok(file) => self.files.push(file),
            Err(error) => self.damaged.push(error),
        }
    }
}

/// Which rows count, by run and attempt: those below a step, `u64::MAX` for all.
pub(super) struct Lineages<'a>(HashMap<(&'a RunId, u32), u64>);

impl<'a> Lineages<'a> {
    /// Of an ancestor the rows below the step that was gone on from count; where the next attempt says its first number
    /// at an earlier step (a program's checkpoint need not tell its step), those below that one.
    /// Of runs that lost some of their rows none counts.
    pub fn of(states: impl IntoIterator<Item = &'a RunState>, table: &Table) -> Self {
        let (files, lost) = (&table.files, &table.lost);
        let states: Vec<&RunState> = states.into_iter().collect();
        let resumed: HashSet<&RunId> = states.iter().filter(|s| s.lineage.len() > 1).map(|s| &s.run).collect();
        let mut firsts: HashMap<(&RunId, u32), u64> = HashMap::new();
        for span in files.iter().flat_map(|file| &file.footer.spans).filter(|span| resumed.contains(&span.run)) {
            let first = firsts.entry((&span.run, span.attempt)).or_insert(span.first);
            *first = (*first).min(span.first);
        }
        let mut below = HashMap::new();
        for state in states.into_iter().filter(|state| !lost.contains(&state.run)) {
            let mut limit = u64::MAX;
            for &(attempt, step) in &state.lineage {
                limit = limit.min(step.unwrap_or(u64::MAX));
                below.insert((&state.run, attempt), limit);
                // What the program was read to go on with counts, not what it says of its parameters at step 0 each time.
                let read =
                    state.readings.iter().find(|(read, _)| *read == attempt).and_then(|(_, reading)| reading.first);
                let first = read.or_else(|| firsts.get(&(&state.run, attempt)).copied());
                limit = limit.min(first.unwrap_or(u64::MAX));
            }
        }
        Self(below)
    }

    /// No row of these runs counts.
    pub fn leave_out(&mut self, lost: &HashSet<RunId>) {
        self.0.retain(|(run, _), _| !lost.contains(*run));
    }

    /// The step below which the span's rows count, `u64::MAX` for all of them; `None`: no row does.
    pub fn below(&self, span: &Span) -> Option<u64> {
        let below = *self.0.get(&(&span.run, span.attempt))?;
        (span.first < below).then_some(below)
    }
}

impl Sweep {
    /// The histories of all runs: `sweep`, `run`, `attempt`, `step`, `elapsed` and one column a metric. In no order.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn history(&self) -> Result<LazyFrame, StoreError> {
        self.rows("history", self.states().iter())
    }

    /// The histories of some runs; files that hold none of their rows are not opened.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn history_of<'a>(&self, runs: impl IntoIterator<Item = &'a RunState>) -> Result<LazyFrame, StoreError> {
        self.rows("history", runs)
    }

    /// The arrays of all runs: `sweep`, `run`, `attempt`, `step`, `name`, `shape`, `values`. In no order.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn arrays(&self) -> Result<LazyFrame, StoreError> {
        self.rows("arrays", self.states().iter())
    }

    /// The arrays of some runs; files that hold none of them are not opened.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn arrays_of<'a>(&self, runs: impl IntoIterator<Item = &'a RunState>) -> Result<LazyFrame, StoreError> {
        self.rows("arrays", runs)
    }

    /// The files of a table, read now.
    ///
    /// # Errors
    /// Where a file cannot be read and damaged files are not to be skipped.
    pub(super) fn table(&self, table: &str) -> Result<Table, StoreError> {
        let mut found = Table::open(&self.layout, table)?;
        if !self.skip_damaged && !found.damaged.is_empty() {
            return Err(found.damaged.swap_remove(0));
        }
        for run in self.states() {
            if let Some(what) = self.lost_with_files(run, &found, table) {
                self.lose(&run.run, what)?;
                found.lost.insert(run.run.clone());
            }
        }
        Ok(found)
    }

    fn rows<'a>(&self, table: &str, runs: impl IntoIterator<Item = &'a RunState>) -> Result<LazyFrame, StoreError> {
        let found = self.table(table)?;
        let lineages = Lineages::of(runs, &found);
        scan(table, vec![(self, found.files, lineages)])
    }
}

/// The rows of `history` or `arrays` of several sweeps, as one table. In no order.
///
/// # Errors
/// Where a file cannot be read.
pub fn rows_of_all<'s>(sweeps: impl IntoIterator<Item = &'s Sweep>, table: &str) -> Result<LazyFrame, StoreError> {
    let open = |sweep: &'s Sweep| -> Result<_, StoreError> {
        let found = sweep.table(table)?;
        let lineages = Lineages::of(sweep.states(), &found);
        Ok((sweep, found.files, lineages))
    };
    scan(table, sweeps.into_iter().map(open).collect::<Result<_, _>>()?)
}

/// One scan over all files: columns that a file lacks are empty there.
fn scan(table: &str, mut sweeps: Vec<(&Sweep, Vec<RowsFile>, Lineages)>) -> Result<LazyFrame, StoreError> {
    let mut schema = Schema::default();
    for (sweep, files, lineages) in &mut sweeps {
        files.retain(|file| file.footer.spans.iter().any(|span| lineages.below(span).is_some()));
        // Columns are known though all rows in them may be lost.
        for (name, kind) in files.iter().flat_map(|file| file.schema.iter()) {
            if !schema.contains(name) {
                schema.with_column(name.clone(), kind.clone());
            }
        }
        let lost = sweep.changed_runs(files, None, |span| lineages.below(span).is_some())?;
        lineages.leave_out(&lost);
        files.retain(|file| file.footer.spans.iter().any(|span| lineages.below(span).is_some()));
    }
    let files = sweeps.iter().flat_map(|(_, files, _)| files);
    let paths: Vec<_> = files.map(|file| PlRefPath::new(file.path.to_string_lossy())).collect();
    let Some((first, ..)) = sweeps.iter().find(|(_, files, _)| !files.is_empty()) else {
        let schema = if schema.is_empty() { empty_schema(table) } else { schema };
        return Ok(DataFrame::empty_with_schema(&schema).lazy());
    };
    let arguments = ScanArgsParquet {
        schema: Some(Arc::new(schema)),
        allow_missing_columns: true,
        glob: false,
        cache: false,
        ..Default::default()
    };
    let rows = LazyFrame::scan_parquet_files(paths.into_iter().collect(), arguments);
    Ok(keep(rows.map_err(StoreError::table(first.layout.root()))?, &sweeps))
}

/// An attempt: sweep, run, number.
type Key<'a> = (&'a str, &'a RunId, u32);

/// Leaves out the rows that do not count.
fn keep(scan: LazyFrame, sweeps: &[(&Sweep, Vec<RowsFile>, Lineages)]) -> LazyFrame {
    let (mut out, mut cut, mut whole) = (HashSet::new(), HashMap::new(), HashSet::new());
    for (sweep, files, lineages) in sweeps {
        for span in files.iter().flat_map(|file| &file.footer.spans) {
            let key: Key = (&sweep.name, &span.run, span.attempt);
            match lineages.below(span) {
                None => _ = out.insert(key),
                Some(below) if span.last >= below => _ = cut.insert(key, below),
                Some(_) => _ = whole.insert(key),
            }
        }
    }
    // Rows below the cut may lie in one segment, those above it in another.
    out.retain(|key| !cut.contains_key(key));
    whole.retain(|key| !cut.contains_key(key));
    let is = |&(sweep, run, attempt): &Key| {
        let one = col("run").eq(lit(run.as_str())).and(col("attempt").eq(lit(attempt)));
        if sweeps.len() == 1 { one } else { one.and(col("sweep").eq(lit(sweep))) }
    };
    // Where few attempts are asked for, naming those skips the row groups of all others; else those left out are named.
    if whole.len() + cut.len() <= FEW_ATTEMPTS || whole.len() + cut.len() <= out.len().min(MANY_CUTS) {
        let wholes = whole.iter().map(&is);
        let cuts = cut.iter().map(|(key, below)| is(key).and(col("step").lt(lit(*below))));
        return scan.filter(wholes.chain(cuts).reduce(Expr::or).unwrap_or(lit(false)));
    }
    if out.len() + cut.len() <= MANY_CUTS {
        let outs = out.iter().map(|key| is(key).not());
        let cuts = cut.iter().map(|(key, below)| is(key).not().or(col("step").lt(lit(*below))));
        return match outs.chain(cuts).reduce(Expr::and) {
            Some(filter) => scan.filter(filter),
            None => scan,
        };
    }
    let kept: Vec<(Key, u64)> = whole.into_iter().map(|key| (key, u64::MAX)).chain(cut).collect();
    let columns = vec![
        Column::new("sweep".into(), kept.iter().map(|((sweep, ..), _)| *sweep).collect::<Vec<_>>()),
        Column::new("run".into(), kept.iter().map(|((_, run, _), _)| run.as_str()).collect::<Vec<_>>()),
        Column::new("attempt".into(), kept.iter().map(|((.., attempt), _)| *attempt).collect::<Vec<_>>()),
        Column::new(BELOW.into(), kept.iter().map(|(_, below)| *below).collect::<Vec<_>>()),
    ];
    let Ok(kept) = DataFrame::new_infer_height(columns) else { return scan };
    let keys = [col("sweep"), col("run"), col("attempt")];
    scan.join(kept.lazy(), keys.clone(), keys, JoinArgs::new(JoinType::Inner))
        .filter(col("step").lt(col(BELOW)))
        .drop(cols([BELOW]))
}

/// A column that no metric is likely to be called.
const BELOW: &str = ".below";

fn empty_schema(table: &str) -> Schema {
    let mut fields = vec![
        Field::new("sweep".into(), DataType::String),
        Field::new("run".into(), DataType::String),
        Field::new("attempt".into(), DataType::UInt32),
        Field::new("step".into(), DataType::UInt64),
    ];
    if table == "arrays" {
        fields.push(Field::new("name".into(), DataType::String));
        fields.push(Field::new("shape".into(), DataType::List(Box::new(DataType::Int64))));
        fields.push(Field::new("values".into(), DataType::List(Box::new(DataType::Float32))));
    } else {
        fields.push(Field::new("elapsed".into(), DataType::Float64));
    }
    fields.into_iter().collect()
}
