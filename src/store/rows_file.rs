//! A Parquet file of rows of many runs, sorted by run, attempt and step: a segment or a part. Its footer says which
//! rows lie where, so that a question about some runs reads their rows alone.

use super::StoreError;
use super::files::write_whole;
use super::sums::{Summing, Sums};
use crate::record::RunId;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The version of the tables' format.
const FORMAT: u64 = 1;

/// The footer's key.
const KEY: &str = "tessera";

/// The rows of one attempt in a file; they follow those of the spans before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "(RunId, u32, u64, u64, u64)", from = "(RunId, u32, u64, u64, u64)")]
pub(crate) struct Span {
    /// Which run.
    pub run: RunId,
    /// Which execution.
    pub attempt: u32,
    /// How many rows.
    pub rows: u64,
    /// Smallest step.
    pub first: u64,
    /// Largest step.
    pub last: u64,
}

impl From<Span> for (RunId, u32, u64, u64, u64) {
    fn from(span: Span) -> Self {
        (span.run, span.attempt, span.rows, span.first, span.last)
    }
}

impl From<(RunId, u32, u64, u64, u64)> for Span {
    fn from((run, attempt, rows, first, last): (RunId, u32, u64, u64, u64)) -> Self {
        Self { run, attempt, rows, first, last }
    }
}

/// What the footer of a file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Footer {
    format: u64,
    /// `history`, `arrays`.
    pub table: String,
    /// Which sweep.
    pub sweep: String,
    /// File names of the segments that this part holds the rows of; empty for a segment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<String>,
    /// Whether sums of its bytes stand before the footer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sums: bool,
    /// Which rows lie where, in the order of the rows.
    pub spans: Vec<Span>,
}

impl Footer {
    pub fn new(table: &str, sweep: &str, takes: Vec<String>, spans: Vec<Span>) -> Self {
        Self { format: FORMAT, table: table.to_owned(), sweep: sweep.to_owned(), takes, sums: true, spans }
    }

    /// How many rows the spans have.
    pub fn rows(&self) -> u64 {
        self.spans.iter().map(|span| span.rows).sum()
    }

    /// The rows of each span.
    pub fn places(&self) -> Vec<Range<u64>> {
        let mut next = 0;
        let rows = |span: &Span| {
            let start = next;
            next += span.rows;
            start..next
        };
        self.spans.iter().map(rows).collect()
    }
}

/// A file with its footer read.
#[derive(Clone, Debug)]
pub(crate) struct RowsFile {
    pub path: PathBuf,
    pub footer: Footer,
    pub schema: Schema,
    /// `None`: written by a tessera that took none.
    sums: Option<Sums>,
}

