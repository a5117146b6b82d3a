//! Differences between the levels of an axis, paired where runs match in their seed and all other axes.

use super::axes::{LevelOrder, axes, level, passes};
use super::bootstrap::bootstrap_interval;
use super::grid::{Cell, Grid};
use super::interval::{Interval, mean, mean_interval, quantile_95, standard_deviation};
use super::number::{significant, with_error};
use super::{AnalyseError, Format, values};
use crate::record::Goal;
use crate::spec::{Filter, Reduce};
use crate::store::{RunState, Scope, Status, Sweep};
use indexmap::IndexMap;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::BTreeMap;

/// Up to so many differences Student's t is used, above them the bootstrap.
const FEW: usize = 15;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct CompareRequest {
    /// The axis whose levels are compared.
    pub by: String,
    /// A metric; the spec's where not said.
    pub value: Option<String>,
    /// How a history becomes one number; as the spec says where not said.
    pub reduce: Option<Reduce>,
    /// The level that all others are compared with; every pair where not said.
    pub baseline: Option<String>,
    /// Whether more is better, for the best learning rate; none: as the plan says of its metric, and less of seconds.
    pub goal: Option<Goal>,
    /// Which runs.
    pub scope: Scope,
    /// Of those the ones that pass all of these.
    pub filters: Vec<Filter>,
}

/// One line: a level minus another, at one setting of the other axes or over all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The level …
    pub level: String,
    /// … minus this one.
    pub minus: String,
    /// Levels of the other axes; none: over all of them.
    pub at: Vec<(String, String)>,
    /// Whether runs were paired.
    pub paired: bool,
    /// Mean difference and 95% interval; `n` counts pairs, or the runs of the smaller group.
    pub interval: Option<Interval>,
    /// The smallest true difference that this many would have shown 4 times in 5; NaN below two.
    pub detectable: f64,
    /// How many runs of the two levels are not in it: diverged, failed or missing, or without a partner.
    pub left_out: usize,
}

/// A comparison, computed.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The metric.
    pub value: String,
    /// The axis.
    pub by: String,
    /// One line each.
    pub differences: Vec<Difference>,
    /// What the reader must know.
    pub warnings: Vec<String>,
}

pub(super) struct Measured<'a> {
    pub run: &'a RunState,
    pub value: Option<f64>,
}

/// Compares the levels of an axis.
///
/// # Errors
/// Where the axis, the metric, the baseline or the scope is unknown, or the store cannot be read.
pub fn compare(sweep: &Sweep, request: &CompareRequest) -> Result<Comparison, AnalyseError> {
    let mut runs = sweep.scoped(&request.scope)?;
    runs.retain(|run| request.filters.iter().all(|filter| passes(run, filter)));
    let varied = axes(runs.iter().copied());
    let unknown = |what, name: &str, known: Vec<String>| AnalyseError::Unknown {
        what,
        name: name.to_owned(),
        sweep: sweep.name().to_owned(),
        known,
    };
    let Some(levels) = varied.get(&request.by) else {
        return Err(unknown("axis", &request.by, varied.keys().cloned().collect()));
    };
    if let Some(baseline) = request.baseline.as_ref().filter(|baseline| !levels.contains(*baseline)) {
        return Err(unknown("level", baseline, levels.iter().cloned().collect()));
    }
    let value = request.value.clone().or_else(|| Some(sweep.planned()?.metric.as_ref()?.0.clone()));
    let Some(value) = value else {
        return Err(AnalyseError::Question {
            message: format!("the spec of `{}` names no metric", sweep.name()),
            help: format!("say which with --value; there are: {}", sweep.metrics()?.join(", ")),
        });
    };
    let numbers = values(sweep, &runs, &value, request.reduce.unwrap_or_else(|| sweep.reduce()))?;
    let measured = measured(&runs, numbers);
    // Parameters that only some levels have (`rho` of lagrange) belong to the level, not to the setting.
    let others: Vec<&String> = varied.keys().filter(|axis| **axis != request.by).collect();
    let shared: Vec<&String> =
        others.into_iter().filter(|axis| runs.iter().all(|run| run.parameters.contains_key(*axis))).collect();
    let mut settings: IndexMap<Vec<(String, String)>, Vec<&Measured>> = IndexMap::new();
    for one in &measured {
        let setting = shared.iter().map(|axis| ((*axis).clone(), level(one.run, axis))).collect();
        settings.entry(setting).or_default().push(one);
    }
    let mut differences = Vec::new();
    let order = LevelOrder::of(sweep);
    let mut levels: Vec<&str> = levels.iter().map(String::as_str).collect();
    levels.sort_by_key(|level| order.place(&request.by, level));
    for (minus, level) in pairs(levels, request.baseline.as_deref()) {
        if settings.len() > 1 {
            let lines =
                settings.iter().map(|(at, runs)| difference(&request.by, &shared, (level, minus), at.clone(), runs));
            differences.extend(lines);
        }
        let all: Vec<&Measured> = measured.iter().collect();
        differences.push(difference(&request.by, &shared, (level, minus), Vec::new(), &all));
    }
    let goal = request.goal.or_else(|| goal(sweep, &value));
    let warnings = goal.map(|goal| at_the_edge(&measured, &request.by, &varied, goal));
    let warnings = warnings.unwrap_or_default();
    Ok(Comparison { value, by: request.by.clone(), differences, warnings })
}

