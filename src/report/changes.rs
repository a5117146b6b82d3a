//! What changed since an earlier report: each report keeps the runs, winners, claims and numbers that it saw in
//! `report.json`.

use super::error::ReportError;
use super::file::put;
use super::gather::Body;
use super::table::{Ends, Table};
use super::told::{Holds, Told, Verdict};
use crate::analyse::with_error;
use crate::record::layout;
use crate::spec::Report;
use crate::store::{Scope, Status, Sweep};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Raised when an older tessera can no longer read `report.json`.
const FORMAT: u32 = 1;

/// What a report saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    format: u32,
    /// Of the report.
    name: String,
    /// When it was first rendered, seconds since 1970; kept by later renderings.
    pub first: f64,
    /// When it was kept as an edition, seconds since 1970.
    #[serde(default)]
    pub kept: f64,
    /// By sweep.
    sweeps: BTreeMap<String, Seen>,
    /// Claims by their condition: what they say, and whether they held.
    #[serde(default)]
    claims: BTreeMap<String, (String, Holds)>,
    /// The cells of tables by what they show: mean, low, high.
    #[serde(default)]
    cells: BTreeMap<String, Ends>,
    /// Hashes of the numbers that figures show, by title and name.
    #[serde(default)]
    figures: BTreeMap<String, String>,
}

/// What a report saw of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    /// Runs with a result.
    done: BTreeSet<String>,
    /// The cell with the best mean, as `method gamma, fr_learning_rate 0.1`.
    winner: Option<String>,
}

impl State {
    /// What this report sees now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn of(told: &Told, body: &Body, sweeps: &[Sweep], out: &Path) -> Result<Self, ReportError> {
        let report = &told.report;
        let first = match read(out)? {
            Some(before) => before.first,
            None => now(),
        };
        let mut seen = BTreeMap::new();
        for (spec, sweep) in report.sweeps.iter().zip(sweeps) {
            let runs = sweep.scoped(&Scope::Current)?;
            let done = runs.iter().filter(|run| run.status.is_done()).map(|run| run.run.to_string()).collect();
            let winner = match &spec.metric {
                Some(metric) => winner(sweep, metric)?,
                None => None,
            };
            seen.insert(spec.name.clone(), Seen { done, winner });
        }
        let claim = |claim: &Verdict| {
            let says = claim.says.as_ref().unwrap_or(&claim.condition).trim().trim_end_matches('.');
            (claim.condition.clone(), (says.to_owned(), claim.holds.clone()))
        };
        let claims = told.claims.iter().flatten().map(claim).collect();
        let mut cells = BTreeMap::new();
        for request in report.sections.iter().flat_map(|section| &section.tables) {
            let place = report.sweeps.iter().position(|spec| spec.name == request.sweep).unwrap_or(0);
            cells.extend(Table::numbers(&sweeps[place], request)?);
        }
        let mut figures: BTreeMap<String, String> = BTreeMap::new();
        for figure in body.figures() {
            // Two figures of one title and name are judged together.
            let numbers = figures.entry(format!("{} ({})", figure.title, figure.name)).or_default();
            numbers.push_str(&figure.data.fingerprint());
        }
        let name = report.name.clone();
        Ok(Self { format: FORMAT, name, first, kept: now(), sweeps: seen, claims, cells, figures })
    }

    /// Keeps it for the next report.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, out: &Path) -> Result<(), ReportError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| ReportError::Text(error.to_string()))?;
        put(&out.join("report.json"), (text + "\n").as_bytes())
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64())
}

/// The cell whose mean over seeds is best; diverged runs disqualify theirs.
fn winner(sweep: &Sweep, metric: &crate::spec::Metric) -> Result<Option<String>, ReportError> {
    let runs = sweep.scoped(&Scope::Current)?;
    if !runs.iter().any(|run| run.status == Status::Finished) {
        return Ok(None);
    }
    let numbers = crate::analyse::values(sweep, &runs, &metric.name, metric.reduce)?;
    let axes = crate::analyse::axes(runs.iter().copied());
    let mut cells: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (run, number) in runs.iter().zip(numbers) {
        let own = axes.keys().filter(|axis| run.parameters.contains_key(*axis));
        let name: Vec<String> = own.map(|axis| format!("{axis} {}", crate::analyse::level(run, axis))).collect();
        let value = if run.status == Status::Diverged { Some(f64::NAN) } else { number };
        cells.entry(name.join(", ")).or_default().extend(value);
    }
    let mean = |sample: &Vec<f64>| sample.iter().sum::<f64>() / sample.len() as f64;
    let means = cells.iter().map(|(name, sample)| (name, mean(sample))).filter(|(_, mean)| mean.is_finite());
    let sign = if metric.maximize { 1.0 } else { -1.0 };
    let best = means.max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
    Ok(best.filter(|_| cells.len() > 1).map(|(name, _)| name.clone()))
}

