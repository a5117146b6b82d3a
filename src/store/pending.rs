//! Rows that a writer holds until they are made safe.

use super::rows_file::Span;
use super::summary::KEYS;
use crate::agent::Array;
use crate::record::{Real, Rows, RunId};
use indexmap::IndexSet;
use polars::prelude::*;
use std::collections::BTreeMap;

/// Rows of histories by run and attempt.
#[derive(Default)]
pub(crate) struct PendingHistory {
    attempts: BTreeMap<(RunId, u32), Columns>,
    rows: usize,
}

/// The rows of one attempt by column.
#[derive(Default)]
struct Columns {
    step: Vec<u64>,
    elapsed: Vec<f64>,
    metrics: BTreeMap<String, Vec<Option<f64>>>,
}

impl Columns {
    /// Takes a row; one of the same step as the last is merged with it, since metrics that are recorded on some steps
    /// only come in rows of their own.
    fn push<'a>(&mut self, step: u64, elapsed: f64, metrics: impl Iterator<Item = (&'a String, f64)>) {
        if self.step.last() != Some(&step) {
            self.step.push(step);
            self.elapsed.push(elapsed);
        }
        let row = self.step.len() - 1;
        for (name, value) in metrics {
            if !self.metrics.contains_key(name) {
                self.metrics.insert(name.clone(), Vec::new());
            }
            if let Some(column) = self.metrics.get_mut(name) {
                column.resize(row, None);
                column.push(Some(value));
            }
        }
    }

    /// Takes the rows out; the last one stays where a row of the same step may follow.
    fn take(&mut self, keep_last: bool) -> Self {
        let rows = self.step.len();
        for column in self.metrics.values_mut() {
            column.resize(rows, None);
        }
        let end = rows - usize::from(keep_last && rows > 0);
        let rest = Self {
            step: self.step.split_off(end),
            elapsed: self.elapsed.split_off(end),
            metrics: self.metrics.iter_mut().map(|(name, column)| (name.clone(), column.split_off(end))).collect(),
        };
        let mut taken = std::mem::replace(self, rest);
        self.metrics.retain(|_, column| column.iter().any(Option::is_some));
        taken.sort();
        taken
    }

    /// Rows come in order but where a program logs late; then a step that came twice is one row again.
    fn sort(&mut self) {
        if !self.step.is_sorted() {
            let mut order: Vec<usize> = (0..self.step.len()).collect();
            order.sort_by_key(|&row| self.step[row]);
            self.step = order.iter().map(|&row| self.step[row]).collect();
            self.elapsed = order.iter().map(|&row| self.elapsed[row]).collect();
            for column in self.metrics.values_mut() {
                *column = order.iter().map(|&row| column[row]).collect();
            }
            self.merge();
        }
    }

    /// Makes one row of rows that follow each other with the same step; of two values the later one stays.
    fn merge(&mut self) {
        let ends: Vec<usize> =
            (1..=self.step.len()).filter(|&end| self.step.get(end) != self.step.get(end - 1)).collect();
        if ends.len() == self.step.len() {
            return;
        }
        let rows = || std::iter::once(0).chain(ends.iter().copied()).zip(ends.iter().copied());
        for column in self.metrics.values_mut() {
            *column = rows().map(|(from, to)| column[from..to].iter().rev().copied().find_map(|x| x)).collect();
        }
        self.elapsed = rows().map(|(_, to)| self.elapsed[to - 1]).collect();
        self.step = rows().map(|(_, to)| self.step[to - 1]).collect();
    }
}

impl PendingHistory {
    /// Takes rows of a run.
    pub fn push(&mut self, run: &RunId, attempt: u32, rows: &Rows) {
        let columns = self.attempts.entry((run.clone(), attempt)).or_default();
        let named: Vec<(String, &Vec<Real>)> = rows.metrics.iter().map(|(name, c)| (column_name(name), c)).collect();
        for (row, (&step, elapsed)) in rows.step.iter().zip(&rows.elapsed).enumerate() {
            let metrics = named.iter().filter_map(|(name, column)| Some((name, column.get(row)?.0)));
            columns.push(step, elapsed.0, metrics);
        }
        self.rows += rows.step.len();
    }

