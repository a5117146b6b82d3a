//! Curves: a panel a level of one axis, a colour a level of another; the mean with its interval by step, or each run.
//! Points are thinned to the pixels that are there, by what is in the stretch that is shown.

use super::PageError;
use super::columns::kept;
use super::question::Question;
use super::shelf::Shelf;
use crate::analyse::{LevelOrder, check_axis, level, level_value, mean_interval, passes};
use crate::figures::{Palette, Source};
use crate::record::{Real, RunId};
use crate::spec::Description;
use crate::store::{RunState, Scope, Status, Sweep};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Above so many lines of single runs a panel shows the first ones, and says so.
const LINES: usize = 400;
/// About so many columns of pixels are told of all single runs together: many lines are told more coarsely.
const COLUMNS_IN_ALL: usize = 120_000;
/// How wide a panel is where nothing is said, and at most.
const WIDTH: (usize, usize) = (600, 4000);

type Trace = Vec<(f64, f64)>;

/// Panels with lines.
pub(super) fn curves(shelf: &Shelf, name: &str, question: &Question) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let sweep: &Sweep = &view.sweep;
    let y = metric(sweep, question)?;
    let x = match question.x.as_deref() {
        None | Some("" | "step") => "step",
        Some("elapsed") => "elapsed",
        Some(other) => return Err(PageError::Question(format!("`x` is step or elapsed, not `{other}`"))),
    };
    let each = question.lines.as_deref() == Some("runs") || x != "step";
    let runs = chosen(sweep, question)?;
    let (color, facet) = (Question::chosen(&question.color), Question::chosen(&question.facet));
    for axis in color.into_iter().chain(facet) {
        check_axis(name, &runs, axis)?;
    }
    let silent = Description::silent("");
    let source = Source::new(sweep, &Scope::Current, &silent, None)?;
    let mut palette = Palette::default();
    colors(sweep, &source, &mut palette);
    let (mut traces, not_finite) = source.traces(&runs, x, &y)?;
    let within = |x: f64| question.from.is_none_or(|from| x >= from) && question.to.is_none_or(|to| x <= to);
    traces.values_mut().for_each(|trace| trace.retain(|point| within(point.0)));
    let width = question.width.unwrap_or(WIDTH.0).clamp(10, WIDTH.1);
    let width = if each { width.min((COLUMNS_IN_ALL / runs.len().max(1)).max(50)) } else { width };
    let of = |run: &RunState, axis: Option<&str>| axis.map(|axis| level(run, axis)).unwrap_or_default();
    let mut panels: IndexMap<String, IndexMap<String, Vec<&RunState>>> = IndexMap::new();
    for run in &runs {
        let panel = panels.entry(of(run, facet)).or_default();
        panel.entry(of(run, color)).or_default().push(run);
    }
    let order = LevelOrder::of(sweep);
    sort(&mut panels, facet, &order);
    let mut shown = Vec::new();
    for (level, mut groups) in panels {
        sort(&mut groups, color, &order);
        let count: usize = groups.values().map(Vec::len).sum();
        let mut lines = Vec::new();
        for (name, runs) in &groups {
            let tone = color.map_or(Palette::default().level("", &crate::record::Value::Null), |axis| {
                palette.level(axis, &level_value(runs[0], axis))
            });
            let traces = runs.iter().filter_map(|run| Some((*run, traces.get(run.run.as_str())?)));
            let about = json!({"level": name, "color": tone.hex(), "runs": runs.len()});
            if each {
                let room = LINES.saturating_sub(lines.len());
                lines.extend(traces.take(room).map(|(run, trace)| single(&about, run, trace, width)));
            } else {
                lines.push(mean_line(about, traces.map(|(_, trace)| trace), width));
            }
        }
        let left_out = if each { count.saturating_sub(LINES) } else { 0 };
        shown.push(json!({"level": level, "lines": lines, "left_out": left_out}));
    }
    Ok(json!({
        "number": shelf.told(view.number),
        "y": y,
        "x": x,
        "color": color,
        "facet": facet,
        "lines": if each { "runs" } else { "mean" },
        "panels": shown,
        "not_finite": not_finite,
    }))
}

