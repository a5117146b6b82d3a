//! Compaction: rows of ended attempts move from segments into parts, sorted by run and step.
//!
//! A part names the segments that it took in, so the moment it is renamed into place is the moment its segments count
//! no more; a kill before it leaves the segments, a kill after it leaves files that nobody reads. What is in a part is
//! never written again.

use super::files::{ASIDE, fail_point, sync_folder};
use super::rows_file::{Footer, RowsFile, Span, write};
use super::table::Table;
use super::writer::{ROWS_A_GROUP, row_groups};
use super::{StoreError, Sweep};
use crate::record::RunId;
use crate::run::claim::Claim;
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// A part holds at most about so many rows …
const ROWS_A_PART: u64 = 20_000_000;

/// … of segments of at most so many bytes.
const BYTES_A_PART: u64 = 4 << 30;

/// So many values are sorted at once …
const VALUES_AT_ONCE: u64 = 1 << 22;

/// … that took about so many bytes in their segments.
const BYTES_AT_ONCE: u64 = 64 << 20;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Parts written.
    pub parts: usize,
    /// Segments taken in.
    pub segments: usize,
    /// Their rows.
    pub rows: u64,
    /// Segments that wait, since one of their attempts is not over.
    pub waiting: usize,
}

impl Sweep {
    /// Moves the rows of ended attempts into parts and rebuilds `runs.parquet`. May be called at any time, beside
    /// writers and readers; what is done already is not done again.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another process does the same; where a file cannot be read or written.
    pub fn compact(&self) -> Result<Compacted, StoreError> {
        let _claim = Claim::take(&self.layout.claims(), "compact")?;
        let mut done = Compacted::default();
        for table in ["history", "arrays"] {
            self.compact_table(table, &mut done)?;
        }
        self.write_runs()?;
        Ok(done)
    }

    fn compact_table(&self, table: &str, done: &mut Compacted) -> Result<(), StoreError> {
        let folder = self.layout.parts(table);
        remove_leftovers(&folder)?;
        let found = self.table(table)?;
        remove(&found.taken)?;
        let is_over = |span: &Span| {
            self.state(&span.run)
                .is_some_and(|run| span.attempt < run.attempt || span.attempt == run.attempt && run.status.is_over())
        };
        let segments = found.files.iter().filter(|file| !file.path.starts_with(&folder));
        let (ready, waiting): (Vec<_>, Vec<_>) = segments.partition(|file| file.footer.spans.iter().all(is_over));
        done.waiting += waiting.len();
        let numbers = next_part(&found, &folder)..;
        for (number, set) in numbers.zip(sets(ready)?) {
            let path = folder.join(format!("part-{number}.parquet"));
            write_part(&path, table, &self.name, &set)?;
            done.parts += 1;
            done.segments += set.len();
            done.rows += set.iter().map(|(file, _)| file.footer.rows()).sum::<u64>();
            remove(&set.iter().map(|(file, _)| file.path.clone()).collect::<Vec<_>>())?;
        }
        if self.layout.segments().is_dir() { sync_folder(&self.layout.segments()) } else { Ok(()) }
    }
}

/// A segment with its size in bytes.
type Sized<'a> = (&'a RowsFile, u64);

/// The segments by the part that takes them in.
fn sets(segments: Vec<&RowsFile>) -> Result<Vec<Vec<Sized<'_>>>, StoreError> {
    let mut sets: Vec<Vec<Sized>> = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    for file in segments {
        let size = std::fs::metadata(&file.path).map_err(StoreError::file("read", &file.path))?.len();
        rows += file.footer.rows();
        bytes += size;
        match sets.last_mut() {
            Some(set) if rows <= ROWS_A_PART && bytes <= BYTES_A_PART => set.push((file, size)),
            _ => {
                sets.push(vec![(file, size)]);
                (rows, bytes) = (file.footer.rows(), size);
            }
        }
    }
    Ok(sets)
}

