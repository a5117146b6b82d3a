//! `tessera run --on slurm`: submits what is missing and not queued, then shows how it goes until all is done. It may be
//! left and called again at any time, from any login node.

use super::estimate::{ask_for_room, estimate_of};
use super::execution::{Execution, is_recorded, outside, planned_fact};
use super::planned::planned;
use super::tasks::{Place, Tasks};
use super::todo::Todo;
use super::trainer::{trainer, version};
use crate::error::{Error, ExitCode};
use crate::plan::Plan;
use crate::record::{Failure, RunId};
use crate::run::claim::{AGENT, Claim, ClaimError, holder};
use crate::run::slurm::array::{self, Packing, pack};
use crate::run::slurm::attempts;
use crate::run::slurm::cluster::Cluster;
use crate::run::slurm::nodes;
use crate::run::slurm::queue::End;
use crate::run::slurm::script::Script;
use crate::run::slurm::submission::{Asked, Outcome, Submission};
use crate::run::slurm::submit::{self, SubmitError};
use crate::run::{Folders, RunError, Sink, View, progress};
use crate::spec::Sweep;
use crate::store::{self, Status, Writer};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So often a run whose task ended by nobody's wish is submitted again in one session.
const AGAIN: u32 = 5;
/// So many looks in a row may leave something unknown before it is left at that.
const PATIENCE: u32 = 8;

/// Submits and waits.
pub(super) fn execute(execution: &Execution, results: &Path) -> Result<ExitCode, Error> {
    if execution.slots.is_some() || !execution.gpus.is_empty() || execution.share_busy {
        return Err(Error::usage("`--slots`, `--gpus` and `--share-busy` are about this machine")
            .with_help("`slurm: {gpus: 1, cpus: 4}` says what a task has"));
    }
    let (sweep, plan) = planned(&execution.spec, &execution.sets, results)?;
    let session = Session {
        cluster: Cluster::default(),
        folders: Folders::new(results, &sweep.name).map_err(outside)?,
        results: std::path::absolute(results).map_err(outside)?,
        execution,
        sweep,
        plan,
        left: Arc::new(AtomicBool::new(false)),
    };
    session.execute()
}

/// The scripts that would be submitted for these runs, each with its number of tasks, and how they were packed.
pub(super) fn scripts(sweep: &Sweep, results: &Path, runs: usize, seconds: Option<f64>) -> (Vec<String>, Packing) {
    let packing = pack(runs, &sweep.slurm, &sweep.resources, given(sweep).or(seconds));
    let size = Cluster::default().config().ok().and_then(|config| config.max_array_size).unwrap_or(1001);
    let tasks = array::tasks(&vec![(); runs], packing.runs_per_task);
    let arrays = array::arrays(tasks, size);
    let throttle = array::throttle(sweep.slurm.array_limit, arrays.len());
    let results = std::path::absolute(results).unwrap_or_else(|_| results.to_owned());
    let folder = results.join(&sweep.name).join("slurm");
    let program = program().unwrap_or_else(|_| PathBuf::from("tessera"));
    let last = Submission::last(&folder).unwrap_or(0);
    let script = |(number, tasks): (u64, Vec<Vec<()>>)| {
        let name = format!("{}-{number}-00000000", sweep.name);
        let script = Script {
            name: &name,
            sweep: &sweep.name,
            tasks: (size > 1).then_some(tasks.len()),
            throttle,
            slurm: &sweep.slurm,
            resources: &sweep.resources,
            exclude: &[],
            logs: &folder,
            program: &program,
            results: &results,
        };
        script.text()
    };
    ((last + 1..).zip(arrays).map(script).collect(), packing)
}

/// How long a run takes, as the spec says.
fn given(sweep: &Sweep) -> Option<f64> {
    sweep.slurm.run_time.map(|time| time.as_secs_f64())
}

/// The median of how long runs of a sweep took.
pub(super) fn measured(stored: Option<&store::Sweep>) -> Option<f64> {
    let states = stored?.states().iter().filter(|state| state.status.is_done());
    let mut seconds: Vec<f64> = states.filter_map(|state| state.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn program() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|error| Error::failure(format!("cannot find this program: {error}")))
}

/// One call of the command.
struct Session<'a> {
    cluster: Cluster,
    folders: Folders,
    results: PathBuf,
    execution: &'a Execution,
    sweep: Box<Sweep>,
    plan: Plan,
    /// Whether somebody pressed Ctrl-C.
    left: Arc<AtomicBool>,
}

