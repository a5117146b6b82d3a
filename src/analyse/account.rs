//! Everything known of one run, and what differs between two.

use super::AnalyseError;
use super::grid::{Cell, Grid};
use crate::record::Value;
use crate::spec::Reduce;
use crate::store::{RunState, StoreError, Sweep, sweeps};
use std::collections::BTreeSet;
use std::path::Path;

/// Between a sweep's name and the kind of a probe: `demo/probes/covariance`.
const PROBES: &str = "/probes/";

/// Finds the one run whose id begins so, in all sweeps, and where no run does, the one measurement of a probe;
/// `sweep/beginning` and `sweep/probes/kind/beginning` look in one.
///
/// # Errors
/// Where none or more than one begins so, or a journal cannot be read.
pub fn find_run(results: &Path, wanted: &str) -> Result<(Sweep, RunState), AnalyseError> {
    if let Some((name, beginning)) = wanted.rsplit_once('/') {
        let sweep = open(results, name)?;
        let run = sweep.find(beginning)?.clone();
        return Ok((sweep, run));
    }
    let mut hits: Vec<(String, RunState)> = Vec::new();
    let mut look = |name: &str, sweep: &Sweep| {
        let runs = sweep.states().iter().filter(|state| state.run.as_str().starts_with(wanted));
        hits.extend(runs.map(|run| (name.to_owned(), run.clone())));
        !hits.is_empty()
    };
    let names = sweeps(results)?;
    let mut found = false;
    for name in &names {
        found |= look(name, &Sweep::open(results, name)?);
    }
    for name in names.iter().filter(|_| !found) {
        for probes in Sweep::open(results, name)?.all_probes()? {
            look(&format!("{name}{PROBES}{}", probes.what()), &probes.sweep);
        }
    }
    match hits.as_slice() {
        [(name, run)] => Ok((open(results, name)?, run.clone())),
        [] => Err(StoreError::NoRun(format!("no run of any sweep begins with `{wanted}`")).into()),
        many => {
            let names: Vec<String> = many.iter().take(4).map(|(name, run)| format!("{name}/{}", run.run)).collect();
            let more = if many.len() > names.len() { " …" } else { "" };
            let message = format!("`{wanted}` is the beginning of {} runs: {}{more}", many.len(), names.join(", "));
            Err(AnalyseError::Question { message, help: "say `sweep/run`, or more of the id".to_owned() })
        }
    }
}

/// A sweep, or what one kind of probe measured on it.
fn open(results: &Path, name: &str) -> Result<Sweep, AnalyseError> {
    let Some((name, what)) = name.split_once(PROBES) else { return Ok(Sweep::open(results, name)?) };
    let probes = Sweep::open(results, name)?.probes(what)?;
    let none = || StoreError::NoRun(format!("no probe `{what}` of `{name}` was ever asked for"));
    Ok(probes.ok_or_else(none)?.sweep)
}

/// Everything known of a run: where it stands, where it ran, its parameters, the summaries of all its metrics, its
/// attempts and files.
///
/// # Errors
/// Where the store cannot be read.
pub fn account(sweep: &Sweep, run: &RunState) -> Result<Grid, AnalyseError> {
    let mut lines = Lines::default();
    lines.add("run", "sweep", sweep.name());
    lines.add("run", "run", run.run.to_string());
    lines.add("run", "status", run.status.to_string());
    if let Some((step, quantity)) = &run.diverged {
        lines.add("run", "diverged", format!("{quantity} at step {step}"));
    }
    lines.add("run", "current", Cell::Bool(run.current));
    lines.add("run", "seed", Cell::Integer(run.seed as i64));
    lines.add("run", "attempt", Cell::Integer(i64::from(run.attempt)));
    for (ancestor, below) in run.lineage.iter().skip(1) {
        let step = below.map_or("a step that its name does not tell".to_owned(), |step| format!("step {step}"));
        lines.add("run", "goes on from", format!("attempt {ancestor}, {step}"));
    }
    lines.add("run", "seconds", Cell::from(run.seconds));
    lines.add("run", "peak_memory_mib", Cell::from(run.peak_memory_mib));
    for (attempt, failure, message) in &run.failures {
        lines.add("failure", format!("attempt {attempt}: {failure}"), message.clone());
    }
    if let Some(provenance) = &run.provenance {
        let fields = [
            ("host", &provenance.host),
            ("device", &provenance.device),
            ("version", &provenance.version),
            ("libtorch", &provenance.libtorch),
            ("git", &provenance.git),
            ("spec", &provenance.spec),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            lines.add("provenance", name, value.clone());
        }
        lines.add("provenance", "threads", Cell::Integer(i64::from(provenance.threads)));
    }
    for (attempt, reading) in &run.readings {
        for note in &reading.notes {
            lines.add("note", format!("attempt {attempt}"), note.clone());
        }
        for steps in &reading.steps {
            lines.add("steps", format!("attempt {attempt}"), steps.clone());
        }
    }
    for (name, value) in run.parameters.iter() {
        lines.add("parameter", name.clone(), plain(Some(value)));
    }
    let reduce = sweep.reduce();
    for (name, value) in summaries(sweep, run, reduce)? {
        lines.add(&format!("{reduce}"), name, Cell::from(value));
    }
    for checkpoint in &run.checkpoints {
        let path = sweep.layout().checkpoints(&run.run).join(&checkpoint.file);
        if !path.exists() {
            continue;
        }
        lines.add("checkpoint", format!("step {}", checkpoint.step), path.display().to_string());
    }
    for attempt in 1..=run.attempt {
        let log = sweep.layout().log(&run.run, attempt);
        if log.exists() {
            lines.add("log", format!("attempt {attempt}"), log.display().to_string());
        }
    }
    Ok(Grid { header: ["kind", "name", "value"].map(str::to_owned).to_vec(), rows: lines.0 })
}

