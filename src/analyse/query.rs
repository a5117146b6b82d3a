//! SQL over the runs, histories and arrays of every sweep.

use super::AnalyseError;
use crate::store::{Scope, Sweep, probes_of_all, rows_of_all, sweeps};
use polars::prelude::*;
use polars::sql::SQLContext;
use regex::Regex;
use std::path::Path;

/// Whether a query may name files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// `read_parquet('…')` and the like work: the query is a person's at the command line.
    Allowed,
    /// They are refused: the query comes with a spec.
    Refused,
}

/// What a query gives.
pub struct Answer {
    /// Its rows.
    pub frame: DataFrame,
    /// What the reader must know: columns whose types differ between sweeps.
    pub notes: Vec<String>,
}

/// Answers a query over `runs`, `history`, `arrays`, `probes` and `probe_arrays`. A table is read only if the query names it, and of it only
/// the columns and row groups that it needs.
///
/// # Errors
/// Where the query is wrong (the message points into it), or a store cannot be read; `skip_damaged` passes over its
/// files that cannot.
pub fn query(results: &Path, sql: &str, files: Files, skip_damaged: bool) -> Result<Answer, AnalyseError> {
    let (context, notes) = tables(results, sql, files, skip_damaged)?;
    let frame =
        executed(sql, context, |rows| rows.collect_with_engine(Engine::Streaming).map(|rows| rows.unwrap_single()))?;
    Ok(Answer { frame, notes })
}

/// Writes the answer to a query to a Parquet file, a stretch of rows at a time: it may be larger than the memory. Gives
/// what the reader must know.
///
/// # Errors
/// As [`query`], and where the file cannot be written.
pub fn query_to(
    results: &Path,
    sql: &str,
    files: Files,
    skip_damaged: bool,
    path: &Path,
) -> Result<Vec<String>, AnalyseError> {
    let (context, notes) = tables(results, sql, files, skip_damaged)?;
    let target = SinkTarget::Path(PlRefPath::new(path.to_string_lossy()));
    executed(sql, context, |rows| {
        let format = FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions::default()));
        let sink = rows.sink(SinkDestination::File { target }, format, UnifiedSinkArgs::default())?;
        sink.collect_with_engine(Engine::Streaming).map(|_| ())
    })?;
    Ok(notes)
}

/// The tables that a query names.
fn tables(
    results: &Path,
    sql: &str,
    files: Files,
    skip_damaged: bool,
) -> Result<(SQLContext, Vec<String>), AnalyseError> {
    let code = without_literals(sql);
    // A quoted name is a function's name too.
    if files == Files::Refused && named(&code, r#"(?i)\b(?:read|scan)_\w+["`]?\s*\("#).is_some() {
        return Err(AnalyseError::Question {
            message: "a query in a spec may not read files".to_owned(),
            help: "it sees runs, history and arrays of every sweep".to_owned(),
        });
    }
    let mut notes = Vec::new();
    let open = |name: &String| Sweep::open(results, name).map(|sweep| sweep.skip_damaged(skip_damaged));
    let stores: Vec<Sweep> = sweeps(results)?.iter().map(open).collect::<Result<_, _>>()?;
    let context = SQLContext::new();
    let names = |table: &str| named(&code, &format!(r"(?i)\b{table}\b")).is_some();
    if names("runs") {
        let frames: Vec<DataFrame> = stores.iter().map(|sweep| sweep.runs(&Scope::All)).collect::<Result<_, _>>()?;
        context.register("runs", united(frames, &mut notes).map_err(|error| explained(sql, &error))?.lazy());
    }
    for table in ["history", "arrays"] {
        if names(table) {
            context.register(table, rows_of_all(&stores, table)?);
        }
    }
    for (name, table) in [("probes", "history"), ("probe_arrays", "arrays")] {
        if names(name) {
            context.register(name, probes_of_all(&stores, table)?);
        }
    }
    Ok((context, notes))
}

/// Carries a query out. The engine panics on what it was built without; that must not take the caller down.
fn executed<T>(
    sql: &str,
    mut context: SQLContext,
    finish: impl FnOnce(LazyFrame) -> PolarsResult<T>,
) -> Result<T, AnalyseError> {
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| context.execute(sql).and_then(finish)));
    let collected = answer.map_err(|_| AnalyseError::Question {
        message: "polars cannot answer this query".to_owned(),
        help: "its message is above; the same may be asked in another way".to_owned(),
    })?;
    collected.map_err(|error| explained(sql, &error))
}

/// Writes an answer as Parquet.
///
/// # Errors
/// Where it cannot be written.
pub fn write_parquet(mut frame: DataFrame, to: impl std::io::Write) -> PolarsResult<()> {
    ParquetWriter::new(to).finish(&mut frame).map(|_| ())
}

