//! Answers that may be larger than the memory: written a stretch of rows at a time, to a file or into a pipe.

use super::query::{Files, Said, executed, tables};
use super::{AnalyseError, Format, Grid};
use polars::io::utils::file::{Writable, WritableTrait};
use polars::prelude::*;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// So many rows are text at once.
const ROWS_AT_ONCE: usize = 1 << 13;

/// How an answer is written that may be of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streamed {
    /// Comma-separated, numbers in full.
    Csv,
    /// A list of objects.
    Json,
    /// One Parquet file.
    Parquet,
}

/// Where an answer goes.
pub type Outlet = Box<dyn Write + Send>;

/// Answers a query as [`query`](super::query()) does, but writes the rows as they come. `open` is called once the query
/// is known to be one that can be answered. Gives what the reader must know.
///
/// # Errors
/// As [`query`](super::query()), and where the answer cannot be written; a reader who has read enough is no error.
pub fn query_to(
    results: &Path,
    sql: &str,
    files: Files,
    streamed: Streamed,
    open: impl FnOnce() -> io::Result<Outlet>,
) -> Result<Said, AnalyseError> {
    let (context, said) = tables(results, sql, files)?;
    let wrong: Arc<Mutex<Option<io::Error>>> = Arc::default();
    let answered = executed(sql, context, |mut rows| {
        let schema = rows.collect_schema()?;
        let out = Out { to: open().map_err(|error| noted(&wrong, error))?, wrong: wrong.clone() };
        match streamed {
            Streamed::Parquet => parquet(rows, out),
            Streamed::Csv => text(rows, &schema, Format::Csv, out),
            Streamed::Json => text(rows, &schema, Format::Json, out),
        }
    });
    let wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (answered, wrong) {
        (Ok(()), _) => Ok(said),
        (Err(_), Some(cause)) if cause.kind() == ErrorKind::BrokenPipe => Ok(said),
        (Err(_), Some(cause)) => Err(AnalyseError::Unwritten(cause)),
        (Err(error), None) => Err(said.beside(error)),
    }
}

fn parquet(rows: LazyFrame, out: Out) -> PolarsResult<()> {
    let target = Writable::Dyn(Box::new(out));
    let target = SinkTarget::Dyn(SpecialEq::new(Arc::new(Mutex::new(Some(target)))));
    let format = FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions::default()));
    let sink = rows.sink(SinkDestination::File { target }, format, UnifiedSinkArgs::default())?;
    sink.collect_with_engine(Engine::Streaming).map(|_| ())
}

fn text(rows: LazyFrame, schema: &Schema, format: Format, out: Out) -> PolarsResult<()> {
    let pieces = Arc::new(Mutex::new(Pieces { out, format, begun: false }));
    let lock = |pieces: &Mutex<Pieces>, frame: &DataFrame| {
        pieces.lock().unwrap_or_else(PoisonError::into_inner).write(frame).map(|()| false)
    };
    let each = {
        let pieces = pieces.clone();
        PlanCallback::new(move |frame: DataFrame| Ok(lock(&pieces, &frame)?))
    };
    rows.sink_batches(each, true, None)?.collect_with_engine(Engine::Streaming)?;
    let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(pieces.end(&DataFrame::empty_with_schema(schema))?)
}

/// The text of an answer, a stretch after the other.
struct Pieces {
    out: Out,
    format: Format,
    begun: bool,
}

impl Pieces {
    fn write(&mut self, frame: &DataFrame) -> io::Result<()> {
        for from in (0..frame.height()).step_by(ROWS_AT_ONCE) {
            let grid = Grid::of_frame(&frame.slice(from as i64, ROWS_AT_ONCE), self.format);
            self.out.write_all(grid.piece(self.format, !self.begun).as_bytes())?;
            self.begun = true;
        }
        Ok(())
    }

    fn end(&mut self, empty: &DataFrame) -> io::Result<()> {
        if !self.begun {
            let grid = Grid::of_frame(empty, self.format);
            self.out.write_all(grid.piece(self.format, true).as_bytes())?;
        }
        self.out.write_all(Grid::end(self.format).as_bytes())?;
        self.out.flush()
    }
}

/// The outlet, and why it could not be written to.
struct Out {
    to: Outlet,
    wrong: Arc<Mutex<Option<io::Error>>>,
}

/// Keeps the error: what the engine makes of it has lost its kind.
fn noted(wrong: &Mutex<Option<io::Error>>, error: io::Error) -> io::Error {
    let kind = error.kind();
    if kind != ErrorKind::Interrupted {
        wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
    kind.into()
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes).map_err(|error| noted(&self.wrong, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().map_err(|error| noted(&self.wrong, error))
    }
}

impl WritableTrait for Out {
    fn close(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
