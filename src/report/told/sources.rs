//! What values are made of: the sweeps of a report, what was probed, what queries gave.

use super::mistake::{of_answer, wrong};
use crate::analyse::{AnalyseError, Files, query};
use crate::spec::{Report, Sweep as Spec, suggestion};
use crate::store::{Probes, Sweep};
use minijinja::{Error, Value};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What values are made of.
pub struct Sources {
    /// What was asked for, in the order of the report.
    pub(super) specs: Vec<Spec>,
    /// The stored sweeps, in the same order.
    pub(super) sweeps: Arc<Vec<Sweep>>,
    /// What `fig` stands for in texts: the names of figures in their order.
    pub(super) figures: Vec<String>,
    results: PathBuf,
    probes: Mutex<Probed>,
    queries: Mutex<HashMap<String, Value>>,
    pub(super) watch: Mutex<Watch>,
}

/// What each kind of probe measured on each sweep; none: it was never executed.
type Probed = HashMap<(usize, String), Option<Arc<Probes>>>;

/// What is noticed while one text or claim is evaluated.
#[derive(Default)]
pub(super) struct Watch {
    /// Whether a claim is evaluated: then what cannot be known is noted rather than wrong.
    pub claim: bool,
    /// Why it cannot be known.
    pub undecided: Option<String>,
    /// What was looked at: `high` and its value.
    pub seen: Vec<(&'static str, f64)>,
    /// Values that were made, and neither printed nor looked into.
    pub untouched: usize,
}

impl Sources {
    /// Of a report and its opened sweeps.
    pub fn new(report: &Report, sweeps: Arc<Vec<Sweep>>, results: &Path) -> Arc<Self> {
        let figures = report.sections.iter().flat_map(|section| &section.figures);
        Arc::new(Self {
            specs: report.sweeps.clone(),
            sweeps,
            figures: figures.map(|entry| entry.figure.name.clone()).collect(),
            results: results.to_owned(),
            probes: Mutex::default(),
            queries: Mutex::default(),
            watch: Mutex::default(),
        })
    }

    /// The place of a sweep.
    pub(super) fn place(&self, name: &str) -> Result<usize, Error> {
        let known: Vec<&str> = self.specs.iter().map(|spec| &*spec.name).collect();
        let found = known.iter().position(|known| *known == name);
        found.ok_or_else(|| wrong(format!("no sweep of this report is called `{name}`"), suggestion(name, &known)))
    }

    /// What one kind of probe measured on a sweep.
    pub(super) fn probes(&self, place: usize, what: &str) -> Result<Arc<Probes>, Error> {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.sweeps[place].name();
        let found = match probes.entry((place, what.to_owned())) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                let found = self.sweeps[place].probes(what).map_err(|error| of_answer(AnalyseError::Store(error)))?;
                new.insert(found.map(Arc::new)).clone()
            }
        };
        found.ok_or_else(|| {
            wrong(
                format!("the probe `{what}` of `{name}` was never executed"),
                format!("`tessera probe {what} {name}`"),
            )
        })
    }

    /// The rows of a query, as a list of maps.
    pub(super) fn query(&self, sql: &str) -> Result<Value, Error> {
        let known = self.queries.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(rows) = known {
            return Ok(rows);
        }
        let answer = query(&self.results, sql, Files::Refused).map_err(of_answer)?;
        let grid = crate::analyse::Grid::of_frame(&answer.frame, crate::analyse::Format::Json);
        let row = |cells: &Vec<crate::analyse::Cell>| -> Value {
            grid.header
                .iter()
                .cloned()
                .zip(cells.iter().map(cell))
                .collect::<Vec<(String, Value)>>()
                .into_iter()
                .collect()
        };
        let rows: Value = grid.rows.iter().map(row).collect::<Vec<Value>>().into();
        self.queries.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), rows.clone());
        Ok(rows)
    }

    pub(super) fn watching<T>(&self, with: impl FnOnce(&mut Watch) -> T) -> T {
        with(&mut self.watch.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn cell(cell: &crate::analyse::Cell) -> Value {
    use crate::analyse::Cell;
    match cell {
        Cell::Missing => Value::from(()),
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Integer(i) => Value::from(*i),
        Cell::Number(x) => Value::from(*x),
        Cell::Bool(b) => Value::from(*b),
    }
}