/// Runs with their numbers: of those that finished alone.
pub(super) fn measured<'a>(runs: &[&'a RunState], numbers: Vec<Option<f64>>) -> Vec<Measured<'a>> {
    let one = |(&run, value): (&&'a RunState, Option<f64>)| Measured {
        run,
        value: value.filter(|_| run.status == Status::Finished),
    };
    runs.iter().zip(numbers).map(one).collect()
}

/// Whether more of a value is better, where that is known.
fn goal(sweep: &Sweep, value: &str) -> Option<Goal> {
    if ["seconds", "peak_memory_mib", "attempt"].contains(&value) {
        return Some(Goal::Min);
    }
    let planned = sweep.planned()?;
    planned.goal.filter(|_| planned.metric.as_ref().is_some_and(|(metric, _)| metric == value))
}

/// (baseline, level): every level against the baseline, else every later one against every earlier one.
fn pairs<'a>(levels: Vec<&'a str>, baseline: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    if let Some(baseline) = baseline {
        return levels.iter().filter(|level| **level != baseline).map(|level| (baseline, *level)).collect();
    }
    (0..levels.len())
        .flat_map(|i| (i + 1..levels.len()).map(move |j| (i, j)))
        .map(|(i, j)| (levels[i], levels[j]))
        .collect()
}

fn difference(
    by: &str,
    shared: &[&String],
    (of, minus): (&str, &str),
    at: Vec<(String, String)>,
    runs: &[&Measured],
) -> Difference {
    let (ours, all_ours) = group(by, shared, of, runs);
    let (theirs, all_theirs) = group(by, shared, minus, runs);
    let pairs: Vec<(&Vec<f64>, &Vec<f64>)> =
        ours.iter().filter_map(|(key, values)| Some((values, theirs.get(key)?))).collect();
    let (used, interval, detectable) = if pairs.is_empty() {
        let (ours, theirs) = (ours.values().flatten().copied(), theirs.values().flatten().copied());
        let (ours, theirs): (Vec<f64>, Vec<f64>) = (ours.collect(), theirs.collect());
        let found = welch(&ours, &theirs);
        let least = found.map_or(f64::NAN, |(_, error, freedom)| detectable(error, freedom));
        (found.map_or(0, |_| ours.len() + theirs.len()), found.map(|found| found.0), least)
    } else {
        let differences: Vec<f64> = pairs.iter().map(|(ours, theirs)| mean(ours) - mean(theirs)).collect();
        let n = differences.len();
        let interval = if n <= FEW { mean_interval(&differences) } else { bootstrap_interval(&differences) };
        let error = standard_deviation(&differences) / (n as f64).sqrt();
        (pairs.iter().map(|(a, b)| a.len() + b.len()).sum::<usize>(), interval, detectable(error, n as f64 - 1.0))
    };
    let left_out = all_ours + all_theirs - used;
    Difference { level: of.into(), minus: minus.into(), at, paired: !pairs.is_empty(), interval, detectable, left_out }
}

/// The values of a level's runs by what a partner must share (the seed, and the axes that all runs have), and how many
/// runs there are, those without a value too. Runs that differ in what only their own level has are averaged.
pub(super) fn group(
    by: &str,
    shared: &[&String],
    name: &str,
    runs: &[&Measured],
) -> (BTreeMap<Vec<String>, Vec<f64>>, usize) {
    let mut values: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
    let mut all = 0;
    for one in runs.iter().filter(|one| level(one.run, by) == name) {
        all += 1;
        if let Some(value) = one.value {
            let key = shared.iter().map(|axis| level(one.run, axis)).chain([one.run.seed.to_string()]).collect();
            values.entry(key).or_default().push(value);
        }
    }
    (values, all)
}

