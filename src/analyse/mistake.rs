//! What is wrong with a query: the engine's words, the place in the query, and a remedy for what people do.

use super::AnalyseError;
use polars::prelude::PolarsError;
use regex::Regex;

const TABLES: [&str; 5] = ["runs", "history", "arrays", "probes", "probe_arrays"];

/// Words that begin a part of a query: where one stands in a wrong place, something before it is missing.
const CLAUSES: [&str; 12] =
    ["select", "from", "where", "group", "order", "having", "limit", "join", "on", "union", "as", "by"];

/// The names of columns are told where they take no more letters than this.
const FEW: usize = 160;

/// Statements that change something.
const CHANGES: [&str; 7] = ["delete", "truncate", "drop", "create", "insert", "update", "alter"];

/// Refuses what is no question.
pub(super) fn refused(sql: &str) -> Option<AnalyseError> {
    let word = sql.split_whitespace().next().unwrap_or_default();
    let message = match word.to_ascii_lowercase() {
        word if word.is_empty() => "the query is empty".to_owned(),
        word if CHANGES.contains(&&*word) => "queries change nothing".to_owned(),
        _ => return None,
    };
    Some(AnalyseError::Question { message, help: "as `SELECT method, avg(kl) FROM runs GROUP BY method`".to_owned() })
}

/// The query with string literals blanked, and quoted names kept.
pub(super) fn without_literals(sql: &str) -> String {
    let Ok(literals) = Regex::new(r"(?s)'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/") else { return sql.to_owned() };
    literals.replace_all(sql, |hit: &regex::Captures| " ".repeat(hit[0].len())).into_owned()
}

/// Where the first match begins.
pub(super) fn named(code: &str, pattern: &str) -> Option<usize> {
    Some(Regex::new(pattern).ok()?.find(code)?.start())
}

/// The first group of the first match.
fn part(text: &str, pattern: &str) -> Option<String> {
    Some(Regex::new(pattern).ok()?.captures(text)?[1].to_owned())
}

/// The error with the place in the query that it is about, and the remedy.
pub(super) fn explained(sql: &str, error: &PolarsError) -> AnalyseError {
    let text = error.to_string();
    let text = text.split("\n\nResolved plan").next().unwrap_or(&text).trim();
    // The library's own suggestion stands on a line of its own, and before it all columns: there may be hundreds.
    let (text, suggestion) = match text.split_once("\n\nDid you mean ") {
        Some((text, suggestion)) => (text, Some(suggestion)),
        None => (text, None),
    };
    let (text, columns) = text.split_once("; valid columns: ").unwrap_or((text, ""));
    let column = part(text, "column (?:named |not found: )?[\"'`]([^\"'`]+)");
    let table = part(text, "relation '([^']+)' was not found");
    let at_line = Regex::new(r"[Ll]ine:? (\d+),? [Cc]olumn:? (\d+)").ok();
    let place = match at_line.and_then(|place| place.captures(text).map(|hit| (hit[1].parse(), hit[2].parse()))) {
        Some((Ok(line), Ok(column))) => offset(sql, line, column),
        _ if text.contains("found: EOF") => Some(sql.trim_end().len()),
        _ => column
            .as_ref()
            .or(table.as_ref())
            .and_then(|name| named(&without_literals(sql), &format!(r"\b{}\b", regex::escape(name)))),
    };
    let help = suggestion
        .map(|suggestion| format!("did you mean {suggestion}"))
        .or_else(|| quoted(sql, column.as_deref()?, columns))
        .or_else(|| nearest(&table?))
        .or_else(|| reserved(text))
        .or_else(|| few(columns))
        .unwrap_or_else(|| format!("tables are {}; `SELECT * FROM runs LIMIT 1` shows the columns", TABLES.join(", ")));
    let shown = place.map_or_else(String::new, |place| format!("\n{}", pointed(sql, place)));
    AnalyseError::Question { message: format!("{text}{shown}"), help }
}

/// `terms/KL` without quotes is a division, `lr_schedule.factor` a column of a table; `"lagrange"` is a name.
fn quoted(sql: &str, column: &str, columns: &str) -> Option<String> {
    let name = regex::escape(column);
    let operator = Regex::new(&format!(r"{name}\s*[./]\s*\w+|\w+\s*[./]\s*{name}")).ok()?;
    let whole = operator.find(sql).map(|hit| hit.as_str().replace(' ', ""));
    if let Some(whole) = whole.filter(|whole| columns.is_empty() || columns.contains(&format!("\"{whole}\""))) {
        return Some(format!("names with `.` or `/` need double quotes: \"{whole}\""));
    }
    let as_text = sql.contains(&format!("\"{column}\""));
    as_text.then(|| format!("text stands in single quotes: '{column}'; double quotes are for names of columns"))
}

fn nearest(table: &str) -> Option<String> {
    let near = TABLES.iter().min_by_key(|known| strsim::damerau_levenshtein(known, table))?;
    (strsim::damerau_levenshtein(near, table) <= 2).then(|| format!("did you mean `{near}`?"))
}

/// All columns of a table, if they are few.
fn few(columns: &str) -> Option<String> {
    let names = columns.trim_matches(['[', ']']).replace('"', "");
    (!names.is_empty() && names.len() < FEW).then(|| format!("columns are {names}"))
}

/// A column whose name is a word of SQL: `values`.
fn reserved(text: &str) -> Option<String> {
    let word = part(text, r"found: (\w+) at Line").filter(|_| !text.contains("Expected: an SQL statement"))?;
    let is_clause = CLAUSES.contains(&&*word.to_ascii_lowercase());
    (!is_clause).then(|| format!("a column whose name is a word of SQL needs double quotes: \"{word}\""))
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
