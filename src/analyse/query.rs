//! SQL over the runs, histories and arrays of every sweep.

use super::AnalyseError;
use super::mistake::{explained, named, refused, without_literals};
use super::names::distinct;
use crate::store::{Scope, StoreError, Sweep, probes_of_all, rows_of_all, sweeps};
use polars::prelude::*;
use polars::sql::SQLContext;
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
    /// What the reader must know.
    pub said: Said,
}

/// What the reader of an answer must know.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Columns whose types differ between sweeps.
    pub notes: Vec<String>,
    /// What is damaged, and the runs that have no numbers by it.
    pub warnings: Vec<String>,
}

impl Said {
    /// The error with what is damaged: columns may be missing by it.
    pub(super) fn beside(&self, error: AnalyseError) -> AnalyseError {
        match error {
            AnalyseError::Question { message, help } if !self.warnings.is_empty() => {
                AnalyseError::Question { message, help: format!("{help}\n{}", self.warnings.join("\n")) }
            }
            error => error,
        }
    }
}

/// Answers a query over `runs`, `history`, `arrays`, `probes` and `probe_arrays`. A table is read only if the query names it, and of it only
/// the columns and row groups that it needs.
///
/// # Errors
/// Where the query is wrong (the message points into it), or a store cannot be read. What is damaged is passed over with
/// a note that names the runs without numbers.
pub fn query(results: &Path, sql: &str, files: Files) -> Result<Answer, AnalyseError> {
    let (context, said) = tables(results, sql, files)?;
    let answered =
        executed(sql, context, |rows| rows.collect_with_engine(Engine::Streaming).map(|rows| rows.unwrap_single()));
    match answered {
        Ok(frame) => Ok(Answer { frame, said }),
        Err(error) => Err(said.beside(error)),
    }
}

/// The tables that a query names.
pub(super) fn tables(results: &Path, sql: &str, files: Files) -> Result<(SQLContext, Said), AnalyseError> {
    let code = without_literals(sql);
    if let Some(refused) = refused(&code) {
        return Err(refused);
    }
    // A quoted name is a function's name too.
    if files == Files::Refused && named(&code, r#"(?i)\b(?:read|scan)_\w+["`]?\s*\("#).is_some() {
        return Err(AnalyseError::Question {
            message: "a query in a spec may not read files".to_owned(),
            help: "it sees runs, history, arrays, probes and probe_arrays of every sweep".to_owned(),
        });
    }
    let mut said = Said::default();
    let mut stores = Vec::new();
    for name in sweeps(results)? {
        match Sweep::open_readable(results, &name) {
            Ok(sweep) => stores.push(sweep),
            Err(error @ StoreError::Format { .. }) => return Err(error.into()),
            Err(error) => said.warnings.push(format!("{name} is passed over: {error}")),
        }
    }
    let context = SQLContext::new();
    let names = |table: &str| named(&code, &format!(r"(?i)\b{table}\b")).is_some();
    if names("runs") {
        let frames: Vec<DataFrame> = stores.iter().map(|sweep| sweep.runs(&Scope::All)).collect::<Result<_, _>>()?;
        context.register("runs", united(frames, &mut said.notes).map_err(|error| explained(sql, &error))?.lazy());
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
    for sweep in &stores {
        said.warnings.extend(sweep.damage().words(sweep.name()));
    }
    Ok((context, said))
}

/// Carries a query out. The engine panics on what it was built without; that must not take the caller down.
pub(super) fn executed<T>(
    sql: &str,
    mut context: SQLContext,
    finish: impl FnOnce(LazyFrame) -> PolarsResult<T>,
) -> Result<T, AnalyseError> {
    let answer =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| context.execute(&distinct(sql)).and_then(finish)));
    let collected = answer.map_err(|_| AnalyseError::Question {
        message: "polars cannot answer this query".to_owned(),
        help: "its message is above; the same may be asked in another way".to_owned(),
    })?;
    collected.map_err(|error| explained(sql, &error))
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
