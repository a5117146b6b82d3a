//! `tessera run`: spec → plan → store → schedule and run; then figures.

use super::planned::planned;
use crate::error::{Error, ExitCode};
use crate::plan::Plan;
use crate::record::{Fact, Failure, PlannedRun, Resume, RunId};
use crate::run::claim::{AGENT, Claim, ClaimError};
use crate::run::leftover::{self, Leftover};
use crate::run::{
    Early, Folders, RunError, Settings, Sink, Summary, Task, Trainer, duration, execute, find_lab, host, progress,
};
use crate::spec::{self, Sweep};
use crate::store::{self, RunState, Status, Writer};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a worker that is told to end may take before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// Execute what is missing of a sweep, and draw its figures
///
/// Ctrl-C once lets workers write a checkpoint and stop, twice kills them; the same command goes on from there.
#[derive(clap::Args)]
pub struct Run {
    /// A YAML file with `sweep:`
    spec: PathBuf,
    /// Only say what would be executed
    #[arg(long)]
    dry_run: bool,
    /// How many runs at once [default: as many as GPUs or cores allow]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    slots: Option<u16>,
    /// GPUs to use, by index in PCI order or UUID [default: all that CUDA_VISIBLE_DEVICES allows]
    #[arg(long, value_name = "GPU", value_delimiter = ',')]
    gpus: Vec<String>,
    /// Use GPUs too that somebody else works on
    #[arg(long)]
    share_busy: bool,
    /// Replace a value of the spec, `name=value`
    #[arg(long = "set", value_name = "K=V")]
    sets: Vec<String>,
    /// Execute so many runs at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Execute too what an older version of the trainer's code did
    #[arg(long)]
    stale: bool,
    /// Go on in the background, also when the terminal is closed
    #[arg(long)]
    detach: bool,
}

impl Run {
    /// Executes the sweep.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        if self.detach {
            return super::detach::detach(results, &self.spec);
        }
        let execution = Execution {
            spec: self.spec,
            sets: self.sets,
            dry_run: self.dry_run,
            slots: self.slots.map(usize::from),
            gpus: self.gpus,
            share_busy: self.share_busy,
            limit: self.limit,
            stale: self.stale,
            ..Execution::default()
        };
        execution.execute(results)
    }
}

/// What is executed, and how.
#[derive(Default)]
pub(super) struct Execution {
    /// The spec.
    pub spec: PathBuf,
    /// `--set`.
    pub sets: Vec<String>,
    /// Only say what would be executed.
    pub dry_run: bool,
    /// How many runs at once.
    pub slots: Option<usize>,
    /// GPUs to use.
    pub gpus: Vec<String>,
    /// Busy ones too.
    pub share_busy: bool,
    /// How many runs in all.
    pub limit: Option<usize>,
    /// What an older trainer executed too.
    pub stale: bool,
    /// Only these runs.
    pub only: Option<Vec<RunId>>,
    /// Attempts on other machines count as over.
    pub lost: bool,
}

