//! Makes a sweep from past runs.

mod naming;
mod past_run;
mod tree;

use super::ExchangeError;
use crate::agent::Sink;
use crate::pickup::{Pickup, hyperparameters, literal};
use crate::presence::claim::Claim;
use crate::process::host::{host_name, unix_time};
use crate::record::{
    Axes, Fact, Failure, Goal, Layout, Outcome, Parameters, PlannedRun, Provenance, RunId, SweepNameError, Value,
    check_sweep_name,
};
use crate::spec::{Imported as Spec, Kind, Metric, Reduce};
use crate::store::{StoreError, Sweep, Writer};
use naming::{Pattern, common, tell_apart};
use past_run::{Ended, Old};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
pub use tree::From;
use tree::Search;

/// So many runs are made safe at once …
const MANY_RUNS: usize = 500;

/// … unless they have more rows than this.
const MANY_ROWS: usize = 100_000;

/// So many metrics are drawn where none is named.
const CURVES: usize = 6;

/// What is to be taken in.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// What the files are.
    pub from: From,
    /// Where the runs are.
    pub dir: PathBuf,
    /// The sweep's name.
    pub sweep: String,
    /// How a run's path below the folder is made of parameters; what does not match is left out.
    pub pattern: Option<String>,
    /// Only metrics that match.
    pub tags: Vec<glob::Pattern>,
    /// The text whose lines are parameters.
    pub args_tag: String,
    /// The metric that runs are judged by.
    pub metric: Option<String>,
    /// Whether more of it is better; none: as its name says.
    pub goal: Option<Goal>,
    /// How its history becomes one number.
    pub reduce: Reduce,
}

/// What was taken in.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Runs of the sweep.
    pub runs: usize,
    /// Runs that were taken in now.
    pub new: usize,
    /// Runs that hold no number yet; they are kept as failed and looked at again.
    pub empty: usize,
    /// The spec that was written.
    pub spec: PathBuf,
    /// What a person must know, as lines.
    pub notes: Vec<String>,
}