impl RowsFile {
    /// Reads a file's footer alone.
    ///
    /// # Errors
    /// Where the file cannot be read, is no Parquet file, or is not tessera's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let foreign = |message: &str| StoreError::Table { path: path.to_owned(), message: message.to_owned() };
        let file = File::open(path).map_err(StoreError::file("read", path))?;
        let sums = Sums::read(&file).map_err(changed(path))?;
        let mut reader = ParquetReader::new(file);
        let metadata = reader.get_metadata().map_err(StoreError::table(path))?;
        let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
        let text = pairs.iter().find(|pair| pair.key == KEY).and_then(|pair| pair.value.as_deref());
        let text = text.ok_or_else(|| foreign("this Parquet file was not written by tessera"))?;
        let version: Version = serde_json::from_str(text).map_err(|error| foreign(&error.to_string()))?;
        if version.format != FORMAT {
            return Err(StoreError::Format { path: path.to_owned(), found: version.format, known: FORMAT });
        }
        let footer: Footer = serde_json::from_str(text).map_err(|error| foreign(&error.to_string()))?;
        if footer.sums && sums.is_none() {
            return Err(foreign("it is not as it was written: its sums are gone"));
        }
        let actual = metadata.num_rows as u64;
        if footer.rows() != actual {
            return Err(foreign(&format!("its footer speaks of {} rows, it has {actual}", footer.rows())));
        }
        let schema = reader.schema().map_err(StoreError::table(path))?;
        let schema = Schema::from_arrow_schema(schema.as_ref());
        Ok(Self { path: path.to_owned(), footer, schema, sums })
    }

    /// Reads some rows of some columns (all where none are named).
    pub fn read(&self, columns: Option<&[&str]>, offset: u64, rows: u64) -> Result<DataFrame, StoreError> {
        let file = File::open(&self.path).map_err(StoreError::file("read", &self.path))?;
        let columns = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let slice = Some((offset as usize, rows as usize));
        let reader = ParquetReader::new(file).with_columns(columns).with_slice(slice);
        reader.finish().map_err(StoreError::table(&self.path))
    }

    /// Whether its bytes have sums.
    pub fn has_sums(&self) -> bool {
        self.sums.is_some()
    }

    /// Whether all rows are as they were written, as far as there are sums.
    pub fn is_whole(&self) -> Result<bool, StoreError> {
        let Some(sums) = &self.sums else { return Ok(true) };
        let fail = StoreError::file("read", &self.path);
        File::open(&self.path).and_then(|file| sums.hold(&file)).map_err(fail)
    }

    /// Which of some spans, by their numbers, have rows that are not as they were written, in some columns (all where
    /// none are named). Only the bytes of these are read.
    pub fn changed(&self, columns: Option<&[&str]>, spans: &BTreeSet<usize>) -> Result<BTreeSet<usize>, StoreError> {
        let Some(sums) = &self.sums else { return Ok(BTreeSet::new()) };
        let fail = StoreError::table(&self.path);
        let open = || File::open(&self.path).map_err(StoreError::file("read", &self.path));
        let (file, mut reader) = (open()?, ParquetReader::new(open()?));
        let metadata = reader.get_metadata().map_err(fail)?.clone();
        let mut groups: Vec<Group> = Vec::new();
        let mut row = 0;
        for group in &metadata.row_groups {
            let rows = row..row + group.num_rows() as u64;
            row = rows.end;
            let chunks = group.parquet_columns().iter().filter(|chunk| {
                let name = chunk.descriptor().path_in_schema.first();
                columns.is_none_or(|columns| name.is_some_and(|name| columns.contains(&name.as_str())))
            });
            groups.push(Group { rows, bytes: chunks.map(|chunk| chunk.byte_range()).collect() });
        }
        let rows_of = self.footer.places();
        let within = |group: &Group, span: usize| {
            rows_of.get(span).is_some_and(|rows| rows.start < group.rows.end && group.rows.start < rows.end)
        };
        let wanted: Vec<&Group> = groups.iter().filter(|group| spans.iter().any(|&span| within(group, span))).collect();
        let blocks: BTreeSet<u64> = wanted.iter().flat_map(|group| group.bytes.iter().flat_map(Sums::blocks)).collect();
        let mut bad: BTreeSet<u64> = BTreeSet::new();
        for block in blocks {
            if !sums.holds(&file, block).map_err(StoreError::file("read", &self.path))? {
                bad.insert(block);
            }
        }
        if bad.is_empty() {
            return Ok(BTreeSet::new());
        }
        let is_bad = |bytes: &Range<u64>| bad.range(Sums::blocks(bytes)).next().is_some();
        let bad_groups: Vec<&&Group> = wanted.iter().filter(|group| group.bytes.iter().any(is_bad)).collect();
        Ok(spans.iter().copied().filter(|&span| bad_groups.iter().any(|group| within(group, span))).collect())
    }
}

/// A row group: its rows and the bytes of some of its columns.
struct Group {
    rows: Range<u64>,
    bytes: Vec<Range<u64>>,
}