/// What is to be done.
#[derive(Default)]
struct Missing {
    runs: Vec<Asked>,
    held: usize,
    unknown: Vec<String>,
    /// Runs that this session gave to a task which ended without executing them, and how.
    dropped: Vec<(RunId, Option<End>)>,
}

impl Session<'_> {
    fn execute(self) -> Result<ExitCode, Error> {
        // Nothing is written where the trainer is not there.
        trainer(&self.sweep)?;
        let version = version(&self.sweep)?;
        let stored = self.stored()?;
        let mut todo = Todo::of(&self.plan, stored.as_ref(), &version, self.execution.stale);
        eprintln!("{}: {}", self.sweep.name, todo.words());
        todo.keep(self.execution.only.as_deref(), self.execution.limit);
        if self.execution.dry_run {
            super::answer::answer(&todo.list())?;
            return Ok(ExitCode::Success);
        }
        if !self.execution.yes {
            ask_for_room(&estimate_of(&self.sweep, &self.plan, &todo, stored.as_ref()), &self.results)?;
        }
        self.record_plan(stored.as_ref())?;
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            signal_hook::flag::register(signal, self.left.clone()).map_err(outside)?;
        }
        let wanted: HashSet<RunId> = todo.left().filter_map(|run| RunId::parse(&run.id)).collect();
        if self.execution.lost {
            Tasks::look(&self.layout(), &self.cluster)?.give_up()?;
        }
        let mut given: HashMap<RunId, u32> = HashMap::new();
        let mut unclear = 0;
        let mut waiting = HashMap::new();
        let mut watch = progress::to_stderr();
        let began = Instant::now();
        let outcome = loop {
            let tasks = Tasks::look(&self.layout(), &self.cluster)?;
            let Some(stored) = self.stored()? else { return Err(Error::failure("the sweep's folder is gone")) };
            let stored = self.end_lost(&tasks, stored)?;
            let mut missing = self.missing(&tasks, &stored, &version, &wanted, &given)?;
            if !missing.runs.is_empty() {
                for asked in &missing.runs {
                    *given.entry(asked.run.clone()).or_insert(0) += 1;
                }
                self.submit(std::mem::take(&mut missing.runs), &stored)?;
                continue;
            }
            tasks.wake(&self.cluster, &stored, &mut waiting);
            let view = self.view(&stored, &tasks);
            // A queue that does not answer now, or accounting that trails it, may do so soon.
            unclear = if missing.unknown.is_empty() { 0 } else { unclear + 1 };
            let over = missing.held == 0 && (unclear == 0 || unclear > PATIENCE);
            watch.show(&view);
            if over || self.execution.detach || self.left.load(Ordering::SeqCst) {
                break (missing, over, view);
            }
            self.pause(began.elapsed());
        };
        watch.finish();
        self.close(outcome, &given)
    }

    fn layout(&self) -> store::Layout {
        store::Layout::new(&self.results, &self.sweep.name)
    }

    fn stored(&self) -> Result<Option<store::Sweep>, Error> {
        Ok(store::Sweep::open_if_any(&self.results, &self.sweep.name)?)
    }

    /// A writer of this machine's journal of submissions; one process at a time has it.
    fn write(&self, what: impl FnOnce(&mut Writer) -> Result<(), Error>) -> Result<(), Error> {
        let name = format!("login-{}", super::agent::agent_name());
        let claims = self.folders.sweep().join("claims");
        let deadline = Instant::now() + Duration::from_secs(20);
        let _claim = loop {
            match Claim::take(&claims, &name) {
                Ok(claim) => break claim,
                Err(ClaimError::Held(_)) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(Error::failure(error.to_string())),
            }
        };
        let mut writer = Writer::open(&self.results, &self.sweep.name, &name)?;
        what(&mut writer)?;
        Ok(writer.flush()?)
    }

    /// Records the spec and its runs, where that is news.
    fn record_plan(&self, stored: Option<&store::Sweep>) -> Result<(), Error> {
        if is_recorded(stored, &self.sweep, &self.plan) {
            return Ok(());
        }
        self.write(|writer| {
            writer.write_spec(&self.sweep.folded, &self.sweep.hash)?;
            writer.fact(planned_fact(&self.sweep, &self.plan)).map_err(RunError::from)?;
            Ok(writer.commit().map_err(RunError::from)?)
        })
    }

    /// Records attempts that are lost; the sweep as it is then.
    fn end_lost(&self, tasks: &Tasks, stored: store::Sweep) -> Result<store::Sweep, Error> {
        let facts = tasks.lost(&stored);
        if facts.is_empty() {
            return Ok(stored);
        }
        self.write(|writer| {
            for fact in facts {
                writer.fact(fact).map_err(RunError::from)?;
            }
            Ok(writer.commit().map_err(RunError::from)?)
        })?;
        Ok(self.stored()?.unwrap_or(stored))
    }

    /// What is neither done nor held by a task, and what became of what this session submitted.
    fn missing(
        &self,
        tasks: &Tasks,
        stored: &store::Sweep,
        version: &str,
        wanted: &HashSet<RunId>,
        given: &HashMap<RunId, u32>,
    ) -> Result<Missing, Error> {
        let claimed = attempts::newest(self.folders.sweep()).map_err(outside)?;
        // `--limit` has been seen to: of what is done meanwhile nothing takes its place.
        let todo = Todo::of(&self.plan, Some(stored), version, self.execution.stale);
        let mut missing = Missing::default();
        let left = todo.left().filter_map(|run| RunId::parse(&run.id)).filter(|run| wanted.contains(run));
        for run in left {
            let run = &run;
            let state = stored.state(run);
            match tasks.place(run, state) {
                Place::Held => missing.held += 1,
                Place::Unknown(why) => missing.unknown.push(why),
                Place::Free(end) => {
                    let times = given.get(run).copied().unwrap_or(0);
                    let failed = state.filter(|state| state.status == Status::Failed).and_then(|state| state.failure);
                    let lost = failed == Some(Failure::Lost);
                    let failed = failed.is_some() && !lost;
                    // An agent that was ended without a word is nobody's wish either.
                    let wish = |end: End| !(end.is_nobodys_wish() || lost && end == End::Failed);
                    let again = end.is_some_and(|end| !wish(end)) && times < AGAIN && !failed;
                    if times == 0 || again {
                        let attempt = state.map_or(0, |state| state.attempt);
                        let floor = attempt.max(claimed.get(run).copied().unwrap_or(0));
                        missing.runs.push(Asked { run: run.clone(), floor });
                    } else if !failed {
                        missing.dropped.push((run.clone(), end));
                    }
                }
            }
        }
        Ok(missing)
    }

    /// Packs runs into tasks and submits them.
    fn submit(&self, runs: Vec<Asked>, stored: &store::Sweep) -> Result<(), Error> {
        let config = self.cluster.config().map_err(|error| {
            Error::failure(format!("Slurm does not answer: {error}"))
                .with_help("`sinfo` says whether this is a login node; nothing was submitted")
        })?;
        let seconds = given(&self.sweep).or_else(|| measured(Some(stored)));
        let packing = pack(runs.len(), &self.sweep.slurm, &self.sweep.resources, seconds);
        let size = config.max_array_size.unwrap_or(1);
        let arrays = array::arrays(array::tasks(&runs, packing.runs_per_task), size);
        let throttle = array::throttle(self.sweep.slurm.array_limit, arrays.len());
        let ends = stored.ends()?;
        let node = |end: &store::End| end.provenance.task.as_ref().map(|task| task.node.clone());
        let ends: Vec<(String, bool)> =
            ends.iter().filter_map(|end| Some((node(end)?, end.failure.is_some()))).collect();
        let failing =
            nodes::failing(ends.iter().map(|(node, failed)| (node.as_str(), *failed)), self.sweep.slurm.exclude_after);
        for (node, count) in &failing {
            eprintln!("node {node} is left out: the last {count} runs on it failed");
        }
        let exclude: Vec<String> = failing.into_iter().map(|(node, _)| node).collect();
        let folder = self.folders.sweep().join("slurm");
        for tasks in arrays {
            let (count, runs) = (tasks.len(), tasks.iter().map(Vec::len).sum::<usize>());
            let last = Submission::last(&folder).map_err(outside)?;
            let submission = Submission::new(&self.sweep.name, &folder, &self.sweep.hash, last, tasks);
            let script = Script {
                name: &submission.name,
                sweep: &self.sweep.name,
                tasks: (size > 1).then_some(count),
                throttle,
                slurm: &self.sweep.slurm,
                resources: &self.sweep.resources,
                exclude: &exclude,
                logs: &folder,
                program: &program()?,
                results: &self.results,
            };
            std::fs::create_dir_all(&folder).map_err(outside)?;
            std::fs::write(submission.script(&folder), script.text()).map_err(outside)?;
            if !submission.place(&folder).map_err(outside)? {
                // Somebody submits too: what is missing is looked at anew.
                let _ = std::fs::remove_file(submission.script(&folder));
                return Ok(());
            }
            if let Some(other) = holder(&self.folders.sweep().join("claims").join(AGENT))
                && other.is_alive() != Some(false)
            {
                let why = format!("{other} executes `{}` on its own machine", self.sweep.name);
                submission.decide(&folder, Outcome::Void(why.clone())).map_err(outside)?;
                return Err(Error::failure(why).with_help(format!("`tessera stop {}` stops it", self.sweep.name)));
            }
            let job = submit::submit(&self.cluster, &submission, &folder).map_err(|error| self.explain(error))?;
            eprintln!("job {job}: {runs} runs in {count} tasks ({}), {}", packing.why, submission.name);
        }
        Ok(())
    }

    fn explain(&self, error: SubmitError) -> Error {
        let shown = Error::failure(error.to_string());
        match error {
            SubmitError::Refused { help: Some(help), .. } => shown.with_help(help),
            SubmitError::Unclear { .. } => {
                shown.with_help("the same command finds out, and submits only what is missing")
            }
            SubmitError::Missing(_) => shown.with_help("`--on slurm` needs Slurm's programs: call it on a login node"),
            SubmitError::Refused { .. } | SubmitError::Void(_) | SubmitError::File { .. } => shown,
        }
    }

    fn view(&self, stored: &store::Sweep, tasks: &Tasks) -> View {
        let asked = |run: &crate::plan::Run| stored.state(&RunId::parse(&run.id)?).map(|state| tasks.seen(state));
        let seen: Vec<Status> = self.plan.runs.iter().filter_map(asked).collect();
        let count = |want: fn(Status) -> bool| seen.iter().filter(|status| want(**status)).count();
        View {
            sweep: self.sweep.name.clone(),
            total: self.plan.runs.len(),
            done: count(Status::is_done),
            diverged: count(|status| status == Status::Diverged),
            failed: count(|status| status == Status::Failed),
            running: count(|status| status == Status::Running),
            waiting: count(|status| status == Status::Queued),
            metric: self.sweep.metric.as_ref().map(|metric| metric.name.clone()).unwrap_or_default(),
            note: tasks.words(),
            ..View::default()
        }
    }

    /// Waits, at first a second, later longer: a scheduler that many people use is not to be asked all the time.
    fn pause(&self, since: Duration) {
        let until = Instant::now() + (since / 20).clamp(Duration::from_secs(1), Duration::from_secs(15));
        while Instant::now() < until && !self.left.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Says how it stands; where all is over, draws what there is to draw.
    fn close(
        self,
        (missing, over, view): (Missing, bool, View),
        given: &HashMap<RunId, u32>,
    ) -> Result<ExitCode, Error> {
        let name = self.sweep.name.clone();
        eprintln!("{name}: {}", progress::counts(&view));
        if let Some(why) = missing.unknown.first() {
            eprintln!("of {} runs nothing is known: {why}", missing.unknown.len());
            eprintln!("  help: where what has them is gone: tessera retry {name} --lost");
        }
        if !over {
            eprintln!("the jobs go on: the same command shows them, `tessera stop {name}` cancels them");
            return Ok(if self.execution.detach { ExitCode::Success } else { ExitCode::Stopped });
        }
        if let Some((_, end)) = missing.dropped.first() {
            let how = end.map(|end| format!(" ({end})")).unwrap_or_default();
            eprintln!("{} runs were not executed to their end: their tasks are over{how}", missing.dropped.len());
            eprintln!("  help: what tasks said is in {}", self.folders.sweep().join("slurm").display());
            eprintln!("        the same command submits them again");
        }
        let failed = view.failed > 0 && !given.is_empty();
        let all = failed || !missing.dropped.is_empty() || !missing.unknown.is_empty();
        super::finish::finish(&self.results, *self.sweep, &self.execution.spec, true)?;
        Ok(if all { ExitCode::SomeFailed } else { ExitCode::Success })
    }
}
