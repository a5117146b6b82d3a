//! Runs chosen by their levels, and the sample of a metric over them: a pivot's cell that a sentence asks for by name.

use super::axes::{axes, level, level_value, passes};
use super::{AnalyseError, PivotCell, values};
use crate::spec::{COLUMNS, Filter, Reduce};
use crate::store::{RunState, Sweep};

/// The values of a metric over the chosen runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// As a cell of a pivot has them.
    pub cell: PivotCell,
    /// The parameters by which the runs still differ, each with the number of its levels.
    pub pooled: Vec<(String, usize)>,
}

/// Those of the runs that pass all filters; at least one.
///
/// # Errors
/// Where no run has such a parameter or level, or none has all of them together.
pub fn select<'s>(sweep: &str, runs: Vec<&'s RunState>, filters: &[Filter]) -> Result<Vec<&'s RunState>, AnalyseError> {
    if runs.is_empty() {
        let message = format!("`{sweep}` has no runs yet");
        return Err(AnalyseError::Question { message, help: "`tessera run` executes them".to_owned() });
    }
    for filter in filters {
        check_axis(sweep, &runs, &filter.name)?;
        for value in &filter.values {
            let one = Filter { name: filter.name.clone(), values: vec![value.clone()] };
            if !runs.iter().any(|run| passes(run, &one)) {
                let mut levels: Vec<String> = runs.iter().map(|run| level(run, &filter.name)).collect();
                levels.sort_unstable();
                levels.dedup();
                let message = format!("no run of `{sweep}` has {} {value}", filter.name);
                return Err(AnalyseError::Question { message, help: nearest(&value.to_string(), &levels) });
            }
        }
    }
    let chosen: Vec<&RunState> =
        runs.into_iter().filter(|run| filters.iter().all(|filter| passes(run, filter))).collect();
    if chosen.is_empty() {
        let all: Vec<String> = filters.iter().map(Filter::to_string).collect();
        return Err(AnalyseError::Question {
            message: format!("no run of `{sweep}` is all of this: {}", all.join(" and ")),
            help: "each level exists, but not together with the others".to_owned(),
        });
    }
    Ok(chosen)
}

/// Refuses what is neither a parameter of any of the runs nor a fixed column.
///
/// # Errors
/// [`AnalyseError::Unknown`] with the names that there are.
pub fn check_axis(sweep: &str, runs: &[&RunState], axis: &str) -> Result<(), AnalyseError> {
    if COLUMNS.contains(&axis) || runs.iter().any(|run| run.parameters.contains_key(axis)) {
        return Ok(());
    }
    let known = axes(runs.iter().copied()).into_keys().chain(["seed".to_owned()]).collect();
    let (name, sweep) = (axis.to_owned(), sweep.to_owned());
    Err(AnalyseError::Unknown { what: "parameter", name, sweep, known })
}

fn nearest(word: &str, known: &[String]) -> String {
    crate::spec::suggestion(word, &known.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A metric's values over runs.
///
/// # Errors
/// Where no run has such a metric, or the store cannot be read.
pub fn sample(sweep: &Sweep, runs: &[&RunState], value: &str, reduce: Reduce) -> Result<Sample, AnalyseError> {
    let mut cell = PivotCell::default();
    for (run, number) in runs.iter().zip(values(sweep, runs, value, reduce)?) {
        cell.add(run.status, number);
    }
    // An axis that is inactive for some of the runs is told by those that have it.
    let pooled = axes(runs.iter().copied()).into_iter().map(|(axis, levels)| (axis, levels.len()));
    Ok(Sample { cell, pooled: pooled.collect() })
}

/// The levels of an axis among runs, in the order of the runs.
///
/// # Errors
/// Where no run has such a parameter.
pub fn levels_of(sweep: &str, runs: &[&RunState], axis: &str) -> Result<Vec<crate::record::Value>, AnalyseError> {
    check_axis(sweep, runs, axis)?;
    let mut found = Vec::new();
    for run in runs {
        let level = level_value(run, axis);
        if !found.contains(&level) {
            found.push(level);
        }
    }
    Ok(found)
}
