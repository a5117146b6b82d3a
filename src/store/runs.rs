//! The table of runs: one row a run, with its parameters, its summaries and where it ran.

use super::files::write_whole;
use super::rows_file::{metadata, write_summed};
use super::sums::Sums;
use super::{RunState, Scope, StoreError, Summaries, Sweep};
use crate::record::{RunId, Value};
use crate::spec::Reduce;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The version of the derived table's format; another is passed over and written anew.
const FORMAT: u64 = 2;

/// The footer's key.
const KEY: &str = "tessera";

/// What the footer of `runs.parquet` says.
#[derive(Serialize, Deserialize)]
struct RunsFooter {
    format: u64,
    /// How its summaries were reduced.
    reduce: String,
    /// Columns of summaries and their metrics.
    metrics: Vec<(String, String)>,
}

/// Columns that every table of runs has, before and after those of parameters and summaries.
const BEFORE: [&str; 7] = ["sweep", "run", "current", "status", "failure", "attempt", "seed"];
const AFTER: [&str; 11] = [
    "diverged_step",
    "started",
    "seconds",
    "host",
    "device",
    "peak_memory_mib",
    "git",
    "spec",
    "version",
    "libtorch",
    "tessera",
];

/// The column of a parameter: its name, unless a fixed column has it.
pub fn parameter_column(name: &str) -> String {
    if is_fixed_column(name) { format!("parameter.{name}") } else { name.to_owned() }
}

/// The column of a metric's summary: its name, unless a parameter or a fixed column has it.
pub fn metric_column(name: &str, parameters: &IndexSet<String>) -> String {
    if is_fixed_column(name) || parameters.contains(name) { format!("metric.{name}") } else { name.to_owned() }
}

/// Whether every table of runs has a column of this name.
pub fn is_fixed_column(name: &str) -> bool {
    BEFORE.contains(&name) || AFTER.contains(&name)
}

impl Sweep {
    /// How the newest plan reduces a history to one number; `last` where it does not say.
    pub fn reduce(&self) -> Reduce {
        let spelled = self.planned().and_then(|plan| plan.metric.as_ref()).map(|(_, reduce)| reduce.as_str());
        spelled.and_then(|text| text.parse().ok()).unwrap_or(Reduce::Last)
    }

    /// One row a run: `sweep`, `run`, `current`, `status`, `failure`, `attempt`, `seed`, each parameter, each metric's
    /// summary (by [`reduce`](Self::reduce)), then when and where it ran.
    ///
    /// # Errors
    /// Where a file cannot be read, or the scope is unknown.
    pub fn runs(&self, scope: &Scope) -> Result<DataFrame, StoreError> {
        let runs = self.scoped(scope)?;
        let metrics = self.metrics()?;
        let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
        let summaries = self.summaries(&names, self.reduce(), &runs)?;
        self.frame(&runs, &metrics, &summaries).map_err(StoreError::table(self.layout.root()))
    }

    /// Writes `runs.parquet`, the table of all runs; its summaries are not computed again while their runs stay.
    pub(super) fn write_runs(&self) -> Result<(), StoreError> {
        let path = self.layout.runs();
        let mut frame = self.runs(&Scope::All)?;
        let parameters = self.states().iter().flat_map(|run| run.parameters.keys().cloned()).collect();
        let metrics = self.metrics()?.into_iter().map(|name| (metric_column(&name, &parameters), name)).collect();
        let footer = RunsFooter { format: FORMAT, reduce: self.reduce().to_string(), metrics };
        let text = serde_json::to_string(&footer).unwrap_or_default();
        frame.rechunk_mut_par();
        write_whole(&path, |file| {
            write_summed(file, &path, frame.schema(), metadata(frame.schema(), KEY, text), |append| append(&frame))
                .map(|_| ())
        })
    }

    /// Summaries that `runs.parquet` knows: those of attempts that were over when it was written and are the newest
    /// still. A file that is not there, or cannot be read, knows nothing: it can always be rebuilt.
    pub(super) fn known_summaries(&self, metrics: &[&str], reduce: Reduce) -> Summaries {
        self.read_known(metrics, reduce).unwrap_or_default()
    }

    fn read_known(&self, metrics: &[&str], reduce: Reduce) -> Option<Summaries> {
        let file = std::fs::File::open(self.layout.runs()).ok()?;
        // A byte that changed since must not become a number.
        if !Sums::read(&file).ok()??.hold(&file).ok()? {
            return None;
        }
        let mut reader = ParquetReader::new(file);
        let pairs = reader.get_metadata().ok()?.key_value_metadata().clone()?;
        let text = pairs.into_iter().find(|pair| pair.key == KEY)?.value?;
        let footer: RunsFooter = serde_json::from_str(&text).ok()?;
        if footer.format != FORMAT || footer.reduce.parse() != Ok(reduce) {
            return None;
        }
        let columns: Vec<Option<&str>> = metrics
            .iter()
            .map(|name| footer.metrics.iter().find(|(_, metric)| metric == name).map(|(column, _)| column.as_str()))
            .collect();
        let wanted = ["run", "status", "attempt"].into_iter().chain(columns.iter().copied().flatten());
        let frame = reader.with_columns(Some(wanted.map(str::to_owned).collect())).finish().ok()?;
        let (runs, statuses) = (frame.column("run").ok()?.str().ok()?, frame.column("status").ok()?.str().ok()?);
        let attempts = frame.column("attempt").ok()?.u32().ok()?;
        let values: Option<Vec<Option<&Float64Chunked>>> = columns
            .iter()
            .map(|column| match column {
                Some(column) => frame.column(column).ok()?.f64().ok().map(Some),
                None => Some(None),
            })
            .collect();
        let values = values?;
        let mut known = Summaries::new();
        for (row, ((run, status), attempt)) in runs.iter().zip(statuses.iter()).zip(attempts.iter()).enumerate() {
            let Some(state) = run.and_then(RunId::parse).and_then(|run| self.state(&run)) else { continue };
            if state.status.is_over() && status == Some(&state.status.to_string()) && attempt == Some(state.attempt) {
                let of_run = values.iter().map(|column| column.and_then(|column| column.get(row))).collect();
                known.insert(state.run.clone(), of_run);
            }
        }
        Some(known)
    }

