//! `tessera import`: runs of the past become a sweep.

use crate::error::{Error, ExitCode};
use crate::record::{Fact, Outcome, Parameters, PlannedRun, Provenance, RunId};
use crate::run::Sink;
use crate::run::host::unix_time;
use crate::run::pickup::{Pickup, find_event_files, hyperparameters, literal, matching};
use crate::spec::{Metrics, MetricsSource, Reduce};
use crate::store::{Layout, Sweep, Writer};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Runs of the past become a sweep: TensorBoard event files or CSV, each folder a run
///
/// Parameters come from the HParams plugin, from a text `train_args`, and from the folders' names by --pattern:
/// `--pattern '{method}/lr{learning_rate}_s{seed}'`. Runs that are in the sweep already are left alone, so the same
/// command takes in what is new.
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
    /// How a run's path below DIR is made of parameters
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
    /// How its history becomes one number: last, min, max, "mean_last 5%", "at 1000"
    #[arg(long, default_value = "last", value_name = "HOW")]
    reduce: Reduce,
}

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// Event files; tags of files in sub-folders of a run get the folder as prefix
    Tensorboard,
    /// Files that end in .csv: a line of names, then lines of numbers
    Csv,
}

/// A run of the past.
struct Old {
    folder: PathBuf,
    /// Its path below the folder that is imported, without `.csv`.
    name: String,
    metrics: Metrics,
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
        let pattern = self.pattern.as_deref().map(path_pattern).transpose()?;
        let found = self.find()?;
        if found.is_empty() {
            return Err(Error::usage(format!("no {} files below {}", self.kind(), self.dir.display())));
        }
        let known = Sweep::open(results, &self.sweep).ok();
        if let Some(planned) = known.as_ref().and_then(Sweep::planned)
            && planned.trainer != self.kind()
        {
            let message = format!("the sweep `{}` is there and was not imported from {}", self.sweep, self.kind());
            return Err(Error::usage(message).with_help("choose another name with `--as`"));
        }
        let done = |run: &RunId| known.as_ref().and_then(|k| k.state(run)).is_some_and(|state| state.status.is_done());
        let mut runs = Vec::with_capacity(found.len());
        let mut unmatched = Vec::new();
        for old in &found {
            let mut parameters = match self.from {
                From::Tensorboard => hyperparameters(&old.folder, &self.args_tag).map_err(unreadable(&old.folder))?,
                From::Csv => Parameters::new(),
            };
            match pattern.as_ref().map(|pattern| pattern.captures(&old.name)) {
                Some(Some(captures)) => {
                    let names = pattern.iter().flat_map(|p| p.capture_names().flatten());
                    parameters.extend(names.filter_map(|n| Some((dotted(n), literal(captures.name(n)?.as_str())))));
                }
                Some(None) => unmatched.push(old.name.clone()),
                None => {}
            }
            let seed = parameters.remove("seed").and_then(|s| s.as_i64()).and_then(|s| u64::try_from(s).ok());
            runs.push(PlannedRun {
                run: RunId::of(&format!("{}\n{}", self.kind(), old.name)),
                seed: seed.unwrap_or(0),
                parameters,
            });
        }
        if let Some(name) = unmatched.first() {
            let more = unmatched.len();
            return Err(Error::usage(format!("{more} of {} runs do not match the pattern, as `{name}`", found.len())));
        }
        tell_apart(&mut runs, &found);
        let spec = blake3::hash(serde_json::to_string(&runs).unwrap_or_default().as_bytes()).to_hex()[..16].to_owned();
        let mut writer = Writer::open(results, &self.sweep, "import")?;
        let mut taken = 0;
        for (old, planned) in found.iter().zip(&runs) {
            if !done(&planned.run) {
                self.take(old, &planned.run, &spec, &mut writer)?;
                taken += 1;
            }
        }
        let metric = self.metric.as_ref().map(|name| (name.clone(), self.reduce.to_string()));
        let (count, time) = (runs.len(), unix_time());
        let (trainer, tessera) = (self.kind().to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let common = common(&mut runs);
        writer.fact(Fact::Planned { time, spec, tessera, trainer, metric, common, runs }).map_err(store)?;
        writer.flush()?;
        eprintln!("{count} runs in `{}`: {taken} new, {} were there", self.sweep, count - taken);
        Ok(ExitCode::Success)
    }

