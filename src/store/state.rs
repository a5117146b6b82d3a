//! What the facts of all journals say of each run.

use crate::record::{Axes, Fact, Failure, Goal, Outcome, Parameters, Provenance, Reading, RunId};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Asked for, nothing done yet.
    Planned,
    /// Handed to an agent.
    Queued,
    /// An attempt is open.
    Running,
    /// Done.
    Finished,
    /// Done: a quantity was not finite.
    Diverged,
    /// The last attempt ended without a result.
    Failed,
    /// Stopped by a person or a signal.
    Stopped,
    /// An attempt is open and nobody knows of its process.
    Unknown,
}

impl Status {
    /// Whether this is a result: finished or diverged.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Finished | Self::Diverged)
    }

    /// Whether the newest attempt is over.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Diverged | Self::Failed | Self::Stopped)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Planned => "planned",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        })
    }
}

/// A version of the spec that was asked for.
#[derive(Clone, Debug)]
pub struct Planned {
    /// When, seconds since 1970.
    pub time: f64,
    /// Hash of the folded spec, `spec-<hash>.yaml`.
    pub spec: String,
    /// Version of tessera.
    pub tessera: String,
    /// The trainer's name.
    pub trainer: String,
    /// The metric that runs are judged by, and its reduction as a spec spells it.
    pub metric: Option<(String, String)>,
    /// Whether more or less of that metric is better, as far as the journal says.
    pub goal: Option<Goal>,
    /// The axes with their levels, in the order of the spec; empty in journals of version 0.1.0.
    pub axes: Axes,
    /// Its runs, in the order of the plan.
    pub runs: Vec<RunId>,
}

/// A checkpoint that the journal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Who wrote it.
    pub attempt: u32,
    /// Steps done.
    pub step: u64,
    /// Whether the step is a guess.
    pub guessed: bool,
    /// Plain file name in `checkpoints/<run>/`.
    pub file: String,
}

/// One run as the journals tell it.
#[derive(Clone, Debug)]
pub struct RunState {
    /// Its id.
    pub run: RunId,
    /// The replicate.
    pub seed: u64,
    /// All its active parameters.
    pub parameters: Arc<Parameters>,
    /// Whether the newest plan asks for it.
    pub current: bool,
    /// Where it stands.
    pub status: Status,
    /// Why it has no result.
    pub failure: Option<Failure>,
    /// The newest attempt; 0 where there is none.
    pub attempt: u32,
    /// The step and the quantity that went first, of a run that diverged.
    pub diverged: Option<(u64, String)>,
    /// One line, then the last lines of the log; of a failed run.
    pub message: String,
    /// When the newest attempt began, seconds since 1970.
    pub started: Option<f64>,
    /// How long the attempts that its history is made of took, as far as known.
    pub seconds: Option<f64>,
    /// Most memory seen in the newest attempt, MiB.
    pub peak_memory_mib: Option<f64>,
    /// Where the newest attempt ran and with what.
    pub provenance: Option<Arc<Provenance>>,
    /// In the order of their steps.
    pub checkpoints: Vec<Checkpoint>,
    /// The attempts that its history is made of, newest first, each with the step below which its rows count.
    pub lineage: Vec<(u32, Option<u64>)>,
    /// What the files of a program gave, by attempt of the lineage, newest first.
    pub readings: Vec<(u32, Reading)>,
    /// How often an attempt failed, by class and message, oldest first.
    pub failures: Vec<(u32, Failure, String)>,
    /// Where the rows of the lineage lie, as far as the journal says.
    pub(super) kept: Vec<Kept>,
    /// Whether the journal lacks what must have been said of the lineage: how an attempt began, the checkpoint that one
    /// went on from.
    pub(super) gaps: bool,
}

/// Where rows of an attempt lie: segments by their agent and numbers, from and to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub attempt: u32,
    pub agent: String,
    pub history: Vec<(u64, u64)>,
    pub arrays: Vec<(u64, u64)>,
}

struct Start {
    time: f64,
    resume: Option<(u32, u64)>,
    provenance: Arc<Provenance>,
}

#[derive(Default)]
struct Attempt {
    started: Option<Start>,
    end: Option<End>,
    seconds: Option<f64>,
    peak: Option<f64>,
    reading: Option<Reading>,
}

enum End {
    Result(Outcome),
    Failed(Failure, String),
    Stopped,
}

#[derive(Default)]
struct Gathered {
    /// By their numbers, which grow: a map would take a node of eleven for each run.
    attempts: Vec<(u32, Attempt)>,
    checkpoints: Vec<Checkpoint>,
    kept: Vec<Kept>,
    /// The newest attempt that counts no more, and why.
    void: Option<(u32, String)>,
}

