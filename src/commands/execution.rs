//! The execution of a sweep on this machine: spec → plan → store → schedule and run; then figures. What `run` and
//! `retry` do.

use super::agent::{agent_name, claim, end_leftovers};
use super::estimate::{ask_for_room, estimate_of};
use super::on_finish::{Counts, tell};
use super::planned::planned;
use super::settings::settings;
use super::slurm::{Tasks, was_submitted};
use super::todo::Todo;
use super::trainer::{trainer, version};
use crate::error::{Error, ExitCode};
use crate::plan::Plan;
use crate::record::{Fact, PlannedRun, RunId};
use crate::run::slurm::attempts;
use crate::run::slurm::cluster::Cluster;
use crate::run::{
    Early, FailedRun, Folders, RunError, Settings, Sink, Summary, Trainer, duration, execute, host, progress,
};
use crate::spec::Sweep;
use crate::store::{self, Writer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a worker that is told to end may take before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(10);

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
    /// However much disk it will take.
    pub yes: bool,
    /// Whoever asks draws the figures and writes a page himself.
    pub without_page: bool,
    /// Where.
    pub on: On,
    /// Whether to submit and not to wait, on Slurm.
    pub detach: bool,
}

/// Where runs are executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum On {
    /// On this machine.
    #[default]
    Local,
    /// In job arrays of the cluster that this machine can submit to.
    Slurm,
}

impl Execution {
    /// Executes it.
    pub fn execute(&self, results: &Path) -> Result<ExitCode, Error> {
        if self.on == On::Slurm {
            return super::slurm::execute(self, results);
        }
        let (sweep, plan) = planned(&self.spec, &self.sets, results)?;
        let trainer = trainer(&sweep)?;
        let read = store::Layout::new(results, &sweep.name).journal_bytes();
        let stored = store::Sweep::open_if_any(results, &sweep.name)?;
        let mut todo = Todo::of(&plan, stored.as_ref(), &version(&sweep)?, self.stale);
        eprintln!("{}: {}", sweep.name, todo.words());
        todo.keep(self.only.as_deref(), self.limit);
        if self.dry_run {
            super::answer::answer(&todo.list())?;
            return Ok(ExitCode::Success);
        }
        if !self.yes {
            ask_for_room(&estimate_of(&sweep, &plan, &todo, stored.as_ref()), results)?;
        }
        let mut summary = None;
        let outcome = self.session(results, &sweep, &plan, (&todo, read), trainer, &mut summary);
        // Where nothing was to be done there is nothing to tell.
        if let Some(summary) = summary.or_else(|| outcome.is_err().then(Summary::default)) {
            let counts = Counts {
                runs: plan.runs.len(),
                done: todo.done + summary.done,
                diverged: todo.diverged + summary.diverged,
                failed: summary.failed.len(),
                stopped: summary.stopped,
                left: summary.left,
                seconds: summary.seconds,
            };
            tell(&sweep, results, &counts, outcome.as_ref().copied());
        }
        outcome
    }