    fn kind(&self) -> &'static str {
        match self.from {
            From::Tensorboard => "tensorboard",
            From::Csv => "csv",
        }
    }

    /// The runs below the folder, by name.
    fn find(&self) -> Result<Vec<Old>, Error> {
        let metrics = |source| Metrics { source: Some(source), tags: self.tags.clone(), stop_on_nan: Vec::new() };
        let wrong = unreadable(&self.dir);
        if self.from == From::Csv {
            let any = glob::Pattern::new("**/*.csv").map_err(|error| Error::failure(error.to_string()))?;
            let files = matching(&self.dir, &any).map_err(wrong)?;
            return Ok(files.into_iter().map(|file| csv_run(&self.dir, &file, metrics)).collect());
        }
        let mut files = Vec::new();
        find_event_files(&self.dir, &self.dir, 0, &mut files).map_err(wrong)?;
        // The topmost folder with event files is a run; what lies below belongs to it.
        let folders: BTreeSet<String> = files.into_iter().map(|(folder, _)| folder).collect();
        let mut runs: Vec<Old> = Vec::new();
        for folder in folders {
            let inside = |run: &Old| run.name.is_empty() || folder.starts_with(&format!("{}/", run.name));
            if !runs.iter().any(inside) {
                let metrics = metrics(MetricsSource::TensorBoard);
                runs.push(Old { folder: self.dir.join(&folder), name: folder, metrics });
            }
        }
        Ok(runs)
    }

    /// Takes one run in.
    fn take(&self, old: &Old, run: &RunId, spec: &str, writer: &mut Writer) -> Result<(), Error> {
        let mut pickup = Pickup::new(&old.folder, &old.metrics, None);
        let host = crate::run::host::host_name();
        let version = format!("imported from {}", old.folder.display());
        let provenance = Box::new(Provenance { host, version, spec: spec.to_owned(), ..Provenance::default() });
        let (run, attempt) = (run.clone(), 1);
        let mut seconds: f64 = 0.0;
        let mut started = false;
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
                seconds = rows.elapsed.iter().fold(seconds, |longest, elapsed| longest.max(elapsed.0));
                writer.history(&run, attempt, rows).map_err(store)?;
            }
            writer.commit().map_err(store)?;
            if !picked.more {
                break;
            }
        }
        for note in pickup.notes() {
            eprintln!("{}: {note}", if old.name.is_empty() { "." } else { &old.name });
        }
        let (time, outcome) = (pickup.started().unwrap_or_else(unix_time) + seconds, Outcome::Done);
        let end = Fact::Finished { time, run, attempt, seconds, outcome, peak_memory_mib: None, peak_is_bound: false };
        writer.fact(end).map_err(store)?;
        writer.commit().map_err(store)
    }
}

/// `metrics.csv` stands for its folder, any other file for itself.
fn csv_run(root: &Path, file: &Path, metrics: impl Fn(MetricsSource) -> Metrics) -> Old {
    let folder = file.parent().unwrap_or(root).to_owned();
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let pattern = glob::Pattern::new(&glob::Pattern::escape(&name)).unwrap_or_default();
    let path = if name == "metrics.csv" { folder.clone() } else { file.with_extension("") };
    let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    Old { folder, name: path, metrics: metrics(MetricsSource::Csv(pattern)) }
}

/// Runs with equal parameters and seed are told apart by their folder.
fn tell_apart(runs: &mut [PlannedRun], found: &[Old]) {
    let key = |run: &PlannedRun| format!("{:?} {}", run.parameters, run.seed);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    runs.iter().for_each(|run| *counts.entry(key(run)).or_default() += 1);
    if counts.values().any(|count| *count > 1) {
        for (run, old) in runs.iter_mut().zip(found) {
            run.parameters.entry("folder".to_owned()).or_insert_with(|| old.name.as_str().into());
        }
    }
}

/// Takes out what all runs share.
fn common(runs: &mut [PlannedRun]) -> Parameters {
    let Some((first, others)) = runs.split_first() else { return Parameters::new() };
    let shared = |(name, value): &(&String, &_)| others.iter().all(|run| run.parameters.get(*name) == Some(*value));
    let common: Parameters = first.parameters.iter().filter(shared).map(|(k, v)| (k.clone(), v.clone())).collect();
    runs.iter_mut().for_each(|run| run.parameters.retain(|name, _| !common.contains_key(name)));
    common
}

/// `{method}/lr{learning_rate}` as a regular expression; `*` stands for anything.
fn path_pattern(text: &str) -> Result<Regex, Error> {
    let place = Regex::new(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}|\*").map_err(|error| Error::failure(error.to_string()))?;
    let mut expression = String::from("^");
    let mut from = 0;
    for found in place.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        expression += &regex::escape(&text[from..whole.start()]);
        match found.get(1) {
            Some(name) => expression += &format!("(?P<{}>[^/]+?)", name.as_str().replace('.', "__dot__")),
            None => expression += ".*?",
        }
        from = whole.end();
    }
    expression += &regex::escape(&text[from..]);
    expression.push('$');
    Regex::new(&expression).map_err(|_| Error::usage(format!("`{text}` names a parameter twice")))
}

fn dotted(name: &str) -> String {
    name.replace("__dot__", ".")
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::failure(format!("cannot read {}: {error}", path.display()))
}

fn store(error: crate::run::SinkError) -> Error {
    Error::failure(error.to_string())
}