/// Takes runs in. Runs that are in the sweep already are left alone.
///
/// # Errors
/// Where the request makes no sense, files cannot be read, or the sweep's store takes nothing.
pub fn import(results: &Path, request: &ImportRequest) -> Result<Imported, ExchangeError> {
    request.check()?;
    let mut notes = Vec::new();
    let pattern = request.pattern.as_deref().map(Pattern::new).transpose()?;
    let search = Search { dir: &request.dir, from: request.from, tags: &request.tags };
    let found = search.find(pattern.as_ref(), &mut notes)?;
    let kind = request.kind();
    if found.is_empty() {
        return Err(ExchangeError::request(format!("no runs with {kind} files below {}", request.dir.display())));
    }
    let known = Sweep::open_if_any(results, &request.sweep)?;
    if known.as_ref().and_then(Sweep::planned).is_some_and(|planned| planned.trainer != kind) {
        return Err(ExchangeError::Request {
            message: format!("the sweep `{}` is there and was not imported from {kind}", request.sweep),
            help: Some("choose another name with `--as`"),
        });
    }
    let _claim = Claim::take(&Layout::new(results, &request.sweep).claims(), "import").map_err(StoreError::from)?;
    let runs = request.planned_runs(&found, pattern.as_ref())?;
    let mut spec = request.spec(&runs);
    let mut writer = Writer::open(results, &request.sweep, "import")?;
    // Asked for before anything is taken in: what a kill leaves half taken is taken again, as the next attempt.
    request.write_plan(&spec, &runs, &mut writer)?;
    let hash = spec.spec().1;
    let (mut new, mut empty) = (0, 0);
    let (mut runs_held, mut rows_held) = (0, 0);
    for (old, planned) in found.iter().zip(&runs) {
        let state = known.as_ref().and_then(|known| known.state(&planned.run));
        if !state.is_some_and(|state| state.status.is_done()) {
            let attempt = state.map_or(0, |state| state.attempt) + 1;
            let rows = take(old, &planned.run, attempt, &hash, &mut writer, &mut notes)?;
            new += usize::from(rows > 0);
            empty += usize::from(rows == 0);
            (runs_held, rows_held) = (runs_held + 1, rows_held + rows);
            if runs_held >= MANY_RUNS || rows_held >= MANY_ROWS {
                writer.commit()?;
                (runs_held, rows_held) = (0, 0);
            }
        }
    }
    writer.flush()?;
    let stored = Sweep::open(results, &request.sweep)?;
    match stored.compact() {
        // Whoever compacts it now does the same.
        Ok(_) | Err(StoreError::Busy(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let metrics = stored.metrics()?;
    if spec.metric.is_none() && !metrics.is_empty() {
        spec.curves = metrics.iter().take(CURVES).cloned().collect();
        request.write_plan(&spec, &runs, &mut writer)?;
    }
    if let Some(missing) = request.metric.as_ref().filter(|name| !metrics.contains(name)) {
        notes.push(format!("warning: no run has the metric `{missing}`; there are: {}", metrics.join(", ")));
    }
    Ok(Imported { runs: runs.len(), new, empty, spec: stored.layout().spec(&spec.spec().1), notes })
}

impl ImportRequest {
    fn check(&self) -> Result<(), ExchangeError> {
        check_sweep_name(&self.sweep).map_err(|wrong| ExchangeError::Request {
            message: format!("{wrong}, found `{}`", self.sweep),
            help: Some(SweepNameError::HELP),
        })?;
        match self.dir.is_dir() {
            true => Ok(()),
            false => Err(ExchangeError::request(format!("{} is no folder", self.dir.display()))),
        }
    }

    fn kind(&self) -> &'static str {
        match self.from {
            From::Tensorboard => "tensorboard",
            From::Csv => "csv",
        }
    }

    /// Every run with its seed and parameters.
    fn planned_runs(&self, found: &[Old], pattern: Option<&Pattern>) -> Result<Vec<PlannedRun>, ExchangeError> {
        let mut runs = Vec::with_capacity(found.len());
        for old in found {
            let mut parameters = old.parameters.clone();
            if self.from == From::Tensorboard {
                let told =
                    hyperparameters(&old.folder, &self.args_tag).map_err(ExchangeError::unreadable(&old.folder))?;
                parameters.extend(told);
            }
            if let Some(pattern) = pattern {
                parameters.extend(pattern.values(&old.name).map(|(name, value)| (name, literal(value))));
            }
            // What is no seed stays a parameter.
            let seed = parameters.get("seed").and_then(Value::as_i64).and_then(|seed| u64::try_from(seed).ok());
            if seed.is_some() {
                parameters.remove("seed");
            }
            let run = RunId::of(&format!("{}\n{}", self.kind(), old.name));
            runs.push(PlannedRun { run, seed: seed.unwrap_or(0), parameters });
        }
        tell_apart(&mut runs, found);
        Ok(runs)
    }

    fn spec(&self, runs: &[PlannedRun]) -> Spec {
        let metric = self.metric.clone().map(|name| {
            let lower = name.to_lowercase();
            let less = ["loss", "error"].iter().any(|word| lower.contains(word));
            let maximize = self.goal.map_or(!less, |goal| goal == Goal::Max);
            Metric { name, maximize, reduce: self.reduce }
        });
        Spec {
            sweep: self.sweep.clone(),
            about: format!("Imported from {}", self.dir.display()),
            curves: metric.iter().map(|metric| metric.name.clone()).collect(),
            metric,
            parameters: kinds(runs.iter().map(|run| &run.parameters)),
        }
    }

    fn write_plan(&self, spec: &Spec, runs: &[PlannedRun], writer: &mut Writer) -> Result<(), ExchangeError> {
        let (text, spec_hash) = spec.spec();
        writer.write_spec(&text, &spec_hash)?;
        let mut runs = runs.to_vec();
        let common = common(&mut runs);
        let metric = spec.metric.as_ref().map(|metric| (metric.name.clone(), metric.reduce.to_string()));
        let (trainer, tessera) = (self.kind().to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let goal = spec.metric.as_ref().map(|metric| Goal::of(metric.maximize));
        let axes = Axes::new();
        let plan =
            Fact::Planned { time: unix_time(), spec: spec_hash, tessera, trainer, metric, goal, axes, common, runs };
        writer.fact(plan)?;
        Ok(writer.flush()?)
    }
}

/// Takes one run in; how many rows it has.
fn take(
    old: &Old,
    run: &RunId,
    attempt: u32,
    spec: &str,
    writer: &mut Writer,
    notes: &mut Vec<String>,
) -> Result<usize, ExchangeError> {
    let mut pickup = Pickup::new(&old.folder, &old.metrics, None);
    let host = host_name();
    let version = format!("imported from {}", old.folder.display());
    let provenance = Box::new(Provenance { host, version, spec: spec.to_owned(), ..Provenance::default() });
    let run = run.clone();
    let mut seconds: f64 = 0.0;
    let (mut started, mut count) = (false, 0);
    loop {
        let picked = pickup.finish()?;
        if !started {
            let time = pickup.started().unwrap_or_else(unix_time);
            let provenance = provenance.clone();
            writer.fact(Fact::Started { time, run: run.clone(), attempt, resume: None, provenance })?;
            started = true;
        }
        for rows in &picked.rows {
            count += rows.step.len();
            seconds = rows.elapsed.iter().fold(seconds, |longest, elapsed| longest.max(elapsed.0));
            writer.history(&run, attempt, rows)?;
        }
        if !picked.more {
            break;
        }
        writer.commit()?;
    }
    for note in pickup.notes() {
        notes.push(format!("{}: {note}", if old.name.is_empty() { "." } else { &old.name }));
    }
    let time = pickup.started().unwrap_or_else(unix_time) + seconds;
    let peak_memory_mib = None;
    let finished =
        |run, outcome| Fact::Finished { time, run, attempt, seconds, outcome, peak_memory_mib, peak_is_bound: false };
    let failed = |run, failure, message: &str| Fact::Failed {
        time,
        run,
        attempt,
        seconds,
        failure,
        message: message.to_owned(),
    };
    writer.fact(match old.ended {
        _ if count == 0 => failed(run, Failure::Crash, "its files hold no number"),
        Ended::Well => finished(run, Outcome::Done),
        Ended::Diverged(step) => finished(run, Outcome::Diverged { step, quantity: "a number".to_owned() }),
        Ended::Failed(failure) => failed(run, failure, "it had failed before it was imported"),
        Ended::Early => Fact::Stopped { time, run, attempt, seconds },
    })?;
    Ok(count)
}

/// What kind each parameter is, by the values that runs have.
fn kinds<'a>(runs: impl Iterator<Item = &'a Parameters>) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for (name, value) in runs.flatten() {
        let kind = match value {
            Value::Null => continue,
            Value::Bool(_) => Kind::Boolean,
            Value::Integer(_) => Kind::Integer,
            Value::Number(_) => Kind::Number,
            Value::List(_) => Kind::List,
            Value::Text(_) | Value::Map(_) => Kind::Text,
        };
        let known = kinds.entry(name.clone()).or_insert(kind);
        if *known != kind {
            let numeric = |kind: Kind| matches!(kind, Kind::Integer | Kind::Number);
            *known = if numeric(*known) && numeric(kind) { Kind::Number } else { Kind::Text };
        }
    }
    kinds
}