/// Where rows of one attempt are.
struct Place {
    segment: usize,
    /// First row.
    offset: u64,
    rows: u64,
    /// Smallest and largest step.
    first: u64,
    last: u64,
}

/// Where the rows of one attempt are.
type Places = Vec<Place>;

fn write_part(path: &Path, table: &str, sweep: &str, set: &[Sized]) -> Result<(), StoreError> {
    let mut schema = Schema::default();
    let mut places: BTreeMap<(RunId, u32), Places> = BTreeMap::new();
    let mut spans: HashMap<(RunId, u32), Span> = HashMap::new();
    for (index, (file, _)) in set.iter().enumerate() {
        for (name, kind) in file.schema.iter() {
            if !schema.contains(name) {
                schema.with_column(name.clone(), kind.clone());
            }
        }
        let mut offset = 0;
        for span in &file.footer.spans {
            let key = (span.run.clone(), span.attempt);
            let place = Place { segment: index, offset, rows: span.rows, first: span.first, last: span.last };
            places.entry(key.clone()).or_default().push(place);
            offset += span.rows;
            let all = spans.entry(key).or_insert_with(|| Span { rows: 0, ..span.clone() });
            (all.rows, all.first, all.last) =
                (all.rows + span.rows, all.first.min(span.first), all.last.max(span.last));
        }
    }
    let takes = set.iter().filter_map(|(file, _)| Some(file.path.file_name()?.to_string_lossy().into_owned()));
    let mut sorted: Vec<Span> = places.keys().filter_map(|key| spans.remove(key)).collect();
    if table == "history" {
        for (span, places) in sorted.iter_mut().zip(places.values()) {
            span.rows = distinct_steps(places, set, span.rows)?;
        }
    }
    let footer = Footer::new(table, sweep, takes.collect(), sorted);
    let bytes: u64 = set.iter().map(|(_, size)| size).sum();
    let at_once = (VALUES_AT_ONCE / schema.len().max(1) as u64)
        .min((BYTES_AT_ONCE * footer.rows()).checked_div(bytes).unwrap_or(u64::MAX))
        .max(1);
    write(path, &schema, &footer, |append| {
        let mut chunk: Vec<(&Places, u64)> = Vec::new();
        let mut held = 0;
        for (places, span) in places.values().zip(&footer.spans) {
            if held > 0 && held + span.rows > at_once {
                write_chunk(&std::mem::take(&mut chunk), set, &schema, table, append)?;
                held = 0;
            }
            chunk.push((places, span.rows));
            held += span.rows;
        }
        write_chunk(&chunk, set, &schema, table, append)
    })
}

/// How many rows an attempt has once a step that lies in two segments (what a program logged late) is one row.
fn distinct_steps(places: &Places, set: &[Sized], rows: u64) -> Result<u64, StoreError> {
    if places.windows(2).all(|pair| pair[0].last < pair[1].first) {
        return Ok(rows);
    }
    let mut steps: Vec<u64> = Vec::new();
    for place in places {
        let file = set[place.segment].0;
        let read = file.read(Some(&["step"]), place.offset, place.rows)?;
        let column = read.column("step").and_then(|column| column.u64()).map_err(StoreError::table(&file.path))?;
        steps.extend(column.iter().flatten());
    }
    steps.sort_unstable();
    steps.dedup();
    Ok(steps.len() as u64)
}

