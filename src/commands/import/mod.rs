//! `tessera import`: runs of the past become a sweep.

mod naming;
mod past_run;
mod tree;

use super::goal::Goal;
use crate::agent::Sink;
use crate::error::{Error, ExitCode};
use crate::pickup::{Pickup, hyperparameters, literal};
use crate::presence::claim::Claim;
use crate::process::host::unix_time;
use crate::record::Layout;
use crate::record::{Fact, Failure, Outcome, Parameters, PlannedRun, Provenance, RunId, Value};
use crate::spec::{Imported, Kind, Metric, Reduce};
use crate::store::{StoreError, Sweep, Writer};
use naming::{Pattern, common, tell_apart};
use past_run::{Ended, Old};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tree::{From, Search};

/// So many runs are made safe at once …
const MANY_RUNS: usize = 500;

/// … unless they have more rows than this.
const MANY_ROWS: usize = 100_000;

/// So many metrics are drawn where none is named.
const CURVES: usize = 6;

/// Runs of the past become a sweep: TensorBoard event files or CSV, each folder a run
///
/// Parameters come from the HParams plugin, from a text `train_args`, and from the folders' names by --pattern:
/// `--pattern '{method}/lr{learning_rate}_s{seed}'`. Runs that are in the sweep already are left alone, so the same
/// command takes in what is new. A spec is written too: `tessera figures SWEEP` draws it, and a copy of it with other
/// figures is what `tessera report` takes.
#[derive(clap::Args)]
pub struct Import {
    /// What the files are
    #[arg(value_enum)]
    from: From,
    /// Where the runs are
    dir: PathBuf,
    /// The sweep's name
    #[arg(long = "as", value_name = "SWEEP")]
    sweep: String,
    /// How a run's path below DIR is made of parameters; what does not match is left out
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// Only metrics that match; `*` stands for anything
    #[arg(long, value_delimiter = ',', value_name = "TAG")]
    tags: Vec<glob::Pattern>,
    /// The text whose lines are parameters
    #[arg(long, value_name = "TAG", default_value = "train_args")]
    args_tag: String,
    /// The metric that runs are judged by
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// What is better [default: min where the metric's name says loss or error, else max]
    #[arg(long, value_enum, requires = "metric")]
    goal: Option<Goal>,
    /// How its history becomes one number: last, min, max, "mean_last 5%", "at 1000"
    #[arg(long, default_value = "last", value_name = "HOW")]
    reduce: Reduce,
}

