//! One number a metric and run, reduced from its history. Reads the columns asked for alone, a stretch of rows at a
//! time, and needs no sorting or grouping: the footers say which rows are whose.

use super::parallel::in_parallel;
use super::rows_file::{RowsFile, Span};
use super::table::Lineages;
use super::{RunState, StoreError, Sweep};
use crate::record::RunId;
use crate::spec::Reduce;
use polars::prelude::*;
use std::collections::{HashMap, HashSet};

/// About so many values are read at once by each thread.
const VALUES_AT_ONCE: u64 = 1 << 21;

/// The summaries of each run, in the order of the metrics asked for; `None` where the metric was not recorded.
pub type Summaries = HashMap<RunId, Vec<Option<f64>>>;

/// What has been seen of one metric of one run.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    step: u64,
    value: f64,
    count: u64,
}

impl Seen {
    fn push(&mut self, reduce: Reduce, step: u64, value: f64, last: u64) {
        let other = match reduce {
            Reduce::MeanLast(share) if (step as f64) < (1.0 - share) * last as f64 => return,
            Reduce::At(wanted) if step != wanted => return,
            _ => Self { step, value, count: 1 },
        };
        self.merge(reduce, other);
    }

    fn merge(&mut self, reduce: Reduce, other: Self) {
        if self.count == 0 || other.count == 0 {
            *self = if self.count == 0 { other } else { *self };
            return;
        }
        match reduce {
            // `min` of numbers with a NaN among them is NaN: what is not finite must not hide.
            Reduce::Min => {
                self.value = if other.value < self.value || other.value.is_nan() { other.value } else { self.value }
            }
            Reduce::Max => {
                self.value = if other.value > self.value || other.value.is_nan() { other.value } else { self.value }
            }
            Reduce::Last | Reduce::At(_) if other.step >= self.step => *self = other,
            Reduce::Last | Reduce::At(_) => {}
            Reduce::MeanLast(_) => self.value += other.value,
        }
        self.count += other.count;
    }

    fn result(self, reduce: Reduce) -> Option<f64> {
        match reduce {
            _ if self.count == 0 => None,
            Reduce::MeanLast(_) => Some(self.value / self.count as f64),
            _ => Some(self.value),
        }
    }
}

/// A stretch of a file that is read at once: whole spans.
struct Stretch<'a> {
    file: &'a RowsFile,
    offset: u64,
    spans: Vec<&'a Span>,
}

impl Sweep {
    /// The names of all metrics that any history has, in the order in which they were first recorded.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn metrics(&self) -> Result<Vec<String>, StoreError> {
        let mut names = indexmap::IndexSet::new();
        for file in self.table("history")?.files {
            names.extend(file.schema.iter_names().filter(|name| !KEYS.contains(&name.as_str())).map(|n| n.to_string()));
        }
        Ok(names.into_iter().collect())
    }

    /// Reduces metrics of some runs.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn summaries(&self, metrics: &[&str], reduce: Reduce, runs: &[&RunState]) -> Result<Summaries, StoreError> {
        let mut known = self.known_summaries(metrics, reduce);
        let asked: HashSet<&RunId> = runs.iter().map(|run| &run.run).collect();
        known.retain(|run, _| asked.contains(run));
        let rest: Vec<&RunState> = runs.iter().copied().filter(|run| !known.contains_key(&run.run)).collect();
        if !rest.is_empty() {
            known.extend(self.reduced(metrics, reduce, &rest)?);
        }
        Ok(known)
    }

    fn reduced(&self, metrics: &[&str], reduce: Reduce, runs: &[&RunState]) -> Result<Summaries, StoreError> {
        let seen = self.seen(metrics, reduce, runs, None)?;
        let results = |all: Vec<Seen>| all.into_iter().map(|seen| seen.result(reduce)).collect();
        let mut results: Summaries = seen.into_iter().map(|(run, all)| (run, results(all))).collect();
        if matches!(reduce, Reduce::MeanLast(_)) {
            // A metric without a record among the run's last steps has its own last steps.
            for (place, metric) in metrics.iter().enumerate() {
                let missing: Vec<&RunState> = runs
                    .iter()
                    .copied()
                    .filter(|run| results.get(&run.run).is_some_and(|r| r[place].is_none()))
                    .collect();
                if missing.is_empty() {
                    continue;
                }
                let newest = self.seen(&[metric], Reduce::Last, &missing, None)?;
                let lasts: HashMap<RunId, u64> = newest
                    .into_iter()
                    .filter(|(_, seen)| seen[0].count > 0)
                    .map(|(run, seen)| (run, seen[0].step))
                    .collect();
                let recorded: Vec<&RunState> = missing.into_iter().filter(|run| lasts.contains_key(&run.run)).collect();
                for (run, seen) in self.seen(&[metric], reduce, &recorded, Some(&lasts))? {
                    if let Some(result) = results.get_mut(&run) {
                        result[place] = seen[0].result(reduce);
                    }
                }
            }
        }
        Ok(results)
    }

    /// What is seen of metrics. `lasts`: the step that each run is taken to end with; none: its last.
    fn seen(
        &self,
        metrics: &[&str],
        reduce: Reduce,
        runs: &[&RunState],
        lasts: Option<&HashMap<RunId, u64>>,
    ) -> Result<HashMap<RunId, Vec<Seen>>, StoreError> {
        if runs.is_empty() {
            return Ok(HashMap::new());
        }
        let table = self.table("history")?;
        let mut lineages = Lineages::of(runs.iter().copied(), &table);
        let mut ends: HashMap<&RunId, u64> = HashMap::new();
        for span in table.files.iter().flat_map(|file| &file.footer.spans) {
            if let Some(below) = lineages.below(span) {
                let last = ends.entry(&span.run).or_default();
                *last = match lasts.and_then(|lasts| lasts.get(&span.run)) {
                    Some(own) => *own,
                    None => (*last).max(span.last.min(below - 1)),
                };
            }
        }
        let at_once = VALUES_AT_ONCE / (1 + metrics.len() as u64);
        let columns: Vec<&str> = std::iter::once("step").chain(metrics.iter().copied()).collect();
        let lost = self.changed_runs(&table.files, Some(&columns), |span| is_wanted(span, reduce, &lineages, &ends))?;
        lineages.leave_out(&lost);
        let stretches: Vec<Stretch> =
            table.files.iter().flat_map(|file| stretches(file, at_once, reduce, &lineages, &ends)).collect();
        let seen = in_parallel(&stretches, |stretch| read(stretch, metrics, reduce, &lineages, &ends));
        // Merged in the order of the files, whichever was read first: sums do not depend on it.
        let mut merged: HashMap<RunId, Vec<Seen>> =
            runs.iter().map(|run| (run.run.clone(), vec![Seen::default(); metrics.len()])).collect();
        for (run, seen) in seen?.into_iter().flatten() {
            let all = merged.entry(run).or_default();
            all.iter_mut().zip(seen).for_each(|(all, seen)| all.merge(reduce, seen));
        }
        Ok(merged)
    }
}