    fn frame(
        &self,
        runs: &[&RunState],
        metrics: &[String],
        summaries: &HashMap<RunId, Vec<Option<f64>>>,
    ) -> PolarsResult<DataFrame> {
        fn column<'a, T, C>(name: &str, runs: &[&'a RunState], value: impl Fn(&'a RunState) -> T) -> Column
        where
            Vec<T>: AsRef<C>,
            C: ?Sized,
            Series: NamedFrom<Vec<T>, C>,
        {
            Series::new(name.into(), runs.iter().map(|run| value(run)).collect::<Vec<T>>()).into_column()
        }
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let mut columns = vec![
            column("sweep", runs, |_| self.name.clone()),
            column("run", runs, |run| run.run.to_string()),
            column("current", runs, |run| run.current),
            column("status", runs, |run| run.status.to_string()),
            column("failure", runs, |run| run.failure.map(|failure| failure.to_string())),
            column("attempt", runs, |run| run.attempt),
            column("seed", runs, |run| run.seed),
        ];
        let parameters: IndexSet<String> = runs.iter().flat_map(|run| run.parameters.keys().cloned()).collect();
        for name in &parameters {
            let values: Vec<Option<&Value>> = runs.iter().map(|run| run.parameters.get(name)).collect();
            columns.push(parameter(&parameter_column(name), &values));
        }
        for (place, name) in metrics.iter().enumerate() {
            let values = |run: &RunState| summaries.get(&run.run).and_then(|all| all.get(place).copied().flatten());
            columns.push(column(&metric_column(name, &parameters), runs, values));
        }
        let versions: HashMap<&str, &str> =
            self.plans().iter().map(|p| (p.spec.as_str(), p.tessera.as_str())).collect();
        let of = |run: &RunState, field: fn(&crate::record::Provenance) -> &str| {
            run.provenance.as_ref().and_then(|provenance| text(field(provenance)))
        };
        columns.extend([
            column("diverged_step", runs, |run| run.diverged.as_ref().map(|(step, _)| *step)),
            column("started", runs, |run| run.started.and_then(moment)),
            column("seconds", runs, |run| run.seconds),
            column("host", runs, |run| of(run, |provenance| &provenance.host)),
            column("device", runs, |run| of(run, |provenance| &provenance.device)),
            column("peak_memory_mib", runs, |run| run.peak_memory_mib),
            column("git", runs, |run| of(run, |provenance| &provenance.git)),
            column("spec", runs, |run| of(run, |provenance| &provenance.spec)),
            column("version", runs, |run| of(run, |provenance| &provenance.version)),
            column("libtorch", runs, |run| of(run, |provenance| &provenance.libtorch)),
            column("tessera", runs, |run| {
                let spec = &run.provenance.as_ref()?.spec;
                versions.get(spec.as_str()).map(|version| (*version).to_owned())
            }),
        ]);
        // Two names can only meet where an author chose `metric.x` or `parameter.x` as a name; the first one stays.
        let columns: IndexMap<PlSmallStr, Column> =
            columns.into_iter().rev().map(|column| (column.name().clone(), column)).collect();
        DataFrame::new(runs.len(), columns.into_values().rev().collect())
    }
}

/// A moment as text that sorts: `2026-03-01T12:00:00Z`.
fn moment(seconds: f64) -> Option<String> {
    jiff::Timestamp::from_second(seconds as i64).ok().map(|moment| moment.to_string())
}

/// A parameter's column: truth values, whole numbers or numbers where all are, else text.
fn parameter(name: &str, values: &[Option<&Value>]) -> Column {
    let given = || values.iter().flatten().filter(|value| !matches!(value, Value::Null));
    if given().all(|value| matches!(value, Value::Bool(_))) {
        Column::new(name.into(), values.iter().map(|value| value.and_then(Value::as_bool)).collect::<Vec<_>>())
    } else if given().all(|value| matches!(value, Value::Integer(_))) {
        Column::new(name.into(), values.iter().map(|value| value.and_then(Value::as_i64)).collect::<Vec<_>>())
    } else if given().all(|value| value.as_f64().is_some()) {
        Column::new(name.into(), values.iter().map(|value| value.and_then(Value::as_f64)).collect::<Vec<_>>())
    } else {
        let text = |value: &Option<&Value>| value.filter(|value| !matches!(value, Value::Null)).map(Value::to_string);
        Column::new(name.into(), values.iter().map(text).collect::<Vec<_>>())
    }
}
