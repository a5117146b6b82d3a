//! Measures at stored checkpoints. Measurements are executed like runs and stored below `probes/`.

use super::closing::{code_of, name_failed};
use super::error::outside;
use super::journal::Journal;
use super::recovery::{agent_name, claim, end_leftovers};
use super::settings::settings;
use super::stored::stored_spec;
use super::trainer::trainer;
use crate::agent::{Probing, QueuedRun, Settings};
use crate::analyse::{Measured, axes};
use crate::error::{Error, ExitCode};
use crate::process::host;
use crate::record::{Fact, Layout, PlannedRun, Probed, Resume, RunId, Value};
use crate::spec::{Condition, Sweep as Spec, Trainer};
use crate::store::{Checkpoint, RunState, Scope, StoreError, Sweep};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Probe {
    /// `covariance`, `rates`, `gradient`, `kl`.
    pub what: String,
    /// The sweep's name.
    pub sweep: String,
    /// How many batches.
    pub batches: u64,
    /// Which runs; none: all.
    pub condition: Option<Condition>,
    /// Which checkpoint of each.
    pub checkpoint: Which,
    /// How many at once; none: as many as GPUs or cores allow.
    pub slots: Option<u16>,
    /// GPUs to use, by index or UUID; empty: all that are visible.
    pub gpus: Vec<String>,
    /// Runs of which version of the spec.
    pub scope: Scope,
}

/// Which checkpoint of a run: `last`, `best`, or a number of steps.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The newest.
    Last,
    /// The best by `checkpoint.best`.
    Best,
    /// The one after so many steps.
    Step(u64),
}

impl FromStr for Which {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("last", _) => Ok(Self::Last),
            ("best", _) => Ok(Self::Best),
            (_, Ok(step)) => Ok(Self::Step(step)),
            _ => Err("expected last, best or a number of steps".to_owned()),
        }
    }
}

impl Probe {
    /// What figures draw that say `probe: covariance`: 1000 batches at the last checkpoints.
    pub fn of_figures(what: &str, sweep: &str) -> Self {
        Self {
            what: what.to_owned(),
            sweep: sweep.to_owned(),
            batches: 1000,
            condition: None,
            checkpoint: Which::Last,
            slots: None,
            gpus: Vec::new(),
            scope: Scope::default(),
        }
    }

    /// Measures what is missing.
    ///
    /// # Errors
    /// Where the sweep's trainer is none that can be measured, no checkpoint is there, or somebody measures already.
    pub fn execute(&self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let spec = measurable(&sweep)?;
        let wanted = self.wanted(&sweep)?;
        self.measure(results, &sweep, &spec, &wanted)
    }

    /// Measures what is missing, and gives what is measured now; none where nothing is.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn measured(&self, results: &Path) -> Result<(ExitCode, Option<Measured>), Error> {
        let sweep = Sweep::open(results, &self.sweep)?;
        let spec = measurable(&sweep)?;
        let wanted = self.wanted(&sweep)?;
        let asked: Vec<RunId> = wanted.iter().map(|one| one.id.clone()).collect();
        let code = self.measure(results, &sweep, &spec, &wanted)?;
        let Some(probes) = sweep.probes(&self.what)? else { return Ok((code, None)) };
        match probes.sweep.compact() {
            Ok(_) | Err(StoreError::Busy(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok((code, Some(Measured::of(&probes, &asked)?)))
    }

    /// The checkpoints that are asked for.
    fn wanted<'a>(&self, sweep: &'a Sweep) -> Result<Vec<Measurement<'a>>, Error> {
        let runs = sweep.scoped(&self.scope)?;
        if let Some(condition) = &self.condition {
            let known = |name: &str| name == "seed" || runs.iter().any(|run| run.parameters.contains_key(name));
            if let Some(name) = condition.names().find(|name| !known(name)) {
                let varied: Vec<String> = axes(runs.iter().copied()).into_keys().collect();
                return Err(Error::usage(format!("no run of `{}` has the parameter `{name}`", sweep.name()))
                    .with_help(format!("they differ by {}, seed", varied.join(", "))));
            }
        }
        let mut wanted = Vec::new();
        let mut without = 0;
        for run in runs.into_iter().filter(|run| self.condition.as_ref().is_none_or(|c| holds(c, run))) {
            match self.checkpoint(sweep, run)? {
                Some((checkpoint, file)) => {
                    let Checkpoint { attempt, step, .. } = *checkpoint;
                    let of = Probed { run: run.run.clone(), attempt, step, batches: self.batches };
                    wanted.push(Measurement { run, id: of.id(&self.what, sweep.name()), of, file });
                }
                None => without += 1,
            }
        }
        if without > 0 {
            eprintln!("note: {without} runs have no such checkpoint");
        }
        if wanted.is_empty() {
            return Err(Error::usage(format!("no run of `{}` has a checkpoint to measure", sweep.name())).with_help(
                "checkpoints are kept by `checkpoint.every` and `checkpoint.keep`, and at the end of a run",
            ));
        }
        Ok(wanted)
    }