impl Gathered {
    /// An attempt, made where it is new.
    fn attempt(&mut self, number: u32) -> &mut Attempt {
        let place = match self.attempts.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(place) => place,
            Err(place) => {
                self.attempts.insert(place, (number, Attempt::default()));
                place
            }
        };
        &mut self.attempts[place].1
    }
}

fn find(attempts: &[(u32, Attempt)], number: u32) -> Option<&Attempt> {
    let place = attempts.binary_search_by_key(&number, |(number, _)| *number).ok()?;
    Some(&attempts[place].1)
}

struct Asked {
    seed: u64,
    parameters: Arc<Parameters>,
}

/// How many provenances are remembered, so that attempts of one worker share theirs.
const REMEMBERED: usize = 64;

/// Folds facts, which come in any order, into plans and the state of each run.
#[derive(Default)]
pub(crate) struct Fold {
    plans: Vec<(Planned, Vec<(RunId, Asked)>)>,
    gathered: HashMap<RunId, Gathered>,
    provenances: VecDeque<Arc<Provenance>>,
}

impl Fold {
    /// Takes a fact.
    pub(crate) fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Planned { time, spec, tessera, trainer, metric, goal, axes, common, runs } => {
                let asked = runs.into_iter().map(|planned| {
                    let mut parameters = common.clone();
                    parameters.extend(planned.parameters);
                    (planned.run, Asked { seed: planned.seed, parameters: Arc::new(parameters) })
                });
                let asked: Vec<_> = asked.collect();
                let runs = asked.iter().map(|(run, _)| run.clone()).collect();
                self.plans.push((Planned { time, spec, tessera, trainer, metric, goal, axes, runs }, asked));
            }
            // `probes` reads what the ids of probes stand for.
            Fact::Probe { .. } => {}
            Fact::Started { time, run, attempt, resume, provenance } => {
                let provenance = self.shared(*provenance);
                let entry = self.gathered.entry(run).or_default().attempt(attempt);
                entry.started = Some(Start { time, resume, provenance });
            }
            Fact::Checkpoint { run, attempt, step, guessed, file, .. } => {
                self.gathered.entry(run).or_default().checkpoints.push(Checkpoint { attempt, step, guessed, file });
            }
            Fact::Read { run, attempt, reading, .. } => {
                self.gathered.entry(run).or_default().attempt(attempt).reading = Some(reading);
            }
            Fact::Kept { run, attempt, agent, history, arrays } => {
                self.gathered.entry(run).or_default().kept.push(Kept { attempt, agent, history, arrays });
            }
            Fact::Void { run, attempt, message, .. } => {
                let void = &mut self.gathered.entry(run).or_default().void;
                if void.as_ref().is_none_or(|(newest, _)| attempt > *newest) {
                    *void = Some((attempt, message));
                }
            }
            Fact::Finished { run, attempt, seconds, outcome, peak_memory_mib, .. } => {
                let entry = self.gathered.entry(run).or_default().attempt(attempt);
                (entry.end, entry.seconds, entry.peak) = (Some(End::Result(outcome)), Some(seconds), peak_memory_mib);
            }
            Fact::Failed { run, attempt, seconds, failure, message, .. } => {
                let entry = self.gathered.entry(run).or_default().attempt(attempt);
                // Whoever takes an attempt for lost knows less than the attempt itself.
                if failure == Failure::Lost && entry.end.is_some() {
                    return;
                }
                (entry.end, entry.seconds) = (Some(End::Failed(failure, message)), Some(seconds));
            }
            Fact::Stopped { run, attempt, seconds, .. } => {
                let entry = self.gathered.entry(run).or_default().attempt(attempt);
                (entry.end, entry.seconds) = (Some(End::Stopped), Some(seconds));
            }
        }
    }

    /// The one that is equal among those remembered, or this one.
    fn shared(&mut self, provenance: Provenance) -> Arc<Provenance> {
        let is_same = |other: &&Arc<Provenance>| other.pid == provenance.pid && ***other == provenance;
        if let Some(known) = self.provenances.iter().rev().find(is_same) {
            return known.clone();
        }
        let new = Arc::new(provenance);
        self.provenances.push_back(new.clone());
        if self.provenances.len() > REMEMBERED {
            self.provenances.pop_front();
        }
        new
    }

    /// The plans, oldest first, and the runs: those of the newest plan in its order, then those no longer asked for.
    pub(crate) fn finish(self) -> (Vec<Planned>, Vec<RunState>) {
        let Self { mut plans, mut gathered, .. } = self;
        plans.sort_by(|a, b| a.0.time.total_cmp(&b.0.time));
        let mut seen = HashSet::new();
        let mut states = Vec::new();
        for (age, (_, asked)) in plans.iter_mut().rev().enumerate() {
            for (run, asked) in asked.drain(..) {
                if seen.insert(run.clone()) {
                    let gathered = gathered.remove(&run).unwrap_or_default();
                    states.push(state(run, asked, age == 0, gathered));
                }
            }
        }
        (plans.into_iter().map(|(planned, _)| planned).collect(), states)
    }
}