/// Welch's interval for a difference of means, its standard error and degrees of freedom; `None` where a group is empty.
pub fn welch(a: &[f64], b: &[f64]) -> Option<(Interval, f64, f64)> {
    let (of_a, of_b) = (mean_interval(a)?, mean_interval(b)?);
    let mean = of_a.mean - of_b.mean;
    let n = a.len().min(b.len());
    let part = |sample: &[f64]| standard_deviation(sample).powi(2) / sample.len() as f64;
    let (of_a, of_b) = (part(a), part(b));
    let error = (of_a + of_b).sqrt();
    let freedom =
        (of_a + of_b).powi(2) / (of_a.powi(2) / (a.len() as f64 - 1.0) + of_b.powi(2) / (b.len() as f64 - 1.0));
    let half = if error == 0.0 { 0.0 } else { quantile_95(freedom) * error };
    Some((Interval { mean, low: mean - half, high: mean + half, n }, error, freedom))
}

/// The smallest true difference that a two-sided test at 5% finds 4 times in 5.
pub fn detectable(standard_error: f64, freedom: f64) -> f64 {
    let power = StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.8));
    (quantile_95(freedom) + power) * standard_error
}

/// Warns where the best learning rate is the lowest or highest tried: the level may only look worse than it is.
fn at_the_edge(
    measured: &[Measured],
    by: &str,
    varied: &IndexMap<String, indexmap::IndexSet<String>>,
    goal: Goal,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for rate in varied.keys().filter(|name| name.ends_with("learning_rate") && *name != by) {
        // Where all runs of a rate diverged it was tried, too, and has no mean.
        let mut tried: IndexMap<String, Vec<(f64, Option<f64>)>> = IndexMap::new();
        for one in measured.iter().filter(|one| one.run.status.is_done()) {
            if let Some(rate) = one.run.parameters.get(rate).and_then(|rate| rate.as_f64()) {
                tried.entry(level(one.run, by)).or_default().push((rate, one.value));
            }
        }
        for (level, mut points) in tried {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let group = |group: &[(f64, Option<f64>)]| {
                let values: Vec<f64> = group.iter().filter_map(|point| point.1).collect();
                (group[0].0, (!values.is_empty()).then(|| mean(&values)))
            };
            let groups: Vec<(f64, Option<f64>)> = points.chunk_by(|a, b| a.0 == b.0).map(group).collect();
            let sign = if goal == Goal::Max { 1.0 } else { -1.0 };
            let with_mean = groups.iter().filter_map(|&(rate, mean)| Some((rate, mean?)));
            let best = with_mean.max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
            let (Some(best), [first, .., last]) = (best, groups.as_slice()) else { continue };
            let which = if best.0 == first.0 { "lowest" } else { "highest" };
            if best.0 == first.0 || best.0 == last.0 {
                let tried: Vec<String> = groups.iter().map(|group| significant(group.0, 4)).collect();
                warnings.push(format!(
                    "{by} {level}: the best {rate} ({}) is the {which} tried ({}); beyond it may be better",
                    significant(best.0, 4),
                    tried.join(", ")
                ));
            }
        }
    }
    warnings
}

impl Comparison {
    /// As a table: for people with mean and interval in one cell, else numbers in full.
    pub fn grid(&self, format: Format) -> Grid {
        let people = format.is_for_people();
        let mut header = vec![self.by.clone(), "minus".to_owned(), "at".to_owned()];
        let numbers: &[&str] = if people { &["difference"] } else { &["difference", "low", "high"] };
        header.extend(numbers.iter().chain(&["n", "paired", "detectable", "left_out"]).map(|&name| name.to_owned()));
        let line = |d: &Difference| {
            let at: Vec<String> = d.at.iter().map(|(axis, level)| format!("{axis} {level}")).collect();
            let at = if at.is_empty() { "all".to_owned() } else { at.join(", ") };
            let mut row: Vec<Cell> = vec![d.level.clone().into(), d.minus.clone().into(), at.into()];
            let end = |x: f64| if x.is_nan() { Cell::Missing } else { Cell::Number(x) };
            match d.interval {
                Some(interval) if people && interval.low.is_nan() => row.push(significant(interval.mean, 5).into()),
                Some(interval) if people => {
                    let (mean, _) = with_error(interval.mean, interval.half_width());
                    let low = with_error(interval.low, interval.half_width()).0;
                    let high = with_error(interval.high, interval.half_width()).0;
                    row.push(format!("{mean} [{low}, {high}]").into());
                }
                Some(interval) => row.extend([Cell::Number(interval.mean), end(interval.low), end(interval.high)]),
                None => row.extend(numbers.iter().map(|_| Cell::Missing)),
            }
            row.push(d.interval.map_or(0, |interval| interval.n).into());
            row.push(d.interval.map_or(Cell::Missing, |_| Cell::Bool(d.paired)));
            row.push(if people && d.detectable.is_finite() {
                significant(d.detectable, 2).into()
            } else {
                end(d.detectable)
            });
            row.push(d.left_out.into());
            row
        };
        Grid { header, rows: self.differences.iter().map(line).collect() }
    }
}
