//! The functions of values in sentences.

use super::amount::{Amount, minus};
use super::asked::Asked;
use super::methods::methods;
use super::mistake::{of_answer, wrong};
use super::sources::Sources;
use crate::analyse::{
    CompareRequest, Interval, PivotRequest, Sample, axes, compare, level_value, levels_of, pivot, ratio, sample,
    significant, standard_deviation, with_error,
};
use crate::record::{Goal, Value as Level};
use crate::spec::suggestion;
use crate::store::{RunState, Scope, Status};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, State};
use std::sync::Arc;

/// Names of functions, for messages.
pub(super) const NAMES: [&str; 17] = [
    "mean",
    "sd",
    "min",
    "max",
    "median",
    "across",
    "ref",
    "count",
    "diverged",
    "best",
    "ratio",
    "difference",
    "seconds",
    "when",
    "levels",
    "methods",
    "sql",
];

/// Adds all functions and filters.
pub(super) fn add(environment: &mut Environment, sources: &Arc<Sources>) {
    type Make = fn(&Asked, &Kwargs) -> Result<Value, Error>;
    let mut put = |name: &'static str, own: &'static [&'static str], make: Make| {
        let sources = sources.clone();
        environment.add_function(name, move |state: &State, metric: Option<String>, kwargs: Kwargs| {
            make(&Asked::read(&sources, state, metric, &kwargs, own)?, &kwargs)
        });
    };
    put("mean", &[], |asked, _| mean(asked));
    put("sd", &[], |asked, _| statistic(asked, standard_deviation));
    put("min", &[], |asked, _| statistic(asked, |sample| sample.iter().copied().fold(f64::INFINITY, f64::min)));
    put("max", &[], |asked, _| statistic(asked, |sample| sample.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
    put("median", &[], |asked, _| statistic(asked, median));
    put("across", &["by"], across);
    put("best", &["by", "goal"], best);
    put("ratio", &["by", "of", "to"], quotient);
    put("difference", &["by", "of", "minus"], difference);
    let mut counted = |name: &'static str, own: &'static [&'static str], make: Make| {
        let sources = sources.clone();
        environment.add_function(name, move |state: &State, kwargs: Kwargs| {
            make(&Asked::read(&sources, state, Some(String::new()), &kwargs, own)?, &kwargs)
        });
    };
    counted("count", &["status"], count);
    counted("diverged", &[], |asked, _| {
        Ok(asked.runs()?.iter().filter(|run| run.status == Status::Diverged).count().into())
    });
    counted("seconds", &[], |asked, _| seconds(asked));
    counted("when", &[], |asked, _| when(asked));
    counted("methods", &[], |asked, _| {
        let day = when(asked).ok().map(|day| day.to_string());
        Ok(methods(asked, &seconds(asked)?.to_string(), day.as_deref())?.into())
    });
    let of_levels = sources.clone();
    environment.add_function("levels", move |state: &State, axis: String, kwargs: Kwargs| {
        let asked = Asked::read(&of_levels, state, Some(String::new()), &kwargs, &[])?;
        let found = levels_of(asked.sweep().name(), &asked.runs()?, &axis).map_err(of_answer)?;
        Ok(found.iter().map(value_of).collect::<Vec<Value>>())
    });
    let of_queries = sources.clone();
    environment.add_function("sql", move |query: String, kwargs: Kwargs| {
        let rows = of_queries.query(&query)?;
        let all = kwargs.has("rows") && kwargs.get::<bool>("rows")?;
        kwargs.assert_all_used()?;
        if all { Ok(rows) } else { only(&rows) }
    });
    environment.add_filter("approximate", |value: Value| match value.downcast_object::<Amount>() {
        Some(amount) => Ok(amount.approximate()),
        None => Ok::<_, Error>(format!("~{}", minus(&significant(f64::try_from(value)?, 2)))),
    });
    environment.add_filter("short", |value: Value| match value.downcast_object::<Amount>() {
        Some(amount) => Ok(amount.short()),
        None => Err(wrong("`short` is for values", "a number is shortened by `| digits(3)`")),
    });
    environment.add_filter("digits", |value: Value, digits: usize| match f64::try_from(value) {
        Ok(x) => Ok(with_digits(x, digits.clamp(1, 15))),
        Err(_) => Err(wrong("`digits` is for numbers", "like `mean('kl').mean | digits(3)`")),
    });
}

/// So many significant digits, zeros at the end too: `7.0`.
fn with_digits(x: f64, digits: usize) -> String {
    let short = significant(x, digits);
    if short.contains('e') || x == 0.0 || !x.is_finite() {
        return minus(&short);
    }
    // Rounding may add a digit: 9.99 is 10.0.
    let magnitude = short.parse::<f64>().map_or(0.0, |x| x.abs().log10().floor()) as i32;
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    minus(&format!("{x:.decimals$}"))
}

fn taken(asked: &Asked) -> Result<Sample, Error> {
    sample(asked.sweep(), &asked.runs()?, &asked.value, asked.reduce).map_err(of_answer)
}

/// ` over 3 fr_learning_rate`: what else differs among the runs of a value.
fn over(sample: &Sample) -> String {
    let said: Vec<String> = sample.pooled.iter().map(|(axis, levels)| format!("{levels} {axis}")).collect();
    if said.is_empty() { String::new() } else { format!(" over {}", said.join(" × ")) }
}

fn with_unit(words: &str, unit: &str) -> String {
    match (words.find(" ("), unit) {
        (_, "") => words.to_owned(),
        (Some(at), unit) => format!("{} {unit}{}", &words[..at], &words[at..]),
        (None, unit) => format!("{words} {unit}"),
    }
}

/// As a pivot's cell, with the unit, and what n counts besides seeds.
fn mean(asked: &Asked) -> Result<Value, Error> {
    let taken = taken(asked)?;
    let (interval, unit) = (taken.cell.interval(), asked.unit());
    let words = taken.cell.words();
    let words = match interval {
        None => words,
        Some(Interval { n, .. }) => {
            with_unit(&minus(&words), &unit).replacen(&format!("(n={n})"), &format!("(n={n}{})", over(&taken)), 1)
        }
    };
    Ok(Value::from_object(Amount::new(&asked.sources, words, interval, &unit)))
}

/// A number of the sample without an interval of its own.
fn statistic(asked: &Asked, of: fn(&[f64]) -> f64) -> Result<Value, Error> {
    let taken = taken(asked)?;
    let (sample, unit) = (&taken.cell.values, asked.unit());
    if sample.is_empty() {
        return Ok(Value::from_object(Amount::new(&asked.sources, taken.cell.words(), None, &unit)));
    }
    let x = of(sample);
    if x.is_nan() {
        return Err(wrong("the standard deviation of one run is not known", "it needs two runs at least"));
    }
    let n = sample.len();
    let number = with_unit(&minus(&significant(x, 3)), &unit);
    let words = taken.cell.words();
    let left_out = words.split_once("), ").map_or(String::new(), |(_, rest)| format!(", {rest}"));
    let interval = Interval { mean: x, low: f64::NAN, high: f64::NAN, n };
    let words = format!("{number} (n={n}{}){left_out}", over(&taken));
    Ok(Value::from_object(Amount::new(&asked.sources, words, Some(interval), &unit)))
}

/// The smallest and the largest mean over the levels of an axis: `0.40 to 0.42 (n=9)`; an interval of means, not of one.
fn across(asked: &Asked, kwargs: &Kwargs) -> Result<Value, Error> {
    let by = argument(kwargs, "by", "across('kl', by='fr_learning_rate', method='gamma')")?;
    let runs = asked.runs()?;
    let mut means = Vec::new();
    for found in levels_of(asked.sweep().name(), &runs, &by).map_err(of_answer)? {
        let own: Vec<&RunState> = runs.iter().filter(|run| level_value(run, &by) == found).copied().collect();
        let cell = sample(asked.sweep(), &own, &asked.value, asked.reduce).map_err(of_answer)?.cell;
        let mean = cell.interval().ok_or_else(|| wrong(format!("{by} {found} has no mean: {}", cell.words()), ""))?;
        means.push(mean.mean);
    }
    let (low, high) =
        means.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
    let [from, to] = [low, high].map(|x| with_digits(x, 2));
    let unit = asked.unit();
    let words = if from == to { with_unit(&from, &unit) } else { with_unit(&format!("{from} to {to}"), &unit) };
    let mean = crate::analyse::mean(&means);
    let interval = Interval { mean, low, high, n: runs.len() };
    Ok(Value::from_object(Amount::new(&asked.sources, words, Some(interval), &unit)))
}

fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1] / 2.0 + sorted[middle] / 2.0 }
}

