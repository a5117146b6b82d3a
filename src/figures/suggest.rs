//! The figures that a person would draw first of a sweep that asks for none.

use super::FiguresError;
use super::picture::range;
use super::source::{Source, levels};
use crate::analyse::{level_value, mean};
use crate::record::Value;
use crate::spec::Reduce;
use crate::store::{RunState, Status};
use std::collections::{HashMap, HashSet};

/// So many levels are told apart by panels at most.
const PANELS: usize = 6;
/// So many levels are told apart by colours at most.
const COLORS: usize = 8;
/// Fewer seeds than this are drawn one by one: the interval of two is a guess …
const BAND: usize = 3;
/// … but of more runs than this nobody tells one from another.
const SINGLES: usize = 200;

/// An axis: how many levels, whether they are numbers, and how much of the metric's variation they explain, 0 to 1.
struct Axis {
    name: String,
    levels: usize,
    numeric: bool,
    /// Whether its levels are numbers above 0 that reach over more than a decade.
    decades: bool,
    /// Whether it is active in all runs.
    everywhere: bool,
    share: f64,
}

/// Lines of YAML below `figures:`, one a figure: the metric by step, coloured by the axis that explains most of it and
/// faceted by the next; the summary by these axes; and, where runs failed or diverged, where. Empty where no run has
/// begun or nothing was recorded.
///
/// # Errors
/// Where the store cannot be read.
pub fn suggest(source: &Source, metric: Option<(&str, Reduce)>) -> Result<Vec<String>, FiguresError> {
    let begun = |run: &&&RunState| !matches!(run.status, Status::Planned | Status::Queued);
    let runs: Vec<&RunState> = source.runs.iter().filter(begun).copied().collect();
    let own = metric.filter(|(name, _)| source.metrics.iter().any(|known| known == name));
    let first = || source.metrics.iter().find(|name| !name.starts_with("seconds")).map(|name| (&**name, Reduce::Last));
    let Some((name, reduce)) = own.or_else(first).filter(|_| !runs.is_empty()) else { return Ok(Vec::new()) };
    let numbers = source.summaries(&runs, name, reduce)?;
    let finished: Vec<(&RunState, f64)> = runs
        .iter()
        .zip(numbers)
        .filter(|(run, _)| run.status == Status::Finished)
        .filter_map(|(run, number)| Some((*run, number.filter(|x| x.is_finite())?)))
        .collect();
    let axes = ranked(source, &runs, &finished);
    let mut lines = vec![curve(name, &axes, &runs)];
    lines.extend(summary(name, &axes));
    let lost: Vec<(&RunState, f64)> = runs
        .iter()
        .map(|run| (*run, if matches!(run.status, Status::Failed | Status::Diverged) { 1.0 } else { 0.0 }))
        .collect();
    if lost.iter().any(|(_, is)| *is > 0.0) {
        let at = ranked(source, &runs, &lost);
        let x = at.first().map_or(String::new(), |axis| format!(", x: {}", word(&axis.name)));
        lines.push(format!(
            "{{kind: box, y: seconds{x}, color: status, title: Where runs failed or diverged, caption: \"How long each run took, by what became of it.\"}}"
        ));
    }
    Ok(lines)
}

/// The axes by which runs differ, those that explain most first: of the plan's where it names them, and of axes that move
/// together the first.
fn ranked(source: &Source, runs: &[&RunState], values: &[(&RunState, f64)]) -> Vec<Axis> {
    let planned: Vec<&String> =
        source.sweep.planned().iter().flat_map(|plan| &plan.axes).map(|(name, _)| name).collect();
    let axis = |name: String| {
        let found = levels(runs, &name);
        let everywhere = !found.contains(&Value::Null);
        let numeric = found.iter().all(|level| level.as_f64().is_some());
        let numbers: Vec<f64> = found.iter().filter_map(|level| level.as_f64()).collect();
        let decades = range(numbers).is_some_and(|(low, high)| low > 0.0 && high / low > 10.0);
        Axis { decades, share: explained(&name, values), levels: found.len(), numeric, everywhere, name }
    };
    let known = |name: &String| planned.is_empty() || planned.contains(&name);
    let mut axes: Vec<Axis> = Source::axes(runs).into_iter().filter(known).map(axis).collect();
    axes.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    let mut kept: Vec<Axis> = Vec::new();
    for axis in axes {
        let both = |other: &Axis| {
            let pairs = runs.iter().map(|run| [&axis.name, &other.name].map(|name| level_value(run, name).to_string()));
            pairs.collect::<HashSet<_>>().len()
        };
        if !kept.iter().any(|other| other.levels == axis.levels && both(other) == axis.levels) {
            kept.push(axis);
        }
    }
    kept
}

