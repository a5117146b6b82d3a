//! What figures are made of: the runs of a sweep in one scope, their levels, and their numbers.

use super::FiguresError;
use super::color::Palette;
use super::levels::Levels;
use crate::analyse::{level_value, passes, significant};
use crate::record::Value;
use crate::spec::{Description, Figure, Reduce};
use crate::store::{RunState, Scope, Status, Sweep};
use polars::prelude::*;
use std::collections::{HashMap, HashSet};

/// The runs of a sweep in one scope.
pub struct Source<'s> {
    /// The stored sweep.
    pub sweep: &'s Sweep,
    /// Units and names.
    pub description: &'s Description,
    /// Whether more is better, of the metric that runs are judged by.
    pub goal: Option<(&'s str, bool)>,
    /// Those that were planned, in the order of the plan.
    pub runs: Vec<&'s RunState>,
    /// The metrics that were recorded.
    pub metrics: Vec<String>,
    /// What the rows of a history are counted in.
    pub unit: Unit,
}

/// What the rows of a history are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A run's steps.
    Steps,
    /// The batches by which a probe measured.
    Batches,
}

/// Columns beside the metrics of [`Source::seconds_a_step`], with names that no metric is likely to have.
const FIRST: &str = ".first";
const LAST: &str = ".last";
const ROWS: &str = ".rows";

/// The rows of one metric of one run, by step.
pub type Trace = Vec<(f64, f64)>;

/// The traces of runs by their ids, and how many values are not finite; those of runs that diverged are not counted.
pub type Traces = (HashMap<String, Trace>, usize);

/// An array of a run.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Steps done.
    pub step: u64,
    /// Its shape.
    pub shape: Vec<i64>,
    /// Row-major.
    pub values: Vec<f32>,
}

impl<'s> Source<'s> {
    /// The runs that the scope means.
    ///
    /// # Errors
    /// Where the scope names what is not there, or the store cannot be read.
    pub fn new(
        sweep: &'s Sweep,
        scope: &Scope,
        description: &'s Description,
        goal: Option<(&'s str, bool)>,
    ) -> Result<Self, FiguresError> {
        Ok(Self { sweep, description, goal, runs: sweep.scoped(scope)?, metrics: sweep.metrics()?, unit: Unit::Steps })
    }

    /// Makes the levels of every axis known to a palette.
    pub fn color(&self, palette: &mut Palette) {
        for run in &self.runs {
            palette.add("seed", [&Value::Integer(run.seed as i64)]);
            for (name, value) in run.parameters.iter() {
                palette.add(name, [value]);
            }
        }
    }

    /// The runs that a figure draws: those that pass its `where` and have begun.
    pub fn chosen(&self, figure: &Figure) -> Vec<&'s RunState> {
        let begun = |run: &&&RunState| !matches!(run.status, Status::Planned | Status::Queued);
        let passes = |run: &RunState| figure.filters.iter().all(|filter| passes(run, filter));
        self.runs.iter().filter(begun).filter(|run| passes(run)).copied().collect()
    }