/// Of finished runs, or of those of another status.
fn count(asked: &Asked, kwargs: &Kwargs) -> Result<Value, Error> {
    let status = if kwargs.has("status") { kwargs.peek::<String>("status")? } else { Status::Finished.to_string() };
    let known = ["planned", "queued", "running", "finished", "diverged", "failed", "stopped", "unknown", "any"];
    if !known.contains(&&*status) {
        return Err(wrong(format!("no status is called `{status}`"), suggestion(&status, &known)));
    }
    Ok(asked.runs()?.iter().filter(|run| status == "any" || run.status.to_string() == status).count().into())
}

fn argument(kwargs: &Kwargs, name: &str, example: &str) -> Result<String, Error> {
    let missing = || wrong(format!("`{name}` is missing"), format!("like `{example}`"));
    if !kwargs.has(name) {
        return Err(missing());
    }
    Ok(kwargs.peek::<Value>(name)?.to_string())
}

/// The axis and two of its levels, all known to the runs.
fn two_levels(asked: &Asked, kwargs: &Kwargs, second: &str, example: &str) -> Result<(String, String, String), Error> {
    let by = argument(kwargs, "by", example)?;
    let (of, other) = (argument(kwargs, "of", example)?, argument(kwargs, second, example)?);
    let runs = asked.runs()?;
    let varied = axes(runs.iter().copied());
    let Some(levels) = varied.get(&by) else {
        let known: Vec<&str> = varied.keys().map(String::as_str).collect();
        return Err(wrong(format!("these runs do not differ by `{by}`"), suggestion(&by, &known)));
    };
    for name in [&of, &other] {
        if !levels.contains(name) {
            let known: Vec<&str> = levels.iter().map(String::as_str).collect();
            return Err(wrong(format!("no run has {by} {name}"), suggestion(name, &known)));
        }
    }
    Ok((by, of, other))
}