    /// The checkpoint of a run, if it is still there.
    fn checkpoint<'a>(&self, sweep: &Sweep, run: &'a RunState) -> Result<Option<(&'a Checkpoint, PathBuf)>, Error> {
        let folder = std::path::absolute(sweep.layout().checkpoints(&run.run)).map_err(outside)?;
        // Those of an execution that was done again are not this run's any more.
        let own = run.checkpoints.iter().filter(|c| run.lineage.iter().any(|(attempt, _)| *attempt == c.attempt));
        let mut there = own.map(|checkpoint| (checkpoint, folder.join(&checkpoint.file))).filter(|(_, f)| f.exists());
        match self.checkpoint {
            Which::Last => Ok(there.next_back()),
            Which::Step(step) => Ok(there.rfind(|(checkpoint, _)| checkpoint.step == step)),
            Which::Best => {
                let all: Vec<_> = there.collect();
                let Some((_, newest)) = all.last() else { return Ok(None) };
                let best = best_step(newest).map_err(outside)?;
                Ok(all.into_iter().rfind(|(checkpoint, _)| Some(checkpoint.step) == best))
            }
        }
    }

    /// Executes what is not measured yet.
    fn measure(&self, results: &Path, sweep: &Sweep, spec: &Spec, wanted: &[Measurement]) -> Result<ExitCode, Error> {
        let what = self.what.as_str();
        let stored = sweep.probes(what)?;
        let state = |id: &RunId| stored.as_ref().and_then(|stored| stored.sweep.state(id));
        let mut runs = Vec::new();
        for one in wanted {
            let state = state(&one.id);
            if state.is_none_or(|state| !state.status.is_done()) {
                runs.push(one.queued(state));
            }
        }
        let (all, missing) = (wanted.len(), runs.len());
        let checkpoints = if all == 1 { "checkpoint" } else { "checkpoints" };
        let (name, batches) = (sweep.name(), self.batches);
        eprintln!("{name} {what}, {batches} batches: {all} {checkpoints}: {missing} new · {} done", all - missing);
        if missing == 0 {
            return Ok(ExitCode::Success);
        }
        let trainer = trainer(spec)?;
        let layout = Layout::absolute(results, sweep.name()).map_err(outside)?.probe(what);
        let claim = claim(&layout, sweep.name(), false)?;
        let agent = agent_name();
        let mut journal = Journal::new(&sweep.layout().probes(), what, &agent, Some(claim));
        let elsewhere = end_leftovers(stored.as_ref().map(|stored| &stored.sweep), None, false, &mut journal)?;
        runs.retain(|queued| !elsewhere.contains(queued.id()));
        let new = wanted.iter().filter(|one| state(&one.id).is_none());
        journal.record(new.map(|one| Fact::Probe {
            time: host::unix_time(),
            probe: one.id.clone(),
            of: one.of.clone(),
        }))?;
        let newest = stored.as_ref().and_then(|stored| stored.sweep.planned());
        if newest.is_none_or(|newest| !newest.runs.iter().eq(wanted.iter().map(|one| &one.id))) {
            journal.record([planned(spec, what, wanted)])?;
        }
        let settings = Settings {
            sweep: format!("{} {what}", sweep.name()),
            probe: Some(Probing { what: what.to_owned(), batches: self.batches }),
            metric: None,
            axes: axes(wanted.iter().map(|one| one.run)).into_keys().collect(),
            slots: self.slots.map(usize::from),
            gpus: self.gpus.clone(),
            done_before: (all - missing, 0),
            ..settings(spec, trainer, layout, agent)
        };
        let summary = journal.execute(settings, runs)?;
        let _claim = journal.close()?;
        name_failed(&summary, |failed| failed.log.display().to_string());
        Ok(code_of(&summary))
    }
}

/// The spec of a sweep whose checkpoints can be measured.
fn measurable(sweep: &Sweep) -> Result<Spec, Error> {
    let spec = stored_spec(sweep)?;
    if !matches!(spec.trainer, Trainer::Retina) {
        return Err(Error::usage(format!("`{}` has checkpoints that nothing here can read", sweep.name()))
            .with_help("probes measure runs of the built-in trainer `retina`"));
    }
    Ok(spec)
}

/// A measurement that is asked for.
struct Measurement<'a> {
    run: &'a RunState,
    id: RunId,
    of: Probed,
    file: PathBuf,
}

impl Measurement<'_> {
    fn planned(&self) -> PlannedRun {
        PlannedRun { run: self.id.clone(), seed: self.run.seed, parameters: (*self.run.parameters).clone() }
    }

    fn queued(&self, before: Option<&RunState>) -> QueuedRun {
        let resume = Resume { attempt: self.of.attempt, step: self.of.step, checkpoint: self.file.clone() };
        QueuedRun {
            planned: self.planned(),
            attempt: before.map_or(1, |before| before.attempt + 1),
            resume: Some(resume),
        }
    }
}

fn planned(spec: &Spec, what: &str, wanted: &[Measurement]) -> Fact {
    Fact::Planned {
        time: host::unix_time(),
        spec: spec.hash.clone(),
        tessera: env!("CARGO_PKG_VERSION").to_owned(),
        trainer: format!("probe {what}"),
        metric: None,
        goal: None,
        axes: Default::default(),
        common: Default::default(),
        runs: wanted.iter().map(Measurement::planned).collect(),
    }
}

fn holds(condition: &Condition, run: &RunState) -> bool {
    let seed = Value::Integer(run.seed as i64);
    let value = |name: &str| if name == "seed" { Some(&seed) } else { run.parameters.get(name) };
    condition.any.iter().any(|all| all.iter().all(|clause| value(&clause.name).is_some_and(|v| clause.holds(v))))
}

/// The step of the best checkpoint so far, as a checkpoint says it; `None` where the run keeps none.
fn best_step(checkpoint: &Path) -> std::io::Result<Option<u64>> {
    let bytes = std::fs::read(checkpoint)?;
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).map_err(std::io::Error::other)?;
    let best = metadata.metadata().as_ref().and_then(|said| said.get("best"));
    Ok(best.and_then(|best| best.split_once(' ')?.0.parse().ok()))
}