fn changed(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    move |error| match error.kind() {
        std::io::ErrorKind::InvalidData => StoreError::Table { path: path.to_owned(), message: error.to_string() },
        _ => StoreError::file("read", path)(error),
    }
}

#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// Writes a file whole: `fill` gets a function that appends one row group.
///
/// # Errors
/// Where it cannot be written; then there is no such file.
pub(crate) fn write(
    path: &Path,
    schema: &Schema,
    footer: &Footer,
    fill: impl FnOnce(&mut dyn FnMut(&DataFrame) -> Result<(), StoreError>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(footer)
        .map_err(|error| StoreError::Table { path: path.to_owned(), message: error.to_string() })?;
    write_whole(path, |file| {
        let hash = write_summed(file, path, schema, metadata(schema, KEY, text), fill)?;
        if footer.takes.is_empty() { Ok(()) } else { write_checksum(path, &hash.to_hex()) }
    })
}

/// Writes a Parquet file with sums of its bytes; gives the hash of the whole. `fill` gets a function that appends one row
/// group.
pub(super) fn write_summed(
    file: &mut BufWriter<File>,
    path: &Path,
    schema: &Schema,
    pairs: KeyValueMetadata,
    fill: impl FnOnce(&mut dyn FnMut(&DataFrame) -> Result<(), StoreError>) -> Result<(), StoreError>,
) -> Result<blake3::Hash, StoreError> {
    let ends = AtomicBool::new(false);
    let mut file = Summing::new(file, &ends);
    let writer = ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_key_value_metadata(Some(pairs));
    let mut writer: BatchedWriter<_> = writer.batched(schema).map_err(failed(path))?;
    fill(&mut |rows| writer.write_batch(rows).map_err(failed(path)))?;
    ends.store(true, Ordering::Relaxed);
    writer.finish().map_err(failed(path))?;
    drop(writer);
    file.close().map_err(StoreError::file("write", path))
}

/// The file beside a part that holds its BLAKE3 as `b3sum` writes it; there before the part is. Its name begins with a
/// dot: readers that are given the folder pass over it.
pub(super) fn checksum_path(part: &Path) -> PathBuf {
    let name = part.file_stem().unwrap_or_default().to_string_lossy();
    part.with_file_name(format!(".{name}.b3"))
}

pub(super) fn write_checksum(part: &Path, hash: &str) -> Result<(), StoreError> {
    let path = checksum_path(part);
    let name = part.file_name().unwrap_or_default().to_string_lossy();
    write_whole(&path, |file| writeln!(file, "{hash}  {name}").map_err(StoreError::file("write", &path)))
}

/// A footer's pairs: our own, and the Arrow schema with plain strings and lists. The library would write string views,
/// in which other readers (pyarrow, and so pandas) cannot filter yet.
pub(super) fn metadata(schema: &Schema, key: &str, text: String) -> KeyValueMetadata {
    let plain = schema.to_arrow(CompatLevel::oldest());
    let arrow = polars_parquet::write::schema_to_metadata_key(&plain);
    let pairs = [(key.to_owned(), Some(text)), (arrow.key, arrow.value)];
    KeyValueMetadata::from_static(pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// A full disk stays recognisable as one.
pub(super) fn failed(path: &Path) -> impl Fn(PolarsError) -> StoreError {
    move |error| match error {
        PolarsError::IO { error, .. } => {
            let kind = error.kind();
            let cause = error.raw_os_error().map_or_else(|| kind.into(), std::io::Error::from_raw_os_error);
            StoreError::File { verb: "write", path: path.to_owned(), cause }
        }
        // The Parquet writer keeps the words of an error of the file system, not its kind.
        other if other.to_string().contains("No space left on device") => {
            let cause = std::io::Error::from_raw_os_error(libc::ENOSPC);
            StoreError::File { verb: "write", path: path.to_owned(), cause }
        }
        other => StoreError::table(path)(other),
    }
}