impl Execution {
    /// Executes it.
    pub fn execute(&self, results: &Path) -> Result<ExitCode, Error> {
        let (sweep, plan) = planned(&self.spec, &self.sets, results)?;
        let trainer = trainer(&sweep)?;
        let stored = match store::Sweep::open(results, &sweep.name) {
            Ok(stored) => Some(stored),
            Err(store::StoreError::NoSweep { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut todo = self.what_is_left(&plan, stored.as_ref(), &trainer)?;
        eprintln!("{}: {}", sweep.name, todo.words(&plan));
        if self.dry_run {
            return self.show(&todo);
        }
        let folders = Folders::new(results, &sweep.name).map_err(outside)?;
        let _claim = self.claim(&folders, &sweep.name)?;
        let agent = agent_name();
        let mut writer = Writer::open(results, &sweep.name, &agent)?;
        self.end_leftovers(stored.as_ref(), &mut todo, &mut writer)?;
        writer.write_spec(&sweep.folded, &sweep.hash)?;
        let newest = stored.as_ref().and_then(|stored| stored.planned());
        if newest.is_none_or(|planned| planned.spec != sweep.hash || planned.runs.len() != plan.runs.len()) {
            writer.fact(planned_fact(&sweep, &plan)).map_err(RunError::from)?;
            writer.commit().map_err(RunError::from)?;
        }
        let unknown = todo.unknown;
        let nothing = todo.tasks.is_empty();
        let mut summary = Summary::default();
        if nothing {
            eprintln!("nothing to do: {} done", todo.done);
        } else {
            let settings = self.settings(&sweep, &plan, trainer, folders, agent, (todo.done, todo.diverged));
            let mut watch = progress::to_stderr();
            summary = execute(settings, todo.tasks, &mut writer, &mut *watch)?;
        }
        writer.flush()?;
        drop(writer);
        let code = close(&summary, &sweep);
        if unknown > 0 {
            eprintln!("{unknown} runs were begun on another machine, and nothing is known of them");
            eprintln!("  help: where that machine is gone: tessera retry {} --lost", sweep.name);
        }
        super::finish::finish(results, *sweep)?;
        Ok(code)
    }

    /// Which runs of the plan have no result, and from where they go on.
    fn what_is_left(&self, plan: &Plan, stored: Option<&store::Sweep>, trainer: &Trainer) -> Result<Todo, Error> {
        let mut todo = Todo::default();
        let mut asked = HashSet::new();
        let wanted: Option<HashSet<&str>> = self.only.as_ref().map(|only| only.iter().map(RunId::as_str).collect());
        for run in &plan.runs {
            let id = RunId::parse(&run.id)
                .ok_or_else(|| Error::failure(format!("the plan made `{}`, which is no run id", run.id)))?;
            asked.insert(id.clone());
            let state = stored.and_then(|stored| stored.state(&id));
            let stale = self.stale && state.is_some_and(|state| is_stale(state, trainer));
            match state.map(|state| state.status) {
                Some(status) if status.is_done() && !stale => {
                    todo.done += 1;
                    todo.diverged += usize::from(status == Status::Diverged);
                    continue;
                }
                Some(Status::Failed) => todo.failed += 1,
                Some(Status::Running | Status::Unknown) => todo.open += 1,
                Some(Status::Stopped) => todo.stopped += 1,
                _ => todo.new += 1,
            }
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(id.as_str())) {
                continue;
            }
            let planned = PlannedRun { run: id, seed: run.seed, parameters: run.own() };
            let attempt = state.map_or(1, |state| state.attempt + 1);
            let resume = state.filter(|_| !stale).and_then(|state| newest_checkpoint(stored, state));
            todo.tasks.push(Task { planned, attempt, resume });
        }
        let states = stored.map(|stored| stored.states()).unwrap_or_default();
        todo.kept = states.iter().filter(|state| !asked.contains(&state.run)).count();
        todo.tasks.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(todo)
    }

    fn show(&self, todo: &Todo) -> Result<ExitCode, Error> {
        let mut text = String::new();
        for task in &todo.tasks {
            let words: Vec<String> =
                task.planned.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            text += &format!("{}  seed={}  {}\n", task.id(), task.planned.seed, words.join("  "));
        }
        super::answer::answer(&text)?;
        Ok(ExitCode::Success)
    }

    pub(super) fn claim(&self, folders: &Folders, sweep: &str) -> Result<Claim, Error> {
        let claims = folders.sweep().join("claims");
        if self.lost {
            let _ = std::fs::remove_file(claims.join(AGENT));
        }
        Claim::take(&claims, AGENT).map_err(|error| match error {
            ClaimError::Held(holder) if holder.is_alive() == Some(true) => {
                Error::failure(format!("{holder} executes `{sweep}` already"))
                    .with_help(format!("`tessera status {sweep} --watch` shows it, `tessera stop {sweep}` stops it"))
            }
            ClaimError::Held(holder) => Error::failure(format!("{holder} executes `{sweep}`, as far as is known here"))
                .with_help(format!("where that machine is gone: tessera retry {sweep} --lost")),
            error => {
                Error::failure(error.to_string()).with_help("choose a folder that you may write with `--results DIR`")
            }
        })
    }

    /// Attempts whose agent is gone: their processes are ended, and the journal says that they are lost.
    pub(super) fn end_leftovers(
        &self,
        stored: Option<&store::Sweep>,
        todo: &mut Todo,
        writer: &mut Writer,
    ) -> Result<(), Error> {
        let states = stored.map(|stored| stored.states()).unwrap_or_default();
        let mut unknown = HashSet::new();
        let mut lost = false;
        for state in states.iter().filter(|state| state.status == Status::Running) {
            let known = state.provenance.as_ref().map_or(Leftover::Gone, |provenance| leftover::look(provenance));
            let over = match (known, &state.provenance) {
                (Leftover::Unknown, _) => self.lost,
                (Leftover::Alive, Some(provenance)) => {
                    eprintln!("ending process {}, which an earlier tessera left behind", provenance.pid);
                    leftover::end(provenance, GRACE)
                }
                _ => true,
            };
            if !over {
                unknown.insert(state.run.clone());
                continue;
            }
            let message = "its agent was gone".to_owned();
            let fact = Fact::Failed {
                time: host::unix_time(),
                run: state.run.clone(),
                attempt: state.attempt,
                seconds: 0.0,
                failure: Failure::Lost,
                message,
            };
            lost = true;
            writer.fact(fact).map_err(RunError::from)?;
        }
        if lost {
            writer.commit().map_err(RunError::from)?;
        }
        todo.unknown = unknown.len();
        todo.tasks.retain(|task| !unknown.contains(task.id()));
        Ok(())
    }

    fn settings(
        &self,
        sweep: &Sweep,
        plan: &Plan,
        trainer: Trainer,
        folders: Folders,
        agent: String,
        done_before: (usize, usize),
    ) -> Settings {
        Settings {
            sweep: sweep.name.clone(),
            trainer,
            probe: None,
            resources: sweep.resources.clone(),
            on_failure: sweep.on_failure.clone(),
            metric: sweep.metric.as_ref().map(|metric| metric.name.clone()),
            common: plan.common().clone(),
            axes: plan.axes.clone(),
            slots: self.slots,
            gpus: self.gpus.clone(),
            share_busy: self.share_busy,
            folders,
            agent,
            git: commit(&sweep.folder),
            spec: sweep.hash.clone(),
            done_before,
            grace: GRACE,
        }
    }
}

/// What is to be done for a plan, and what is done.
#[derive(Default)]
pub(super) struct Todo {
    /// What is to be executed.
    pub(super) tasks: Vec<Task>,
    new: usize,
    done: usize,
    diverged: usize,
    failed: usize,
    open: usize,
    stopped: usize,
    kept: usize,
    /// Runs begun on other machines.
    pub(super) unknown: usize,
}

impl Todo {
    /// `12 runs: 4 new · 8 done`
    fn words(&self, plan: &Plan) -> String {
        let counts = [
            (self.new, "new"),
            (self.done, "done"),
            (self.failed, "failed"),
            (self.stopped, "stopped"),
            (self.open, "begun and not ended"),
            (self.kept, "no longer asked for (kept)"),
        ];
        let words = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let words: Vec<String> = words.collect();
        let runs = if plan.runs.len() == 1 { "run" } else { "runs" };
        format!("{} {runs}: {}", plan.runs.len(), words.join(" · "))
    }
}

pub(super) fn outside(error: std::io::Error) -> Error {
    Error::failure(error.to_string())
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        let shown = Self::failure(error.to_string());
        match error {
            RunError::Program { .. } => shown.with_help("`./just build` builds it; TESSERA_LAB names one elsewhere"),
            RunError::Worker { .. } => shown.with_help("`tessera doctor` looks for the cause"),
            RunError::Protocol { .. } => shown.with_help("build `tessera` and `tessera-lab` from the same sources"),
            RunError::Sink(_) => shown.with_help("what is finished is kept; the same command goes on from there"),
            RunError::Gpu(_) => shown.with_help("`tessera doctor` lists the GPUs"),
            RunError::Signals(_) => shown,
        }
    }
}

/// The trainer's program is looked for before anything is written.
pub(super) fn trainer(sweep: &Sweep) -> Result<Trainer, Error> {
    let name = sweep.trainer.name().to_owned();
    match &sweep.trainer {
        spec::Trainer::Command(command) => {
            let version = crate::run::command::version(&command.code, &sweep.folder)
                .map_err(|error| Error::failure(format!("cannot read the files under `code:`: {error}")))?;
            Ok(Trainer::Command { command: Arc::new((**command).clone()), folder: sweep.folder.clone(), version })
        }
        spec::Trainer::Retina | spec::Trainer::Toy => {
            let program = find_lab().ok_or_else(|| {
                Error::failure("the program of the built-in trainers, tessera-lab, is nowhere to be found")
                    .with_help("`./just build` builds it; TESSERA_LAB names one elsewhere")
            })?;
            Ok(Trainer::Lab { name, program })
        }
    }
}

fn is_stale(state: &RunState, trainer: &Trainer) -> bool {
    let Trainer::Command { version, .. } = trainer else { return false };
    state.provenance.as_ref().is_some_and(|provenance| provenance.version != *version)
}

/// The newest checkpoint that is still there.
fn newest_checkpoint(stored: Option<&store::Sweep>, state: &RunState) -> Option<Resume> {
    let folder = std::path::absolute(stored?.layout().checkpoints(&state.run)).ok()?;
    let there = state.checkpoints.iter().rev().map(|checkpoint| (checkpoint, folder.join(&checkpoint.file)));
    let (checkpoint, file) = there.into_iter().find(|(_, file)| file.exists())?;
    Some(Resume { attempt: checkpoint.attempt, step: checkpoint.step, checkpoint: file })
}

fn planned_fact(sweep: &Sweep, plan: &Plan) -> Fact {
    let runs = plan
        .runs
        .iter()
        .filter_map(|run| Some(PlannedRun { run: RunId::parse(&run.id)?, seed: run.seed, parameters: run.own() }));
    Fact::Planned {
        time: host::unix_time(),
        spec: sweep.hash.clone(),
        tessera: env!("CARGO_PKG_VERSION").to_owned(),
        trainer: sweep.trainer.name().to_owned(),
        metric: sweep.metric.as_ref().map(|metric| (metric.name.clone(), metric.reduce.to_string())),
        common: plan.common().clone(),
        runs: runs.collect(),
    }
}

/// The name of this machine's agent, as a file may be called.
pub(super) fn agent_name() -> String {
    let name: String = host::host_name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("local-{name}")
}

/// The commit of the repository that the spec is in, with `-dirty` where its tree has changes; empty where none is.
pub(super) fn commit(folder: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if changed { format!("{commit}-dirty") } else { commit }
}

/// Says how it went and where to look; the exit code.
fn close(summary: &Summary, sweep: &Sweep) -> ExitCode {
    let mut words = vec![format!("{} done", summary.done)];
    if summary.diverged > 0 {
        words[0] += &format!(" ({} diverged)", summary.diverged);
    }
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for failed in &summary.failed {
        *classes.entry(failed.failure.to_string()).or_insert(0) += 1;
    }
    words.extend(classes.iter().map(|(class, count)| format!("{count} failed ({class})")));
    words.extend((summary.stopped > 0).then(|| format!("{} stopped", summary.stopped)));
    words.extend((summary.left > 0).then(|| format!("{} not started", summary.left)));
    let did = summary.done + summary.failed.len() + summary.stopped + summary.left;
    if did > 0 {
        eprintln!("{}: {} in {}", sweep.name, words.join(" · "), duration(summary.seconds));
    }
    for failed in summary.failed.iter().take(3) {
        eprintln!("  {}: {}: {}", failed.label, failed.failure, failed.message);
        if !failed.log.as_os_str().is_empty() {
            eprintln!("    tessera logs {}", &failed.run.as_str()[..8]);
        }
    }
    if summary.failed.len() > 3 {
        eprintln!("  and {} more: tessera status {}", summary.failed.len() - 3, sweep.name);
    }
    match summary.early {
        Some(Early::Stopped) => {
            eprintln!("stopped; the same command goes on from here");
            ExitCode::Stopped
        }
        _ if !summary.failed.is_empty() || summary.early.is_some() => ExitCode::SomeFailed,
        _ => ExitCode::Success,
    }
}