/// The tables of runs under each other; a column whose type differs between sweeps becomes a number where all are,
/// else text, which is said.
fn united(mut frames: Vec<DataFrame>, notes: &mut Vec<String>) -> PolarsResult<DataFrame> {
    let mut kinds: indexmap::IndexMap<String, Vec<DataType>> = indexmap::IndexMap::new();
    for column in frames.iter().flat_map(|frame| frame.columns()) {
        let kinds = kinds.entry(column.name().to_string()).or_default();
        if column.null_count() < column.len() && !kinds.contains(column.dtype()) {
            kinds.push(column.dtype().clone());
        }
    }
    for (name, kinds) in kinds {
        let kind = match kinds.as_slice() {
            [] => DataType::String,
            [one] => one.clone(),
            many if many.iter().all(DataType::is_primitive_numeric) => DataType::Float64,
            many => {
                let kinds: Vec<String> = many.iter().map(ToString::to_string).collect();
                notes.push(format!(
                    "column {name} has other types in other sweeps ({}): it is text here",
                    kinds.join(", ")
                ));
                DataType::String
            }
        };
        for frame in &mut frames {
            if let Ok(column) = frame.column(&name)
                && *column.dtype() != kind
            {
                let cast = column.cast(&kind)?;
                frame.with_column(cast)?;
            }
        }
    }
    if frames.is_empty() { Ok(DataFrame::empty()) } else { polars::functions::concat_df_diagonal(&frames) }
}

/// The query with string literals blanked, and quoted names kept.
fn without_literals(sql: &str) -> String {
    let Ok(literals) = Regex::new(r"(?s)'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/") else { return sql.to_owned() };
    literals.replace_all(sql, |hit: &regex::Captures| " ".repeat(hit[0].len())).into_owned()
}

fn named(code: &str, pattern: &str) -> Option<usize> {
    Some(Regex::new(pattern).ok()?.find(code)?.start())
}

/// The error with the place in the query that it is about, and the remedy.
fn explained(sql: &str, error: &PolarsError) -> AnalyseError {
    let text = error.to_string();
    let text = text.split("\n\nResolved plan").next().unwrap_or(&text).trim().to_owned();
    let quoted = Regex::new("column (?:named |not found: )?[\"'`]([^\"'`]+)").ok();
    let name = quoted.and_then(|quoted| Some(quoted.captures(&text)?[1].to_owned()));
    let at_line = Regex::new(r"[Ll]ine:? (\d+),? [Cc]olumn:? (\d+)").ok();
    let place = match at_line.and_then(|place| place.captures(&text).map(|hit| (hit[1].parse(), hit[2].parse()))) {
        Some((Ok(line), Ok(column))) => offset(sql, line, column),
        _ if text.contains("found: EOF") => Some(sql.trim_end().len()),
        _ => name.as_ref().and_then(|name| named(&without_literals(sql), &format!(r"\b{}\b", regex::escape(name)))),
    };
    let mut help = "tables are runs, history and arrays; `SELECT * FROM runs LIMIT 1` shows the columns".to_owned();
    // A column whose name is a word of SQL: `values`.
    if let Some(word) =
        Regex::new(r"found: (\w+) at Line").ok().and_then(|word| Some(word.captures(&text)?[1].to_owned()))
    {
        help = format!("a column whose name is a word of SQL needs double quotes: \"{word}\"");
    }
    // The library's own suggestion stands on a line of its own.
    let (text, suggestion) = match text.split_once("\n\nDid you mean ") {
        Some((text, suggestion)) => (text.to_owned(), Some(suggestion.to_owned())),
        None => (text, None),
    };
    if let Some(suggestion) = suggestion {
        help = format!("did you mean {suggestion}");
    }
    if let Some(name) = &name {
        // `terms/KL` without quotes is a division, `lr_schedule.factor` a column of a table.
        let operator =
            Regex::new(&format!(r"{}\s*[./]\s*\w+|\w+\s*[./]\s*{}", regex::escape(name), regex::escape(name)));
        if let Some(hit) = operator.ok().and_then(|operator| operator.find(sql).map(|hit| hit.as_str().to_owned())) {
            help = format!("names with `.` or `/` need double quotes: \"{}\"", hit.replace(' ', ""));
        }
    }
    let shown = place.map_or_else(String::new, |place| format!("\n{}", pointed(sql, place)));
    AnalyseError::Question { message: format!("{text}{shown}"), help }
}

fn offset(sql: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = sql.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = sql.get(start..)?;
    Some(start + rest.char_indices().nth(column.checked_sub(1)?).map_or(rest.len(), |(i, _)| i))
}

/// The line of the query with a caret under the place.
fn pointed(sql: &str, place: usize) -> String {
    let start = sql[..place].rfind('\n').map_or(0, |i| i + 1);
    let line = sql[start..].lines().next().unwrap_or("");
    format!("  {line}\n  {}^", " ".repeat(sql[start..place].chars().count()))
}