    /// The parameters, `seed` not among them, that have more than one level in these runs.
    pub fn axes(runs: &[&RunState]) -> Vec<String> {
        let mut names: Vec<&String> = runs.iter().flat_map(|run| run.parameters.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let first = |name: &str| runs.first().and_then(|run| run.parameters.get(name));
        names.retain(|name| runs.iter().any(|run| run.parameters.get(*name) != first(name)));
        names.into_iter().cloned().collect()
    }

    /// The columns of the histories of runs: one trace a run for each name, by `step`, `elapsed` or another metric.
    /// Rows in which either is missing are left out; the second tells how many values are not finite.
    ///
    /// # Errors
    /// Where the store cannot be read or no run has such a metric.
    pub fn traces(&self, runs: &[&RunState], x: &str, y: &str) -> Result<Traces, FiguresError> {
        let recorded = |name: &str| self.metrics.iter().any(|metric| metric == name);
        if let Some(unknown) = [x, y].into_iter().find(|name| !["step", "elapsed"].contains(name) && !recorded(name)) {
            return Err(self.missing("metric", unknown));
        }
        let history = self.sweep.history_of(runs.iter().copied())?;
        let mut names = vec!["run", "step", x, y];
        names.sort_unstable();
        names.dedup();
        let columns: Vec<Expr> = names.iter().map(|name| col(*name)).collect();
        let frame = history.filter(col(y).is_not_null().and(col(x).is_not_null())).select(columns).collect()?;
        let run = frame.column("run")?.str()?.clone();
        let number = |name: &str| -> Result<Float64Chunked, FiguresError> {
            Ok(frame.column(name)?.cast(&DataType::Float64)?.f64()?.clone())
        };
        let (steps, xs, ys) = (number("step")?, number(x)?, number(y)?);
        let mut traces: HashMap<&str, Vec<(f64, f64, f64)>> = HashMap::new();
        let mut not_finite = 0;
        let diverged: HashSet<&str> =
            runs.iter().filter(|run| run.status == Status::Diverged).map(|run| run.run.as_str()).collect();
        for ((run, step), (x, y)) in run.iter().zip(steps.iter()).zip(xs.iter().zip(ys.iter())) {
            let (Some(run), Some(step), Some(x), Some(y)) = (run, step, x, y) else { continue };
            not_finite += usize::from(!(diverged.contains(run) || x.is_finite() && y.is_finite()));
            if !y.is_nan() {
                traces.entry(run).or_default().push((step, x, y));
            }
        }
        let sorted = |mut rows: Vec<(f64, f64, f64)>| {
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows.into_iter().map(|(_, x, y)| (x, y)).collect()
        };
        Ok((traces.into_iter().map(|(run, rows)| (run.to_owned(), sorted(rows))).collect(), not_finite))
    }

    /// Seconds a step of each run, for metrics that count the seconds since the last row; of the last rows alone where
    /// the reduction is a mean of the last ones.
    ///
    /// # Errors
    /// Where the store cannot be read or no run has such a metric.
    pub fn seconds_a_step(
        &self,
        runs: &[&RunState],
        names: &[String],
        reduce: Reduce,
    ) -> Result<HashMap<String, Vec<f64>>, FiguresError> {
        let step = || col("step").cast(DataType::Float64);
        let from = match reduce {
            Reduce::MeanLast(share) => step().max() * lit(1.0 - share),
            _ => step().min(),
        };
        let counted = |column: Expr| column.filter(step().gt_eq(from.clone()));
        let mut sums = vec![
            counted(step()).min().alias(FIRST),
            counted(step()).max().alias(LAST),
            counted(step()).count().cast(DataType::Float64).alias(ROWS),
        ];
        sums.extend(names.iter().map(|name| counted(col(name.as_str())).sum().cast(DataType::Float64)));
        let history = self.sweep.history_of(runs.iter().copied())?;
        let frame = history.group_by([col("run")]).agg(sums).collect()?;
        let column = |name: &str| -> Result<Float64Chunked, PolarsError> { Ok(frame.column(name)?.f64()?.clone()) };
        let (first, last, rows) = (column(FIRST)?, column(LAST)?, column(ROWS)?);
        let columns: Vec<Float64Chunked> = names.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
        let mut found = HashMap::new();
        for (i, run) in frame.column("run")?.str()?.iter().enumerate() {
            let (Some(run), Some(first), Some(last), Some(rows)) = (run, first.get(i), last.get(i), rows.get(i)) else {
                continue;
            };
            // A row counts the steps since the one before it; rows are evenly spaced.
            let steps = if rows > 1.0 { (last - first) * rows / (rows - 1.0) } else { last.max(1.0) };
            found.insert(run.to_owned(), columns.iter().map(|sums| sums.get(i).unwrap_or(0.0) / steps).collect());
        }
        Ok(found)
    }

    /// One array of each run: at the step of `at 1000`, else the last.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn tensors(
        &self,
        runs: &[&RunState],
        name: &str,
        reduce: Reduce,
    ) -> Result<HashMap<String, Tensor>, FiguresError> {
        let arrays = self.sweep.arrays_of(runs.iter().copied())?.filter(col("name").eq(lit(name)));
        let arrays = match reduce {
            Reduce::At(step) => arrays.filter(col("step").eq(lit(step))),
            _ => arrays,
        };
        // Which rows count is found without reading the values of those that do not.
        let newest = arrays.clone().group_by([col("run")]).agg([col("step").max()]);
        let frame = arrays
            .join(newest, [col("run"), col("step")], [col("run"), col("step")], JoinArgs::new(JoinType::Inner))
            .select([col("run"), col("step"), col("shape"), col("values")])
            .collect()?;
        let (run, step) = (frame.column("run")?.str()?.clone(), frame.column("step")?.cast(&DataType::UInt64)?);
        let (shape, values) = (frame.column("shape")?.list()?.clone(), frame.column("values")?.list()?.clone());
        let step = step.u64()?;
        let mut tensors = HashMap::new();
        for i in 0..frame.height() {
            let (Some(run), Some(shape), Some(values)) = (run.get(i), shape.get_as_series(i), values.get_as_series(i))
            else {
                continue;
            };
            let shape = shape.cast(&DataType::Int64)?.i64()?.iter().flatten().collect();
            let values = values.cast(&DataType::Float32)?.f32()?.iter().map(|v| v.unwrap_or(f32::NAN)).collect();
            tensors.insert(run.to_owned(), Tensor { step: step.get(i).unwrap_or(0), shape, values });
        }
        Ok(tensors)
    }

