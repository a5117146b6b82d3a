//! `methods()`: what a paper's methods say of a sweep, from its plan and what its runs keep of themselves.

use super::asked::Asked;
use crate::record::{Provenance, counted};
use crate::store::{RunState, Status};
use minijinja::Error;
use std::collections::BTreeSet;
use std::fmt::Display;

/// So many levels of an axis are named one by one.
const LEVELS: usize = 8;

/// Sentences: what was swept, with which seeds, how it is judged, what became of the runs, by what, where and when.
/// `time` and `day` are said as the functions of these names say them.
pub(super) fn methods(asked: &Asked, time: &str, day: Option<&str>) -> Result<String, Error> {
    let (sweep, runs) = (asked.sweep(), asked.runs()?);
    let trainer = sweep.planned().map(|plan| plan.trainer.clone()).unwrap_or_default();
    let mut said = format!("The sweep `{}` has {}", sweep.name(), counted(runs.len(), "run"));
    if !trainer.is_empty() {
        said += &format!(" of the trainer `{trainer}`");
    }
    let found = crate::analyse::axes(runs.iter().copied());
    // In the order of the spec, where the journal keeps it.
    let mut names: Vec<&String> = sweep.planned().iter().flat_map(|plan| &plan.axes).map(|(name, _)| name).collect();
    names.retain(|name| found.contains_key(*name));
    names
        .extend(found.keys().filter(|name| sweep.planned().is_none_or(|plan| plan.axes.is_empty()) && *name != "seed"));
    let mut axes = Vec::new();
    for name in names {
        let levels = crate::analyse::levels_of(sweep.name(), &runs, name).map_err(super::mistake::of_answer)?;
        axes.push(format!("{name} ({})", listed(&levels)));
    }
    if !axes.is_empty() {
        said += &format!(" over {}", axes.join(" and "));
    }
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let plural = if seeds.len() == 1 { "seed" } else { "seeds" };
    said += &format!(", with {plural} {}", listed(&seeds));
    let of = |status: Status| runs.iter().filter(|run| run.status == status).count();
    let ends = [(Status::Finished, "finished"), (Status::Diverged, "diverged"), (Status::Failed, "failed")];
    let ends: Vec<String> = ends
        .into_iter()
        .map(|(status, word)| (of(status), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    said += &if ends.is_empty() { "; none has ended.".to_owned() } else { format!("; {}.", ends.join(", ")) };
    if let Some(metric) = &asked.sources.specs[asked.place].metric {
        let goal = if metric.maximize { "more" } else { "less" };
        said += &format!(" Runs are judged by `{}` ({}; {goal} is better).", metric.name, metric.reduce);
    }
    if let Some(day) = day {
        said += &format!(" They took {time} together ({day})");
        for (word, values) in [
            ("on", each(&runs, machine)),
            ("with libtorch", each(&runs, |p| p.libtorch.clone())),
            ("by version", each(&runs, version)),
        ] {
            if !values.is_empty() {
                said += &format!(", {word} {}", values.join(" and "));
            }
        }
        said.push('.');
    }
    Ok(said)
}

/// What differs between runs, each once.
fn each(runs: &[&RunState], of: impl Fn(&Provenance) -> String) -> Vec<String> {
    let values: BTreeSet<String> = runs.iter().filter_map(|run| run.provenance.as_deref()).map(of).collect();
    values.into_iter().filter(|value| !value.is_empty()).collect()
}

/// `host (GPU)`; nothing of what was imported from elsewhere.
fn machine(provenance: &Provenance) -> String {
    let device = if provenance.device == "cpu" { "CPU" } else { "GPU" };
    if provenance.host.is_empty() { String::new() } else { format!("{} ({device})", provenance.host) }
}

/// A commit or a hash is known by its first letters.
fn version(provenance: &Provenance) -> String {
    let whole = &provenance.version;
    whole.get(..12).filter(|_| whole.len() >= 40).unwrap_or(whole).to_owned()
}

/// `0.1, 0.01, 0.001`; of many the first, the last and how many.
fn listed<T: Display>(levels: &[T]) -> String {
    match levels {
        [first, .., last] if levels.len() > LEVELS => format!("{} levels from {first} to {last}", levels.len()),
        _ => levels.iter().map(T::to_string).collect::<Vec<_>>().join(", "),
    }
}