/// The report to compare with: the one that `since` names, else the newest other one that is older than this one.
///
/// # Errors
/// Where a report cannot be read, or the one that is named is not there.
pub fn previous(report: &Report, results: &Path, out: &Path, first: f64) -> Result<Option<State>, ReportError> {
    let reports = layout::reports(results);
    if let Some(name) = &report.since {
        let found = read(&reports.join(name))?;
        let missing = || ReportError::Text(format!("no report is called `{name}` in {}", reports.display()));
        return found.map(Some).ok_or_else(missing);
    }
    if let Some(edition) = &report.edition {
        let mut editions = super::edition::names(out);
        editions.retain(|name| name != edition);
        let mut kept = Vec::new();
        for name in editions {
            kept.extend(read(&super::edition::folder(out, &name))?);
        }
        kept.sort_by(|a, b| a.kept.total_cmp(&b.kept));
        if let Some(last) = kept.pop() {
            return Ok(Some(last));
        }
    }
    let Ok(entries) = std::fs::read_dir(&reports) else { return Ok(None) };
    let mut others = Vec::new();
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.path() != out) {
        others.extend(read(&entry.path())?);
    }
    let older = others.into_iter().filter(|other| other.name != report.name && other.first < first);
    Ok(older.max_by(|a, b| a.first.total_cmp(&b.first).then_with(|| a.name.cmp(&b.name))))
}

fn read(folder: &Path) -> Result<Option<State>, ReportError> {
    let path = folder.join("report.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReportError::File { verb: "read", path, cause: error }),
    };
    match serde_json::from_str::<State>(&text) {
        Ok(state) if state.format == FORMAT => Ok(Some(state)),
        Ok(state) => Err(ReportError::Text(format!(
            "{} has format {}; this tessera reads format {FORMAT}",
            path.display(),
            state.format
        ))),
        Err(error) => Err(ReportError::Text(format!("{}: {error}", path.display()))),
    }
}

/// So many values that moved, and figures that differ, are named.
const MOVED: usize = 8;

/// A value whose mean lies outside of the interval that it had.
fn moved(cell: &str, old: &Ends, new: &Ends) -> Option<String> {
    let ([Some(was), Some(low), Some(high)], [Some(is), ..]) = (old, new) else { return None };
    let digits = |x: f64| with_error(x, (high - low) / 2.0).0;
    (is < low || is > high).then(|| {
        format!("{cell}: {} → {} (was within {} to {}).", digits(*was), digits(*is), digits(*low), digits(*high))
    })
}

/// What is new, one line each.
pub fn since(before: &State, now: &State) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, seen) in &now.sweeps {
        let Some(old) = before.sweeps.get(name) else {
            lines.push(format!("New sweep {name}: {} runs done.", seen.done.len()));
            continue;
        };
        let (new, gone) = (seen.done.difference(&old.done).count(), old.done.difference(&seen.done).count());
        if new > 0 {
            lines.push(format!("{name}: {new} more runs done ({} in all).", seen.done.len()));
        }
        if gone > 0 {
            lines.push(format!("{name}: {gone} runs are no longer asked for."));
        }
        match (&old.winner, &seen.winner) {
            (Some(old), Some(new)) if old != new => lines.push(format!("{name}: the best is now {new} (was {old}).")),
            (None, Some(new)) => lines.push(format!("{name}: the best is {new}.")),
            _ => {}
        }
    }
    for (condition, (claim, holds)) in &now.claims {
        match (before.claims.get(condition).map(|(_, held)| held), holds) {
            (Some(Holds::Yes), Holds::No(found)) => lines.push(format!("No longer holds: {claim} ({found}).")),
            (Some(Holds::No(_)), Holds::Yes) => lines.push(format!("Holds now: {claim}.")),
            (Some(Holds::TooFew(_)), Holds::Yes) => lines.push(format!("Is decided now, and holds: {claim}.")),
            (Some(Holds::TooFew(_)), Holds::No(found)) => {
                lines.push(format!("Is decided now, and does not hold: {claim} ({found})."));
            }
            _ => {}
        }
    }
    let moved: Vec<String> =
        now.cells.iter().filter_map(|(cell, new)| moved(cell, before.cells.get(cell)?, new)).collect();
    let more = moved.len().saturating_sub(MOVED);
    lines.extend(moved.into_iter().take(MOVED));
    if more > 0 {
        lines.push(format!("{more} more values moved beyond their intervals."));
    }
    let differs = |(name, numbers): &(&String, &String)| before.figures.get(*name).is_some_and(|old| old != *numbers);
    let differ: Vec<&str> = now.figures.iter().filter(differs).map(|(name, _)| &**name).collect();
    if !differ.is_empty() {
        let named = differ.iter().take(MOVED).copied().collect::<Vec<_>>().join(", ");
        let more = differ.len().saturating_sub(MOVED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(format!("Figures with other numbers: {named}{more} ({} of {}).", differ.len(), now.figures.len()));
    }
    if lines.is_empty() {
        lines.push("Nothing in the results.".to_owned());
    }
    lines
}