/// As `compare` has it over all settings of the other axes.
fn difference(asked: &Asked, kwargs: &Kwargs) -> Result<Value, Error> {
    let example = "difference('kl', by='method', of='gamma', minus='lagrange')";
    let (by, of, minus_level) = two_levels(asked, kwargs, "minus", example)?;
    let compared = compare(
        asked.sweep(),
        &CompareRequest {
            by,
            value: Some(asked.value.clone()),
            reduce: Some(asked.reduce),
            baseline: Some(minus_level),
            goal: None,
            scope: Scope::Current,
            filters: asked.filters.clone(),
        },
    )
    .map_err(of_answer)?;
    let line = compared.differences.into_iter().find(|line| line.level == of && line.at.is_empty());
    let interval = line.as_ref().and_then(|line| line.interval);
    let left_out = line.map_or(0, |line| line.left_out);
    Ok(Value::from_object(between(asked, interval, left_out, &asked.unit())))
}

fn quotient(asked: &Asked, kwargs: &Kwargs) -> Result<Value, Error> {
    let example = "ratio('kl', by='method', of='gamma', to='lagrange')";
    let (by, of, to) = two_levels(asked, kwargs, "to", example)?;
    let found =
        ratio(asked.sweep(), &asked.runs()?, (&asked.value, asked.reduce), &by, (&of, &to)).map_err(of_answer)?;
    Ok(Value::from_object(between(asked, found, 0, "")))
}

/// `−4.21 [−4.35, −4.07] bits (n=5)`, as `compare` writes it.
fn between(asked: &Asked, interval: Option<Interval>, left_out: usize, unit: &str) -> Amount {
    let words = match interval {
        None => "no runs to compare".to_owned(),
        Some(i) if i.low.is_nan() => format!("{} (n={})", with_unit(&minus(&significant(i.mean, 5)), unit), i.n),
        Some(i) => {
            let [mean, low, high] = [i.mean, i.low, i.high].map(|x| minus(&with_error(x, i.half_width()).0));
            format!("{} (n={})", with_unit(&format!("{mean} [{low}, {high}]"), unit), i.n)
        }
    };
    let words = if left_out == 0 { words } else { format!("{words}, {left_out} runs left out") };
    Amount::new(&asked.sources, words, interval, unit)
}