    /// How many rows are held.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes all rows out as a table sorted by run, attempt and step; the last row of an attempt that goes on stays.
    pub fn take(&mut self, sweep: &str, goes_on: impl Fn(&RunId, u32) -> bool) -> PolarsResult<(DataFrame, Vec<Span>)> {
        let mut taken = Vec::new();
        for ((run, attempt), columns) in &mut self.attempts {
            let columns = columns.take(goes_on(run, *attempt));
            if !columns.step.is_empty() {
                taken.push((run.clone(), *attempt, columns));
            }
        }
        self.attempts.retain(|_, columns| !columns.step.is_empty());
        self.rows = self.attempts.len();
        let names: IndexSet<String> = taken.iter().flat_map(|(.., columns)| columns.metrics.keys().cloned()).collect();
        let rows = taken.iter().map(|(.., columns)| columns.step.len()).sum();
        let mut frame = keys(sweep, rows, taken.iter().map(|(run, attempt, c)| (run, *attempt, c.step.len())));
        frame.push(Column::new("step".into(), flat(&taken, |columns| &columns.step)));
        frame.push(Column::new("elapsed".into(), flat(&taken, |columns| &columns.elapsed)));
        for name in names {
            let mut column: Vec<Option<f64>> = Vec::with_capacity(rows);
            for (.., columns) in &taken {
                match columns.metrics.get(&name) {
                    Some(values) => column.extend(values),
                    None => column.resize(column.len() + columns.step.len(), None),
                }
            }
            frame.push(Column::new(name.as_str().into(), column));
        }
        let span = |(run, attempt, columns): &(RunId, u32, Columns)| Span {
            run: run.clone(),
            attempt: *attempt,
            rows: columns.step.len() as u64,
            first: columns.step.first().copied().unwrap_or(0),
            last: columns.step.last().copied().unwrap_or(0),
        };
        Ok((DataFrame::new(rows, frame)?, taken.iter().map(span).collect()))
    }
}

/// A metric's column: its name, unless a history has a column of that name itself.
fn column_name(metric: &str) -> String {
    if KEYS.contains(&metric) { format!("metric.{metric}") } else { metric.to_owned() }
}

fn flat<T: Copy>(taken: &[(RunId, u32, Columns)], column: impl Fn(&Columns) -> &Vec<T>) -> Vec<T> {
    taken.iter().flat_map(|(.., columns)| column(columns).iter().copied()).collect()
}

fn keys<'a>(sweep: &str, rows: usize, runs: impl Iterator<Item = (&'a RunId, u32, usize)>) -> Vec<Column> {
    let (mut ids, mut attempts) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for (run, attempt, count) in runs {
        ids.extend(std::iter::repeat_n(run.as_str(), count));
        attempts.extend(std::iter::repeat_n(attempt, count));
    }
    vec![
        Column::new("sweep".into(), vec![sweep; rows]),
        Column::new("run".into(), ids),
        Column::new("attempt".into(), attempts),
    ]
}

/// Arrays by run, attempt and step.
#[derive(Default)]
pub(crate) struct PendingArrays {
    arrays: Vec<(RunId, u32, u64, Array)>,
    values: usize,
}

impl PendingArrays {
    /// Takes arrays of a run at a step.
    pub fn push(&mut self, run: &RunId, attempt: u32, step: u64, arrays: Vec<Array>) {
        self.values += arrays.iter().map(|array| array.values.len()).sum::<usize>();
        self.arrays.extend(arrays.into_iter().map(|array| (run.clone(), attempt, step, array)));
    }

    /// How many values are held.
    pub fn values(&self) -> usize {
        self.values
    }

    /// Takes all out as a table sorted by run, attempt and step.
    pub fn take(&mut self, sweep: &str) -> PolarsResult<(DataFrame, Vec<Span>)> {
        self.values = 0;
        let mut arrays = std::mem::take(&mut self.arrays);
        arrays.sort_by(|a, b| (&a.0, a.1, a.2, &a.3.name).cmp(&(&b.0, b.1, b.2, &b.3.name)));
        let rows = arrays.len();
        let mut frame = keys(sweep, rows, arrays.iter().map(|(run, attempt, ..)| (run, *attempt, 1)));
        frame.push(Column::new("step".into(), arrays.iter().map(|a| a.2).collect::<Vec<_>>()));
        frame.push(Column::new("name".into(), arrays.iter().map(|a| a.3.name.as_str()).collect::<Vec<_>>()));
        let count = arrays.iter().map(|a| a.3.values.len()).sum();
        let mut shapes = ListPrimitiveChunkedBuilder::<Int64Type>::new("shape".into(), rows, rows * 2, DataType::Int64);
        let mut values =
            ListPrimitiveChunkedBuilder::<Float32Type>::new("values".into(), rows, count, DataType::Float32);
        for (.., array) in &arrays {
            shapes.append_iter(array.shape.iter().map(|&size| Some(size as i64)));
            values.append_slice(&array.values);
        }
        frame.push(shapes.finish().into_series().into_column());
        frame.push(values.finish().into_series().into_column());
        let mut spans: Vec<Span> = Vec::new();
        for (run, attempt, step, _) in &arrays {
            match spans.last_mut() {
                Some(span) if span.run == *run && span.attempt == *attempt => {
                    span.rows += 1;
                    span.last = *step;
                }
                _ => spans.push(Span { run: run.clone(), attempt: *attempt, rows: 1, first: *step, last: *step }),
            }
        }
        Ok((DataFrame::new(rows, frame)?, spans))
    }
}