    /// From the claim to the figures. `todo` was made from so many bytes of the journals; `summary` is what was executed,
    /// if anything was.
    fn session(
        &self,
        results: &Path,
        sweep: &Sweep,
        plan: &Plan,
        (todo, read): (&Todo<'_>, u64),
        trainer: Trainer,
        summary: &mut Option<Summary>,
    ) -> Result<ExitCode, Error> {
        let folders = Folders::new(results, &sweep.name).map_err(outside)?;
        let _claim = claim(&folders, &sweep.name, self.lost)?;
        if store::Layout::new(results, &sweep.name).journal_bytes() != read {
            let what = format!("another tessera executed `{}` while this one planned it", sweep.name);
            return Err(Error::failure(what).with_help("the same command plans it anew"));
        }
        let tasks = self.beside_slurm(results, &sweep.name, &folders)?;
        let agent = agent_name();
        let mut writer = Writer::open(results, &sweep.name, &agent)?;
        let elsewhere = end_leftovers(todo.stored(), tasks.as_ref(), self.lost, &mut writer)?;
        writer.write_spec(&sweep.folded, &sweep.hash)?;
        if !is_recorded(todo.stored(), sweep, plan) {
            writer.fact(planned_fact(sweep, plan)).map_err(RunError::from)?;
            writer.commit().map_err(RunError::from)?;
        }
        let mut tasks = todo.tasks()?;
        tasks.retain(|task| !elsewhere.contains(task.id()));
        // Numbers that agents on Slurm claimed are not given again.
        let claimed = attempts::newest(folders.sweep()).map_err(outside)?;
        for task in &mut tasks {
            let next = claimed.get(task.id()).map_or(0, |attempt| attempt + 1);
            task.attempt = task.attempt.max(next);
        }
        let mut code = ExitCode::Success;
        if tasks.is_empty() {
            eprintln!("nothing to do: {} done", todo.done);
        } else {
            let settings = Settings {
                common: plan.common().clone(),
                axes: plan.axes.clone(),
                slots: self.slots,
                gpus: self.gpus.clone(),
                share_busy: self.share_busy,
                done_before: (todo.done, todo.diverged),
                ..settings(sweep, trainer, folders, agent)
            };
            let mut watch = progress::to_stderr();
            let outcome = execute(settings, tasks, &mut writer, &mut *watch)?;
            writer.flush()?;
            code = close(&outcome, sweep);
            *summary = Some(outcome);
        }
        writer.flush()?;
        drop(writer);
        if !elsewhere.is_empty() {
            eprintln!("{} runs were begun elsewhere, and nothing is known here of how they go on", elsewhere.len());
            eprintln!("  help: where that machine is gone: tessera retry {} --lost", sweep.name);
        }
        super::finish::finish(results, sweep.clone(), &self.spec, !self.without_page)?;
        Ok(code)
    }

    /// Refuses while tasks on Slurm have runs of the sweep.
    fn beside_slurm(&self, results: &Path, sweep: &str, folders: &Folders) -> Result<Option<Tasks>, Error> {
        if !was_submitted(folders.sweep()) {
            return Ok(None);
        }
        let mut tasks = Tasks::look(&store::Layout::new(results, sweep), &Cluster::default())?;
        if self.lost {
            tasks.give_up()?;
        }
        if tasks.is_busy() {
            return Err(Error::failure(format!("`{sweep}` is executed on Slurm: {}", tasks.words()))
                .with_help(format!("`tessera run … --on slurm` goes on with it, `tessera stop {sweep}` cancels it")));
        }
        Ok(Some(tasks))
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
            RunError::Full(_) => shown.with_help("make room and run the same command again: what is finished is kept"),
            RunError::Signals(_) => shown,
        }
    }
}

/// Whether the newest plan of the journal is this one.
pub(super) fn is_recorded(stored: Option<&store::Sweep>, sweep: &Sweep, plan: &Plan) -> bool {
    let newest = stored.and_then(|stored| stored.planned());
    newest.is_some_and(|newest| newest.spec == sweep.hash && newest.runs.len() == plan.runs.len())
}

/// What a plan asks for, as the journal keeps it.
pub(super) fn planned_fact(sweep: &Sweep, plan: &Plan) -> Fact {
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

/// Says how it went and where to look; the exit code.
pub(super) fn close(summary: &Summary, sweep: &Sweep) -> ExitCode {
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
    name_failed(summary, |failed| format!("tessera logs {}", &failed.run.as_str()[..8]));
    if summary.failed.len() > 3 {
        eprintln!("  and {} more: tessera status {}", summary.failed.len() - 3, sweep.name);
    }
    code_of(summary)
}

/// Names the first runs that failed, each with where its log is found.
pub(super) fn name_failed(summary: &Summary, log: impl Fn(&FailedRun) -> String) {
    for failed in summary.failed.iter().take(3) {
        eprintln!("  {}: {}: {}", failed.label, failed.failure, failed.message);
        if !failed.log.as_os_str().is_empty() {
            eprintln!("    {}", log(failed));
        }
    }
}

/// The exit code of what was executed; says how to go on where it was stopped.
pub(super) fn code_of(summary: &Summary) -> ExitCode {
    match summary.early {
        // A task of a scheduler: what becomes of it is told where it is put back.
        Some(Early::Warned) => ExitCode::Stopped,
        Some(Early::Stopped) => {
            eprintln!("stopped; the same command goes on from here");
            ExitCode::Stopped
        }
        _ if !summary.failed.is_empty() || summary.early.is_some() => ExitCode::SomeFailed,
        _ => ExitCode::Success,
    }
}
