//! Differences between the levels of one axis, each against the first, with a 95% interval and n.

use super::table::Table;
use super::write::ReportError;
use crate::analyse::{mean_interval, values, with_error};
use crate::spec::{Comparison, Sweep as Spec};
use crate::store::{RunState, Scope, Status, Sweep};
use std::collections::BTreeMap;

/// Compares runs that are equal in everything but the axis (the seed too), level by level, as paired differences.
///
/// # Errors
/// Where no run has the metric or the store cannot be read.
pub fn compare(sweep: &Sweep, spec: &Spec, request: &Comparison) -> Result<Table, ReportError> {
    let runs = sweep.scoped(&Scope::Current)?;
    let numbers = values(sweep, &runs, &request.value, request.reduce)?;
    let level = |run: &RunState| run.parameters.get(&request.by).map_or("–".to_owned(), ToString::to_string);
    let mut levels: Vec<String> = Vec::new();
    for run in &runs {
        if !levels.contains(&level(run)) {
            levels.push(level(run));
        }
    }
    // Parameters that are active for some levels of the axis alone say nothing about which runs belong together.
    let shared = |name: &String| *name != request.by && runs.iter().all(|run| run.parameters.contains_key(name));
    let varied: Vec<&String> = runs.first().map_or(Vec::new(), |first| {
        let differ = |name: &&String| runs.iter().any(|run| run.parameters.get(*name) != first.parameters.get(*name));
        first.parameters.keys().filter(|name| shared(name)).filter(differ).collect()
    });
    let cell = |run: &RunState| varied.iter().map(|name| run.parameters[*name].to_string()).collect::<Vec<_>>();
    let mut pairs: BTreeMap<(Vec<String>, u64), BTreeMap<String, f64>> = BTreeMap::new();
    let mut left_out = 0;
    for (run, number) in runs.iter().zip(numbers) {
        match number {
            Some(number) if run.status == Status::Finished => {
                pairs.entry((cell(run), run.seed)).or_default().insert(level(run), number);
            }
            _ => left_out += 1,
        }
    }
    let Some((first, others)) = levels.split_first() else {
        return Ok(table(request, spec, Vec::new(), left_out));
    };
    let mut cells: Vec<&Vec<String>> = pairs.keys().map(|(cell, _)| cell).collect();
    cells.dedup();
    let mut rows = Vec::new();
    for other in others {
        for own in &cells {
            let sample: Vec<f64> = pairs
                .iter()
                .filter(|((cell, _), _)| cell == *own)
                .filter_map(|(_, found)| Some(found.get(other)? - found.get(first)?))
                .collect();
            let words = mean_interval(&sample).map_or("–".to_owned(), |interval| {
                let (mean, half) = with_error(interval.mean, interval.half_width());
                if interval.n > 1 { format!("{mean} ± {half}") } else { crate::analyse::significant(interval.mean, 5) }
            });
            let label = format!("{other} − {first}");
            rows.push([vec![label], (*own).clone(), vec![words, sample.len().to_string()]].concat());
        }
    }
    let mut made = table(request, spec, rows, left_out);
    let axes = varied.iter().map(|name| (*name).clone());
    made.header = std::iter::once(request.by.clone())
        .chain(axes)
        .chain([format!("difference of {}", request.value), "n".to_owned()])
        .collect();
    Ok(made)
}

fn table(request: &Comparison, spec: &Spec, rows: Vec<Vec<String>>, left_out: usize) -> Table {
    let notes = (left_out > 0).then(|| format!("{left_out} runs without a result are in no difference"));
    Table {
        caption: format!(
            "{} ({}) compared by {}, runs of one seed and cell in pairs, 95% interval · sweep {}",
            request.value, request.reduce, request.by, spec.name
        ),
        header: vec![request.by.clone(), "difference".to_owned(), "n".to_owned()],
        rows,
        notes: notes.into_iter().collect(),
    }
}