/// The share of the sum of squares that lies between the levels of an axis (η²).
fn explained(axis: &str, values: &[(&RunState, f64)]) -> f64 {
    let all: Vec<f64> = values.iter().map(|(_, x)| *x).collect();
    if all.is_empty() {
        return 0.0;
    }
    let middle = mean(&all);
    let mut groups: HashMap<String, Vec<f64>> = HashMap::new();
    for (run, x) in values {
        groups.entry(level_value(run, axis).to_string()).or_default().push(*x);
    }
    let whole: f64 = all.iter().map(|x| (x - middle).powi(2)).sum();
    let between: f64 = groups.values().map(|group| group.len() as f64 * (mean(group) - middle).powi(2)).sum();
    if whole > 0.0 && between.is_finite() { between / whole } else { 0.0 }
}

fn curve(metric: &str, axes: &[Axis], runs: &[&RunState]) -> String {
    let mut line = format!("{{kind: curve, y: {}", word(metric));
    let color = axes.iter().position(|axis| axis.everywhere && axis.levels <= COLORS);
    // Where an axis is inactive for some runs, the colours tell all combinations apart unasked.
    if let Some(color) = color.filter(|_| axes.iter().all(|axis| axis.everywhere)) {
        line += &format!(", color: {}", word(&axes[color].name));
    }
    let shown = |axis: &Axis| axis.everywhere && axis.levels <= PANELS;
    let rest = axes.iter().enumerate().filter(|(place, axis)| Some(*place) != color && shown(axis));
    let panels: Vec<&Axis> = rest.map(|(_, axis)| axis).take(2).collect();
    match panels.as_slice() {
        [] => {}
        [column] => line += &format!(", facet: {}", word(&column.name)),
        [column, row, ..] => {
            line += &format!(", facet: {{row: {}, column: {}}}", word(&row.name), word(&column.name));
        }
    }
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    if seeds.len() < BAND && runs.len() <= SINGLES {
        line += ", band: each";
    }
    line + "}"
}

/// The summary over two numeric axes as a heat map, over one as points with intervals, else by levels.
fn summary(metric: &str, axes: &[Axis]) -> Option<String> {
    let metric = word(metric);
    let first = axes.first()?;
    let mut numeric: Vec<&Axis> = axes.iter().filter(|axis| axis.numeric).collect();
    let mut fine: Vec<&Axis> = numeric.iter().filter(|axis| axis.levels > 2).copied().collect();
    fine.sort_by_key(|axis| std::cmp::Reverse(axis.levels));
    if let [x, y, ..] = fine.as_slice() {
        let shown =
            |axis: &&Axis| ![&x.name, &y.name].contains(&&axis.name) && axis.everywhere && axis.levels <= PANELS;
        let facet = axes.iter().find(shown);
        let facet = facet.map_or(String::new(), |axis| format!(", facet: {}", word(&axis.name)));
        return Some(format!("{{kind: heatmap, value: {metric}, x: {}, y: {}{facet}}}", word(&x.name), word(&y.name)));
    }
    numeric.retain(|axis| axis.levels > 2);
    let kind = match numeric.first() {
        Some(x) => {
            let color = axes.iter().find(|axis| axis.name != x.name && axis.levels <= COLORS);
            let color = color.map_or(String::new(), |axis| format!(", color: {}", word(&axis.name)));
            let log = if x.decades { ", log: x" } else { "" };
            format!("kind: response, y: {metric}, x: {}{color}{log}", word(&x.name))
        }
        None => {
            let color = axes.get(1).filter(|axis| axis.levels <= COLORS).unwrap_or(first);
            format!("kind: box, y: {metric}, x: {}, color: {}", word(&first.name), word(&color.name))
        }
    };
    Some(format!("{{{kind}}}"))
}

/// A name as YAML takes it.
fn word(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_./".contains(c));
    let letter = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let kept = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&&*name.to_lowercase());
    if plain && letter && !kept { name.to_owned() } else { serde_json::json!(name).to_string() }
}