/// Columns of a history that are no metrics.
pub(super) const KEYS: [&str; 5] = ["sweep", "run", "attempt", "step", "elapsed"];

/// Whether a summary needs the rows of a span.
fn is_wanted(span: &Span, reduce: Reduce, lineages: &Lineages, lasts: &HashMap<&RunId, u64>) -> bool {
    lineages.below(span).is_some()
        && match reduce {
            Reduce::MeanLast(share) => {
                let last = lasts.get(&span.run).copied().unwrap_or(0);
                span.last as f64 >= (1.0 - share) * last as f64
            }
            Reduce::At(step) => (span.first..=span.last).contains(&step),
            _ => true,
        }
}

fn stretches<'a>(
    file: &'a RowsFile,
    at_once: u64,
    reduce: Reduce,
    lineages: &Lineages,
    lasts: &HashMap<&RunId, u64>,
) -> Vec<Stretch<'a>> {
    let mut found: Vec<Stretch> = Vec::new();
    let (mut offset, mut open) = (0, false);
    for span in &file.footer.spans {
        let wanted = is_wanted(span, reduce, lineages, lasts);
        if wanted {
            match found.last_mut() {
                Some(stretch) if open && offset + span.rows - stretch.offset <= at_once => stretch.spans.push(span),
                _ => found.push(Stretch { file, offset, spans: vec![span] }),
            }
        }
        open = wanted;
        offset += span.rows;
    }
    found
}

fn read(
    stretch: &Stretch,
    metrics: &[&str],
    reduce: Reduce,
    lineages: &Lineages,
    lasts: &HashMap<&RunId, u64>,
) -> Result<Vec<(RunId, Vec<Seen>)>, StoreError> {
    let fail = StoreError::table(&stretch.file.path);
    let present: Vec<&str> = metrics.iter().copied().filter(|name| stretch.file.schema.contains(name)).collect();
    if present.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<&str> = std::iter::once("step").chain(present.iter().copied()).collect();
    let rows = stretch.spans.iter().map(|span| span.rows).sum();
    let frame = stretch.file.read(Some(&columns), stretch.offset, rows)?;
    let reduced = || -> PolarsResult<_> {
        let steps = frame.column("step")?.u64()?.rechunk();
        let steps: Vec<u64> = steps.iter().map(|step| step.unwrap_or(0)).collect();
        let mut seen: Vec<(RunId, Vec<Seen>)> =
            stretch.spans.iter().map(|span| (span.run.clone(), vec![Seen::default(); metrics.len()])).collect();
        for (place, name) in metrics.iter().enumerate().filter(|(_, name)| present.contains(name)) {
            let mut values = frame.column(name)?.f64()?.iter();
            let mut row = 0;
            for (span, (_, seen)) in stretch.spans.iter().zip(&mut seen) {
                let below = lineages.below(span).unwrap_or(0);
                let last = lasts.get(&span.run).copied().unwrap_or(0);
                for value in values.by_ref().take(span.rows as usize) {
                    if let Some(value) = value
                        && steps[row] < below
                    {
                        seen[place].push(reduce, steps[row], value, last);
                    }
                    row += 1;
                }
            }
        }
        Ok(seen)
    };
    reduced().map_err(fail)
}