/// The level (of several axes: the levels) with the best mean. One where a run diverged is none.
fn best(asked: &Asked, kwargs: &Kwargs) -> Result<Value, Error> {
    let runs = asked.runs()?;
    let by: Vec<String> = match kwargs.has("by").then(|| kwargs.peek::<Value>("by")).transpose()? {
        Some(list) if list.kind() == ValueKind::Seq => list.try_iter()?.map(|axis| axis.to_string()).collect(),
        Some(axis) => vec![axis.to_string()],
        None => axes(runs.iter().copied()).into_keys().collect(),
    };
    let planned = asked.sweep().planned();
    let judged = planned.filter(|plan| plan.metric.as_ref().is_some_and(|(metric, _)| *metric == asked.value));
    let spec = asked.sources.specs[asked.place].metric.as_ref().filter(|metric| metric.name == asked.value);
    let goal = match kwargs.has("goal").then(|| kwargs.peek::<String>("goal")).transpose()?.as_deref() {
        Some("max") => Some(Goal::Max),
        Some("min") => Some(Goal::Min),
        Some(other) => return Err(wrong(format!("no goal is called `{other}`"), "`goal='max'` or `goal='min'`")),
        None => spec.map(|metric| Goal::of(metric.maximize)).or_else(|| judged.and_then(|plan| plan.goal)),
    };
    let Some(goal) = goal else {
        let message = format!("whether more or less of `{}` is better is not known", asked.value);
        return Err(wrong(message, "`goal='max'` or `goal='min'`"));
    };
    for axis in &by {
        levels_of(asked.sweep().name(), &runs, axis).map_err(of_answer)?;
    }
    let request = PivotRequest {
        value: Some(asked.value.clone()),
        reduce: Some(asked.reduce),
        rows: by,
        columns: Vec::new(),
        scope: Scope::Current,
        filters: asked.filters.clone(),
    };
    let pivot = pivot(asked.sweep(), &request).map_err(of_answer)?;
    let sign = if goal == Goal::Max { 1.0 } else { -1.0 };
    let whole = pivot.rows.iter().enumerate().filter_map(|(row, levels)| {
        let cell = pivot.cells.get(&(row, 0)).filter(|cell| cell.diverged == 0)?;
        Some((levels.join(", "), cell.interval().filter(|interval| interval.mean.is_finite())?))
    });
    let mut ranked: Vec<(String, Interval)> = whole.collect();
    ranked.sort_by(|a, b| (sign * b.1.mean).total_cmp(&(sign * a.1.mean)));
    match ranked.as_slice() {
        [] => Err(wrong("no level has a mean yet", "runs that diverged disqualify theirs")),
        [first, second, ..] if first.1.mean == second.1.mean => {
            Err(wrong(format!("{} and {} are equally good", first.0, second.0), "say more of which runs are meant"))
        }
        [first, ..] => {
            let mut amount = Amount::new(&asked.sources, first.0.clone(), Some(first.1), &asked.unit());
            amount.level = Some(first.0.clone());
            Ok(Value::from_object(amount))
        }
    }
}

/// How long the runs took together.
fn seconds(asked: &Asked) -> Result<Value, Error> {
    let taken: Vec<f64> = asked.runs()?.iter().filter_map(|run| run.seconds).collect();
    let sum: f64 = taken.iter().sum();
    let words = match sum {
        s if s < 100.0 => format!("{} s", significant(s, 2)),
        s if s < 6000.0 => format!("{} min", significant(s / 60.0, 2)),
        s => format!("{} h", significant(s / 3600.0, 3)),
    };
    let interval = Interval { mean: sum, low: f64::NAN, high: f64::NAN, n: taken.len() };
    Ok(Value::from_object(Amount::new(&asked.sources, words, (!taken.is_empty()).then_some(interval), "s")))
}

/// The day (UTC) on which the runs began, or the first and the last one.
fn when(asked: &Asked) -> Result<Value, Error> {
    let mut days: Vec<String> = asked
        .runs()?
        .iter()
        .filter_map(|run| jiff::Timestamp::from_second(run.started? as i64).ok())
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .collect();
    days.sort_unstable();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) if first == last => Ok(first.clone().into()),
        (Some(first), Some(last)) => Ok(format!("{first} to {last}").into()),
        _ => Err(wrong("none of these runs has begun", "")),
    }
}

/// The one cell of an answer.
fn only(rows: &Value) -> Result<Value, Error> {
    let count = rows.len().unwrap_or(0);
    let row = rows.get_item_by_index(0).ok().filter(|_| count == 1);
    let columns = row.as_ref().and_then(Value::len).unwrap_or(0);
    let Some(row) = row.filter(|_| columns == 1) else {
        return Err(wrong(
            format!("a value is one cell, this query gives {count} rows"),
            "select one column of one row, or go through them: `{% for row in sql('…', rows=true) %}`",
        ));
    };
    match row.try_iter()?.next() {
        Some(name) => row.get_item(&name),
        None => Err(wrong("this query gives nothing", "")),
    }
}

fn value_of(level: &Level) -> Value {
    match level {
        Level::Null => Value::from(()),
        Level::Bool(b) => Value::from(*b),
        Level::Integer(i) => Value::from(*i),
        Level::Number(x) => Value::from(*x),
        other => Value::from(other.to_string()),
    }
}