/// The metric that is asked for, else the spec's, else the first that was recorded.
fn metric(sweep: &Sweep, question: &Question) -> Result<String, PageError> {
    if let Some(value) = Question::chosen(&question.value) {
        return Ok(value.to_owned());
    }
    let metrics = sweep.metrics()?;
    let judged = sweep.planned().and_then(|plan| plan.metric.as_ref()).map(|(metric, _)| metric.clone());
    let judged = judged.filter(|metric| metrics.contains(metric));
    let none = || PageError::Missing(format!("no run of `{}` has recorded a number yet", sweep.name()));
    judged.or_else(|| metrics.into_iter().next()).ok_or_else(none)
}

/// The runs that have begun and pass the filters; or the one that is asked for.
fn chosen<'s>(sweep: &'s Sweep, question: &Question) -> Result<Vec<&'s RunState>, PageError> {
    if let Some(run) = Question::chosen(&question.run) {
        let state = RunId::parse(run).and_then(|run| sweep.state(&run));
        return Ok(vec![state.ok_or_else(|| PageError::Missing(format!("there is no run `{run}`")))?]);
    }
    let filters = question.filters()?;
    let mut runs = sweep.scoped(&Scope::Current)?;
    runs.retain(|run| !matches!(run.status, Status::Planned | Status::Queued));
    runs.retain(|run| filters.iter().all(|filter| passes(run, filter)));
    Ok(runs)
}

/// Levels have the colours that figures give them: in the order of the spec, then of the runs.
fn colors(sweep: &Sweep, source: &Source, palette: &mut Palette) {
    for (axis, levels) in sweep.planned().map(|plan| &plan.axes).into_iter().flatten() {
        palette.add(axis, levels);
    }
    source.color(palette);
}

fn sort<T>(groups: &mut IndexMap<String, T>, axis: Option<&str>, order: &LevelOrder) {
    groups.sort_by_cached_key(|level, _| axis.map_or(0, |axis| order.place(axis, level)));
}

fn reals(values: impl Iterator<Item = f64>) -> Vec<Option<f64>> {
    values.map(|value| value.is_finite().then_some(value)).collect()
}

fn single(about: &Value, run: &RunState, trace: &Trace, width: usize) -> Value {
    let (x, y): (Vec<f64>, Vec<f64>) = trace.iter().copied().unzip();
    let places = kept(&x, &[&y], width);
    let mut line = about.clone();
    line["run"] = json!(run.run);
    line["seed"] = json!(run.seed);
    line["status"] = json!(run.status.to_string());
    line["x"] = json!(reals(places.iter().map(|place| x[*place])));
    line["y"] = json!(reals(places.iter().map(|place| y[*place])));
    line["rows"] = json!(x.len());
    line
}

/// Mean and 95% interval at each step, over the runs that have a value there; n tells how many.
fn mean_line<'t>(mut line: Value, traces: impl Iterator<Item = &'t Trace>, width: usize) -> Value {
    let mut samples: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (step, value) in traces.flatten() {
        // Steps are whole numbers.
        samples.entry(*step as u64).or_default().push(*value);
    }
    let (mut x, mut y, mut low, mut high, mut n) = (vec![], vec![], vec![], vec![], vec![]);
    for (step, sample) in samples {
        let Some(interval) = mean_interval(&sample) else { continue };
        x.push(step as f64);
        y.push(interval.mean);
        low.push(interval.low);
        high.push(interval.high);
        n.push(interval.n);
    }
    let places = kept(&x, &[&y, &low, &high], width);
    line["x"] = json!(reals(places.iter().map(|place| x[*place])));
    line["y"] = json!(reals(places.iter().map(|place| y[*place])));
    line["low"] = json!(reals(places.iter().map(|place| low[*place])));
    line["high"] = json!(reals(places.iter().map(|place| high[*place])));
    line["n"] = json!(places.iter().map(|place| n[*place]).collect::<Vec<_>>());
    line["rows"] = json!(x.len());
    line["last"] = json!(y.last().copied().map(Real));
    line
}