/// Writes the rows of some attempts, sorted.
fn write_chunk(
    chunk: &[(&Places, u64)],
    set: &[Sized],
    schema: &Schema,
    table: &str,
    append: &mut dyn FnMut(&DataFrame) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Attempts that follow each other here follow each other in every segment too: one stretch a segment.
    let mut stretches: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for place in chunk.iter().flat_map(|(places, _)| places.iter()) {
        let stretch = stretches.entry(place.segment).or_insert((place.offset, place.offset));
        *stretch = (stretch.0.min(place.offset), stretch.1.max(place.offset + place.rows));
    }
    let mut pieces = Vec::with_capacity(stretches.len());
    for (&index, &(from, to)) in &stretches {
        pieces.push(whole(set[index].0.read(None, from, to - from)?, schema, &set[index].0.path)?);
    }
    let Some((mut rows, rest)) = pieces.split_first().map(|(first, rest)| (first.clone(), rest)) else { return Ok(()) };
    let path = &set[0].0.path;
    for piece in rest {
        rows.vstack_mut(piece).map_err(StoreError::table(path))?;
    }
    let keys: &[&str] =
        if table == "arrays" { &["run", "attempt", "step", "name"] } else { &["run", "attempt", "step"] };
    if !rest.is_empty() {
        let order = SortMultipleOptions::default().with_maintain_order(true);
        rows = rows.sort(keys, order).map_err(StoreError::table(path))?;
        if table == "history" {
            rows = merged(rows).map_err(StoreError::table(path))?;
        }
    }
    let rows = &rows;
    if table == "arrays" {
        return row_groups(rows, table).iter().try_for_each(append);
    }
    // Row groups end where a run ends, so that one run's curve needs no other run's rows.
    let (mut from, mut to) = (0, 0);
    for count in chunk.iter().map(|(_, count)| *count as usize) {
        if to > from && to - from + count > ROWS_A_GROUP {
            row_groups(&rows.slice(from as i64, to - from), table).iter().try_for_each(&mut *append)?;
            from = to;
        }
        to += count;
    }
    row_groups(&rows.slice(from as i64, to - from), table).iter().try_for_each(append)
}

/// Makes one row of rows with the same step: each metric's last value there.
fn merged(rows: DataFrame) -> PolarsResult<DataFrame> {
    let twice = {
        let (runs, attempts) = (rows.column("run")?.str()?, rows.column("attempt")?.u32()?);
        let steps: Vec<Option<u64>> = rows.column("step")?.u64()?.iter().collect();
        let same = |i: usize| {
            steps[i] == steps[i - 1] && attempts.get(i) == attempts.get(i - 1) && runs.get(i) == runs.get(i - 1)
        };
        (1..steps.len()).any(same)
    };
    if !twice {
        return Ok(rows);
    }
    let names: Vec<Expr> = rows.get_column_names().into_iter().map(|name| col(name.clone())).collect();
    let keys = [col("run"), col("attempt"), col("step")];
    let values =
        rows.get_column_names().into_iter().filter(|name| !["run", "attempt", "step"].contains(&name.as_str()));
    let last: Vec<Expr> = values.map(|name| col(name.clone()).drop_nulls().last()).collect();
    rows.clone().lazy().group_by_stable(keys).agg(last).select(names).collect()
}

/// The frame with all columns of the schema, in its order.
fn whole(frame: DataFrame, schema: &Schema, path: &Path) -> Result<DataFrame, StoreError> {
    let height = frame.height();
    let column = |(name, kind): (&PlSmallStr, &DataType)| match frame.column(name) {
        Ok(column) => column.clone(),
        Err(_) => Column::full_null(name.clone(), height, kind),
    };
    DataFrame::new(height, schema.iter().map(column).collect()).map_err(StoreError::table(path))
}

fn next_part(found: &Table, folder: &Path) -> u64 {
    let numbers = found
        .files
        .iter()
        .filter(|file| file.path.starts_with(folder))
        .filter_map(|file| file.path.file_stem()?.to_string_lossy().strip_prefix("part-")?.parse::<u64>().ok());
    numbers.max().map_or(1, |newest| newest + 1)
}

/// Removes segments that a part took in.
fn remove(segments: &[PathBuf]) -> Result<(), StoreError> {
    for path in segments {
        fail_point("delete");
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::file("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes what a compactor that was killed left half-written; only the holder of the claim writes here.
fn remove_leftovers(folder: &Path) -> Result<(), StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(StoreError::file("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::file("list", folder))?;
        if entry.file_name().to_string_lossy().starts_with(ASIDE) {
            std::fs::remove_file(entry.path()).map_err(StoreError::file("remove", &entry.path()))?;
        }
    }
    Ok(())
}