    /// One number a run, in the order of the runs; `None` where it was not recorded.
    ///
    /// # Errors
    /// Where the store cannot be read or no run has such a metric.
    pub fn summaries(&self, runs: &[&RunState], name: &str, reduce: Reduce) -> Result<Vec<Option<f64>>, FiguresError> {
        match name {
            "seconds" => Ok(runs.iter().map(|run| run.seconds).collect()),
            "peak_memory_mib" => Ok(runs.iter().map(|run| run.peak_memory_mib).collect()),
            _ if !self.metrics.iter().any(|metric| metric == name) => Err(self.missing("metric", name)),
            _ => {
                let found = self.sweep.summaries(&[name], reduce, runs)?;
                Ok(runs.iter().map(|run| found.get(&run.run)?.first().copied().flatten()).collect())
            }
        }
    }

    /// A quantity's name with its unit, as an axis shows it.
    pub fn label(&self, name: &str) -> String {
        let quantities = self.description.metrics.iter().chain(&self.description.arrays);
        let unit = quantities.filter(|q| q.name == name).map(|q| q.unit.clone()).find(|unit| !unit.is_empty());
        let parameters = self.description.parameters.iter();
        let unit = unit.or_else(|| parameters.filter(|p| p.name == name).find_map(|p| p.unit.clone()));
        match (name, unit) {
            ("step", _) if self.unit == Unit::Batches => "batches".to_owned(),
            ("step", _) => "step".to_owned(),
            ("elapsed" | "seconds", None) => format!("{name} (s)"),
            ("peak_memory_mib", None) => "peak memory (MiB)".to_owned(),
            (_, Some(unit)) => format!("{name} ({unit})"),
            (_, None) => name.to_owned(),
        }
    }

    /// What is to be drawn was never recorded.
    pub fn missing(&self, what: &'static str, name: &str) -> FiguresError {
        let known = match what {
            "metric" => self.metrics.clone(),
            _ => self.description.arrays.iter().map(|array| array.name.clone()).collect(),
        };
        FiguresError::Missing { what, name: name.to_owned(), sweep: self.sweep.name().to_owned(), known }
    }
}

/// A level as a legend or an axis shows it; numbers with six digits at most, like those of a spec's ranges.
pub fn spelled(level: &Value) -> String {
    match level {
        Value::Null => "–".to_owned(),
        Value::Number(x) => super::draw::minus(significant(*x, 6)),
        other => super::draw::minus(other.to_string()),
    }
}

/// The levels of an axis in the order in which runs have them.
pub fn levels(runs: &[&RunState], axis: &str) -> Vec<Value> {
    let mut found = Levels::default();
    runs.iter().for_each(|run| found.add(&level_value(run, axis)));
    found.into_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_spelled_short() {
        let spelled = |x: f64| spelled(&Value::Number(x));
        assert_eq!(spelled(f64::from(0.001f32)), "0.001");
        assert_eq!(spelled(0.1 * 3.0), "0.3");
        assert_eq!(spelled(-2.5e-7), "−2.5e−7");
        assert_eq!(spelled(0.123_456_789), "0.123457");
    }
}