/// What differs between two runs: parameters, then the summaries of all metrics with their difference.
///
/// # Errors
/// Where a store cannot be read.
pub fn diff(a: (&Sweep, &RunState), b: (&Sweep, &RunState)) -> Result<Grid, AnalyseError> {
    let mut rows = Vec::new();
    let names: BTreeSet<&String> = a.1.parameters.keys().chain(b.1.parameters.keys()).collect();
    let mut line = |kind: &str, name: &str, a: Cell, b: Cell, difference: Cell| {
        if a != b {
            rows.push(vec![kind.into(), name.into(), a, b, difference]);
        }
    };
    line("run", "sweep", a.0.name().into(), b.0.name().into(), Cell::Missing);
    line("run", "seed", Cell::Integer(a.1.seed as i64), Cell::Integer(b.1.seed as i64), Cell::Missing);
    line("run", "status", a.1.status.to_string().into(), b.1.status.to_string().into(), Cell::Missing);
    for name in names {
        let values = (plain(a.1.parameters.get(name)), plain(b.1.parameters.get(name)));
        line("parameter", name, values.0, values.1, Cell::Missing);
    }
    let reduce = a.0.reduce();
    let (of_a, of_b) = (summaries(a.0, a.1, reduce)?, summaries(b.0, b.1, reduce)?);
    let names: BTreeSet<&String> = of_a.iter().chain(&of_b).map(|(name, _)| name).collect();
    let find = |all: &[(String, Option<f64>)], name: &String| all.iter().find(|(n, _)| n == name).and_then(|(_, x)| *x);
    for name in names {
        let (x, y) = (find(&of_a, name), find(&of_b, name));
        line(&reduce.to_string(), name, x.into(), y.into(), x.zip(y).map(|(x, y)| y - x).into());
    }
    line(
        "run",
        "seconds",
        a.1.seconds.into(),
        b.1.seconds.into(),
        a.1.seconds.zip(b.1.seconds).map(|(x, y)| y - x).into(),
    );
    let header =
        vec!["kind".to_owned(), "name".to_owned(), a.1.run.to_string(), b.1.run.to_string(), "difference".to_owned()];
    Ok(Grid { header, rows })
}

fn summaries(sweep: &Sweep, run: &RunState, reduce: Reduce) -> Result<Vec<(String, Option<f64>)>, AnalyseError> {
    let metrics = sweep.metrics()?;
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let values = sweep.summaries(&names, reduce, &[run])?.remove(&run.run).unwrap_or_default();
    Ok(metrics.into_iter().zip(values).filter(|(_, value)| value.is_some()).collect())
}

fn plain(value: Option<&Value>) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Missing,
        Some(Value::Bool(b)) => Cell::Bool(*b),
        Some(Value::Integer(i)) => Cell::Integer(*i),
        Some(Value::Number(x)) => Cell::Number(*x),
        Some(other) => Cell::Text(other.to_string()),
    }
}

#[derive(Default)]
struct Lines(Vec<Vec<Cell>>);

impl Lines {
    fn add(&mut self, kind: &str, name: impl Into<Cell>, value: impl Into<Cell>) {
        self.0.push(vec![kind.into(), name.into(), value.into()]);
    }
}