impl Import {
    /// Imports and says what was taken.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        if !Layout::is_sweep_name(&self.sweep) {
            return Err(Error::usage(format!("`{}` cannot be a sweep's name", self.sweep)));
        }
        if !self.dir.is_dir() {
            return Err(Error::usage(format!("{} is no folder", self.dir.display())));
        }
        let pattern = self.pattern.as_deref().map(Pattern::new).transpose()?;
        let found = Search { dir: &self.dir, from: self.from, tags: &self.tags }.find(pattern.as_ref())?;
        if found.is_empty() {
            return Err(Error::usage(format!("no runs with {} files below {}", self.kind(), self.dir.display())));
        }
        let known = Sweep::open_if_any(results, &self.sweep)?;
        if let Some(planned) = known.as_ref().and_then(Sweep::planned)
            && planned.trainer != self.kind()
        {
            let message = format!("the sweep `{}` is there and was not imported from {}", self.sweep, self.kind());
            return Err(Error::usage(message).with_help("choose another name with `--as`"));
        }
        let _claim = Claim::take(&Layout::new(results, &self.sweep).claims(), "import").map_err(StoreError::from)?;
        let runs = self.planned_runs(&found, pattern.as_ref())?;
        let mut spec = self.spec(&runs);
        let mut writer = Writer::open(results, &self.sweep, "import")?;
        // Asked for before anything is taken in: what a kill leaves half taken is taken again, as the next attempt.
        self.write_plan(&spec, &runs, &mut writer)?;
        let hash = spec.spec().1;
        let (mut taken, mut empty) = (0, 0);
        let (mut runs_held, mut rows_held) = (0, 0);
        for (old, planned) in found.iter().zip(&runs) {
            let state = known.as_ref().and_then(|known| known.state(&planned.run));
            if !state.is_some_and(|state| state.status.is_done()) {
                let attempt = state.map_or(0, |state| state.attempt) + 1;
                let rows = self.take(old, &planned.run, attempt, &hash, &mut writer)?;
                taken += usize::from(rows > 0);
                empty += usize::from(rows == 0);
                (runs_held, rows_held) = (runs_held + 1, rows_held + rows);
                if runs_held >= MANY_RUNS || rows_held >= MANY_ROWS {
                    writer.commit().map_err(store)?;
                    (runs_held, rows_held) = (0, 0);
                }
            }
        }
        writer.flush()?;
        let stored = Sweep::open(results, &self.sweep)?;
        match stored.compact() {
            // Whoever compacts it now does the same.
            Ok(_) | Err(StoreError::Busy(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let metrics = stored.metrics()?;
        if spec.metric.is_none() && !metrics.is_empty() {
            spec.curves = metrics.iter().take(CURVES).cloned().collect();
            self.write_plan(&spec, &runs, &mut writer)?;
        }
        if let Some(missing) = self.metric.as_ref().filter(|name| !metrics.contains(name)) {
            eprintln!("warning: no run has the metric `{missing}`; there are: {}", metrics.join(", "));
        }
        let there = runs.len() - taken - empty;
        eprintln!("{} runs in `{}`: {taken} new, {there} were there", runs.len(), self.sweep);
        if empty > 0 {
            eprintln!("note: {empty} hold no number yet and are kept as failed; the same command looks at them again");
        }
        eprintln!("spec     {}", stored.layout().spec(&spec.spec().1).display());
        Ok(ExitCode::Success)
    }

    fn kind(&self) -> &'static str {
        match self.from {
            From::Tensorboard => "tensorboard",
            From::Csv => "csv",
        }
    }

    /// Every run with its seed and parameters.
    fn planned_runs(&self, found: &[Old], pattern: Option<&Pattern>) -> Result<Vec<PlannedRun>, Error> {
        let mut runs = Vec::with_capacity(found.len());
        for old in found {
            let mut parameters = old.parameters.clone();
            if self.from == From::Tensorboard {
                let told = hyperparameters(&old.folder, &self.args_tag).map_err(tree::unreadable(&old.folder))?;
                parameters.extend(told);
            }
            if let Some(pattern) = pattern {
                parameters.extend(pattern.values(&old.name).map(|(name, value)| (name, literal(value))));
            }
            let seed = parameters.remove("seed").and_then(|s| s.as_i64()).and_then(|s| u64::try_from(s).ok());
            let run = RunId::of(&format!("{}\n{}", self.kind(), old.name));
            runs.push(PlannedRun { run, seed: seed.unwrap_or(0), parameters });
        }
        tell_apart(&mut runs, found);
        Ok(runs)
    }

    fn spec(&self, runs: &[PlannedRun]) -> Imported {
        let metric = self.metric.clone().map(|name| {
            let lower = name.to_lowercase();
            let less = ["loss", "error"].iter().any(|word| lower.contains(word));
            let maximize = self.goal.map_or(!less, |goal| goal == Goal::Max);
            Metric { name, maximize, reduce: self.reduce }
        });
        Imported {
            sweep: self.sweep.clone(),
            about: format!("Imported from {}", self.dir.display()),
            curves: metric.iter().map(|metric| metric.name.clone()).collect(),
            metric,
            parameters: kinds(runs.iter().map(|run| &run.parameters)),
        }
    }

    fn write_plan(&self, spec: &Imported, runs: &[PlannedRun], writer: &mut Writer) -> Result<(), Error> {
        let (text, spec_hash) = spec.spec();
        writer.write_spec(&text, &spec_hash)?;
        let mut runs = runs.to_vec();
        let common = common(&mut runs);
        let metric = spec.metric.as_ref().map(|metric| (metric.name.clone(), metric.reduce.to_string()));
        let (trainer, tessera) = (self.kind().to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let plan = Fact::Planned { time: unix_time(), spec: spec_hash, tessera, trainer, metric, common, runs };
        writer.fact(plan).map_err(store)?;
        Ok(writer.flush()?)
    }

    /// Takes one run in; how many rows it has.
    fn take(&self, old: &Old, run: &RunId, attempt: u32, spec: &str, writer: &mut Writer) -> Result<usize, Error> {
        let mut pickup = Pickup::new(&old.folder, &old.metrics, None);
        let host = crate::process::host::host_name();
        let version = format!("imported from {}", old.folder.display());
        let provenance = Box::new(Provenance { host, version, spec: spec.to_owned(), ..Provenance::default() });
        let run = run.clone();
        let mut seconds: f64 = 0.0;
        let (mut started, mut count) = (false, 0);
        loop {
            let picked = pickup.finish().map_err(|error| Error::failure(error.to_string()))?;
            if !started {
                let time = pickup.started().unwrap_or_else(unix_time);
                let provenance = provenance.clone();
                writer
                    .fact(Fact::Started { time, run: run.clone(), attempt, resume: None, provenance })
                    .map_err(store)?;
                started = true;
            }
            for rows in &picked.rows {
                count += rows.step.len();
                seconds = rows.elapsed.iter().fold(seconds, |longest, elapsed| longest.max(elapsed.0));
                writer.history(&run, attempt, rows).map_err(store)?;
            }
            if !picked.more {
                break;
            }
            writer.commit().map_err(store)?;
        }
        for note in pickup.notes() {
            eprintln!("{}: {note}", if old.name.is_empty() { "." } else { &old.name });
        }
        let time = pickup.started().unwrap_or_else(unix_time) + seconds;
        let peak_memory_mib = None;
        let finished = |run, outcome| Fact::Finished {
            time,
            run,
            attempt,
            seconds,
            outcome,
            peak_memory_mib,
            peak_is_bound: false,
        };
        let failed = |run, failure, message: &str| Fact::Failed {
            time,
            run,
            attempt,
            seconds,
            failure,
            message: message.to_owned(),
        };
        writer
            .fact(match old.ended {
                _ if count == 0 => failed(run, Failure::Crash, "its files hold no number"),
                Ended::Well => finished(run, Outcome::Done),
                Ended::Diverged(step) => finished(run, Outcome::Diverged { step, quantity: "a number".to_owned() }),
                Ended::Failed(failure) => failed(run, failure, "it had failed before it was imported"),
                Ended::Early => Fact::Stopped { time, run, attempt, seconds },
            })
            .map_err(store)?;
        Ok(count)
    }
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

fn store(error: crate::agent::SinkError) -> Error {
    Error::failure(error.to_string())
}
