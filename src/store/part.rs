//! A part: the rows of many segments, sorted by run, attempt and step, a few runs in memory at a time.

use super::StoreError;
use super::rows_file::{Footer, RowsFile, Span, write};
use super::writer::{ROWS_A_GROUP, groups_of_runs, row_groups};
use crate::record::RunId;
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// So many values are in memory at once …
const VALUES_AT_ONCE: u64 = 1 << 22;

/// … that took about so many bytes in their segments.
const BYTES_AT_ONCE: u64 = 64 << 20;

/// A segment with its size in bytes.
pub(super) type Sized<'a> = (&'a RowsFile, u64);

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

/// Writes the rows of some segments, sorted by run, attempt and step, as a part that names them.
///
/// # Errors
/// Where a segment cannot be read or the part not be written; then there is none.
pub(super) fn write_part(path: &Path, table: &str, sweep: &str, set: &[Sized]) -> Result<(), StoreError> {
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
    for places in places.values_mut() {
        places.sort_by_key(|place| place.first);
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
    if follow_each_other(places) {
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
    let mut pieces: HashMap<usize, (u64, DataFrame)> = HashMap::new();
    for (&index, &(from, to)) in &stretches {
        pieces.insert(index, (from, whole(set[index].0.read(None, from, to - from)?, schema, &set[index].0.path)?));
    }
    let Some(path) = set.first().map(|(file, _)| &file.path) else { return Ok(()) };
    let mut rows = DataFrame::empty_with_schema(schema);
    for (places, _) in chunk {
        let mut own = DataFrame::empty_with_schema(schema);
        for place in places.iter() {
            let Some((from, piece)) = pieces.get(&place.segment) else { continue };
            let slice = piece.slice((place.offset - from) as i64, place.rows as usize);
            own.vstack_mut(&slice).map_err(StoreError::table(path))?;
        }
        if !follow_each_other(places) {
            own = sorted(own, table).map_err(StoreError::table(path))?;
        }
        rows.vstack_mut(&own).map_err(StoreError::table(path))?;
    }
    drop(pieces);
    // A row group is written for each piece of memory.
    rows.rechunk_mut_par();
    match table {
        "arrays" => row_groups(&rows, table).iter().try_for_each(append),
        _ => {
            let counts = chunk.iter().map(|(_, count)| *count as usize);
            groups_of_runs(&rows, counts, ROWS_A_GROUP).iter().try_for_each(append)
        }
    }
}

/// Whether each place begins after the step at which the one before ended.
fn follow_each_other(places: &Places) -> bool {
    places.windows(2).all(|pair| pair[0].last < pair[1].first)
}

/// The rows of one attempt in order; of what was said twice of a step the later stays.
fn sorted(rows: DataFrame, table: &str) -> PolarsResult<DataFrame> {
    let keys: &[&str] = if table == "arrays" { &["step", "name"] } else { &["step"] };
    let rows = rows.sort(keys, SortMultipleOptions::default().with_maintain_order(true))?;
    if table == "history" { merged(rows) } else { Ok(rows) }
}

/// Makes one row of rows with the same step: each metric's last value there.
fn merged(rows: DataFrame) -> PolarsResult<DataFrame> {
    let steps: Vec<Option<u64>> = rows.column("step")?.u64()?.iter().collect();
    if steps.windows(2).all(|pair| pair[0] != pair[1]) {
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