fn state(run: RunId, asked: Asked, current: bool, mut gathered: Gathered) -> RunState {
    let void = gathered.void.take();
    if let Some((newest, _)) = &void {
        gathered.attempts.retain(|(attempt, _)| attempt > newest);
        gathered.checkpoints.retain(|checkpoint| checkpoint.attempt > *newest);
    }
    gathered.checkpoints.sort_by_key(|checkpoint| (checkpoint.step, checkpoint.attempt));
    let gaps = has_gaps(&gathered);
    let lineage = lineage(&gathered.attempts, &gathered.checkpoints);
    let reading = |(n, _): &(u32, _)| Some((*n, find(&gathered.attempts, *n)?.reading.clone()?));
    let readings = lineage.iter().filter_map(reading).collect();
    let seconds: Vec<f64> = lineage.iter().filter_map(|(n, _)| find(&gathered.attempts, *n)?.seconds).collect();
    let failures = gathered.attempts.iter().filter_map(|(n, attempt)| match &attempt.end {
        Some(End::Failed(failure, message)) => Some((*n, *failure, message.clone())),
        _ => None,
    });
    let failures = failures.collect();
    let mut state = RunState {
        run,
        seed: asked.seed,
        parameters: asked.parameters,
        current,
        status: Status::Planned,
        failure: None,
        attempt: 0,
        diverged: None,
        message: String::new(),
        started: None,
        seconds: (!seconds.is_empty()).then(|| seconds.iter().sum()),
        peak_memory_mib: None,
        provenance: None,
        checkpoints: gathered.checkpoints,
        kept: gathered.kept.into_iter().filter(|kept| lineage.iter().any(|(n, _)| *n == kept.attempt)).collect(),
        lineage,
        readings,
        failures,
        gaps,
    };
    if let Some((attempt, message)) = void {
        state.failures.insert(0, (attempt, Failure::Lost, message.clone()));
        (state.attempt, state.status, state.failure, state.message) =
            (attempt, Status::Failed, Some(Failure::Lost), message);
    }
    if let Some((number, newest)) = gathered.attempts.pop() {
        (state.attempt, state.failure, state.message) = (number, None, String::new());
        state.peak_memory_mib = newest.peak;
        if let Some(Start { time, provenance, .. }) = newest.started {
            (state.started, state.provenance) = (Some(time), Some(provenance));
        }
        match newest.end {
            None => state.status = Status::Running,
            Some(End::Stopped) => state.status = Status::Stopped,
            Some(End::Failed(failure, message)) => {
                (state.status, state.failure, state.message) = (Status::Failed, Some(failure), message);
            }
            Some(End::Result(Outcome::Done)) => state.status = Status::Finished,
            Some(End::Result(Outcome::Diverged { step, quantity })) => {
                (state.status, state.diverged) = (Status::Diverged, Some((step, quantity)));
            }
        }
    }
    state
}

/// Whether the journal lacks how an attempt of the lineage began, or the checkpoint that one went on from.
fn has_gaps(gathered: &Gathered) -> bool {
    let mut next = gathered.attempts.last().map(|(number, _)| *number);
    while let Some(number) = next {
        let Some(start) = find(&gathered.attempts, number).and_then(|attempt| attempt.started.as_ref()) else {
            return true;
        };
        let known = |at: &(u32, u64)| {
            gathered.checkpoints.iter().any(|checkpoint| (checkpoint.attempt, checkpoint.step) == *at)
        };
        if start.resume.as_ref().is_some_and(|at| !known(at)) {
            return true;
        }
        next = start.resume.map(|(ancestor, _)| ancestor).filter(|ancestor| *ancestor < number);
    }
    false
}

/// The newest attempt and its ancestors, each with the step below which its rows count: a run goes on after as many
/// steps as the checkpoint has, and its first row then is that of the next step. Where the checkpoint's step is a guess,
/// nothing but the next attempt's first step cuts ([`Lineages`](super::table)).
fn lineage(attempts: &[(u32, Attempt)], checkpoints: &[Checkpoint]) -> Vec<(u32, Option<u64>)> {
    let mut lineage = Vec::new();
    let mut next = attempts.last().map(|(number, _)| (*number, None));
    while let Some((number, below)) = next {
        lineage.push((number, below));
        let resume = find(attempts, number).and_then(|attempt| attempt.started.as_ref()).and_then(|start| start.resume);
        // Only earlier attempts can be ancestors: a journal that says otherwise must not lead in circles.
        next = resume.filter(|&(ancestor, _)| ancestor < number).map(|(ancestor, step)| {
            let guessed = checkpoints.iter().any(|c| (c.attempt, c.step, c.guessed) == (ancestor, step, true));
            let limits = below.into_iter().chain((!guessed).then_some(step));
            (ancestor, limits.min())
        });
    }
    lineage
}
