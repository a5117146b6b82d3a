//! `tessera run --on slurm`: submits what is neither done nor queued, then shows progress until all is done. It may
//! be left and called again at any time, from any login node.

use super::batch::Batch;
use super::login::Login;
use super::missing::{Missing, SessionRuns};
use super::tasks::Tasks;
use crate::agent::progress;
use crate::agent::signals::is_ignored;
use crate::error::{Error, ExitCode};
use crate::plan::Plan;
use crate::presence::claim::{AGENT, holder};
use crate::presence::view::View;
use crate::record::Layout;
use crate::record::counted;
use crate::session::error::outside;
use crate::session::estimate::{ask_for_room, estimate_of};
use crate::session::execution::Execution;
use crate::session::on_finish::{Counts, tell};
use crate::session::planned::planned;
use crate::session::todo::Todo;
use crate::session::trainer::{trainer, version};
use crate::slurm::attempts;
use crate::slurm::cluster::Cluster;
use crate::slurm::submission::{Outcome, Submission, TaskRun};
use crate::slurm::submit;
use crate::slurm::submit::SubmitError;
use crate::spec::Sweep;
use crate::store::{self, Status};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So many looks in a row may leave something unknown before it is left at that.
const PATIENCE: u32 = 8;

/// One call of the command.
struct Session<'a> {
    cluster: Cluster,
    results: &'a Path,
    execution: &'a Execution,
    sweep: &'a Sweep,
    plan: &'a Plan,
    /// The trainer's version.
    version: String,
    layout: Layout,
    /// Whether somebody pressed Ctrl-C.
    left: Arc<AtomicBool>,
    began: Instant,
}

/// How far the session's runs were at the last look.
struct Progress {
    missing: Missing,
    /// Whether nothing is to be waited for.
    over: bool,
    view: View,
    stopped: usize,
}

/// Submits and waits.
pub fn execute(execution: &Execution, results: &Path) -> Result<ExitCode, Error> {
    if execution.slots.is_some() || !execution.gpus.is_empty() || execution.share_busy {
        return Err(Error::usage("`--slots`, `--gpus` and `--share-busy` are about this machine")
            .with_help("`slurm: {gpus: 1, cpus: 4}` says what a task has"));
    }
    let (sweep, plan) = planned(&execution.spec, &execution.sets, results)?;
    // Nothing is written where the trainer is not there.
    trainer(&sweep)?;
    let session = Session {
        cluster: Cluster::default(),
        results,
        execution,
        sweep: &sweep,
        plan: &plan,
        version: version(&sweep)?,
        layout: Layout::new(results, &sweep.name),
        left: Arc::new(AtomicBool::new(false)),
        began: Instant::now(),
    };
    session.execute()
}

impl Session<'_> {
    fn execute(&self) -> Result<ExitCode, Error> {
        let stored = store::Sweep::open_if_any(self.results, &self.sweep.name)?;
        let mut todo = self.todo(stored.as_ref());
        eprintln!("{}: {}", self.sweep.name, todo.words());
        todo.keep(self.execution.only.as_deref(), self.execution.limit);
        if self.execution.dry_run {
            crate::output::answer(&todo.list())?;
            return Ok(ExitCode::Success);
        }
        if !self.execution.yes {
            ask_for_room(&estimate_of(self.sweep, self.plan, &todo, stored.as_ref()), self.results)?;
        }
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal != SIGHUP || !is_ignored(SIGHUP) {
                signal_hook::flag::register(signal, self.left.clone()).map_err(outside)?;
            }
        }
        let wanted = SessionRuns::new(todo.left().map(|run| run.id.clone()));
        let called_for_some = !wanted.is_empty();
        let outcome = self.wait(wanted, stored.as_ref()).and_then(|progress| Ok((self.close(&progress)?, progress)));
        let counts =
            Counts { runs: self.plan.runs.len(), seconds: self.began.elapsed().as_secs_f64(), ..Counts::default() };
        // Who leaves has seen no end, and where nothing was to be done there is none to tell.
        match &outcome {
            Ok((code, Progress { view, stopped, over: true, .. })) if called_for_some => {
                let (done, diverged, failed) = (view.done, view.diverged, view.failed);
                let left = view.total - done - failed - stopped;
                let counts = Counts { done, diverged, failed, stopped: *stopped, left, ..counts };
                tell(self.sweep, self.results, &counts, Ok(*code));
            }
            Err(error) => {
                let counts = Counts { done: todo.done, diverged: todo.diverged, ..counts };
                tell(self.sweep, self.results, &counts, Err(error));
            }
            Ok(_) => {}
        }
        outcome.map(|(code, _)| code)
    }

    /// Submits what is missing until nothing is, and waits for what a task has.
    fn wait(&self, mut wanted: SessionRuns, stored: Option<&store::Sweep>) -> Result<Progress, Error> {
        let login = Login::new(self.results, &self.sweep.name)?;
        login.plan(stored, self.sweep, self.plan)?;
        if self.execution.lost {
            Tasks::look(&self.layout, &self.cluster)?.give_up()?;
        }
        let (mut unclear, mut waiting) = (0, HashMap::new());
        let mut watch = progress::to_stderr();
        let progress = loop {
            let tasks = Tasks::look(&self.layout, &self.cluster)?;
            let mut stored = store::Sweep::open(self.results, &self.sweep.name)?;
            let lost = tasks.lost(&stored);
            if !lost.is_empty() {
                login.record(lost)?;
                stored = store::Sweep::open(self.results, &self.sweep.name)?;
            }
            let claimed = attempts::newest(&self.layout).map_err(outside)?;
            // `--limit` has been seen to: of what is done meanwhile nothing takes its place.
            let missing =
                wanted.look(self.todo(Some(&stored)).left().map(|run| run.id.clone()), &tasks, &stored, &claimed);
            if !missing.runs.is_empty() {
                self.submit(&missing.runs, &stored, tasks.last)?;
                continue;
            }
            tasks.wake(&self.cluster, &stored, &mut waiting);
            // A queue that does not answer now, or accounting that trails it, may do so soon.
            unclear = if missing.unknown.is_empty() { 0 } else { unclear + 1 };
            let over = missing.held == 0 && (unclear == 0 || unclear > PATIENCE);
            let progress = self.progress(missing, over, &stored, &tasks);
            // The last one is said when it is closed.
            if over || self.execution.detach || self.left.load(Ordering::SeqCst) {
                break progress;
            }
            watch.show(&progress.view);
            self.pause();
        };
        watch.finish();
        Ok(progress)
    }

    /// Packs runs into tasks and submits them. `last` is the newest submission that is known of: where there is a newer one
    /// that somebody else made meanwhile, what is missing is to be looked at anew.
    fn submit(&self, runs: &[TaskRun], stored: &store::Sweep, last: u64) -> Result<(), Error> {
        let config = self.cluster.config().map_err(|error| {
            Error::failure(format!("Slurm does not answer: {error}"))
                .with_help("`sinfo` says whether this is a login node; nothing was submitted")
        })?;
        let most = config.max_array_size.unwrap_or(1);
        let batch = Batch::of(runs, self.sweep, self.results, Some(stored), most)?;
        for (node, count) in &batch.left_out {
            eprintln!(
                "node {node} is left out: the last {count} runs on it failed (`exclude_after: 0` takes it again)"
            );
        }
        let folder = batch.folder();
        std::fs::create_dir_all(&folder).map_err(outside)?;
        for (last, tasks) in (last..).zip(&batch.arrays) {
            let submission = Submission::new(&self.sweep.name, &folder, &self.sweep.hash, last, tasks.clone());
            let script = submission.script(&folder);
            std::fs::write(&script, batch.script(&submission.name, tasks.len())).map_err(outside)?;
            if !submission.place(&folder).map_err(outside)? {
                let _ = std::fs::remove_file(script);
                return Ok(());
            }
            self.refuse_beside_local(&submission, &folder)?;
            let job = submit::submit(&self.cluster, &submission, &folder).map_err(explain)?;
            let runs = counted(tasks.iter().map(Vec::len).sum(), "run");
            let (tasks, why) = (counted(tasks.len(), "task"), &batch.packing.why);
            eprintln!("job {job}: {runs} in {tasks} ({why}), {}", submission.name);
        }
        Ok(())
    }

    /// Refuses while a process on its own machine executes the sweep.
    fn refuse_beside_local(&self, submission: &Submission, folder: &Path) -> Result<(), Error> {
        let Some(other) = holder(&self.layout.claims().join(AGENT)).filter(|other| other.is_alive() != Some(false))
        else {
            return Ok(());
        };
        let why = format!("{other} executes `{}` on its own machine", self.sweep.name);
        submission.decide(folder, Outcome::Void(why.clone())).map_err(outside)?;
        Err(Error::failure(why).with_help(format!("`tessera stop {}` stops it", self.sweep.name)))
    }

    fn todo<'b>(&'b self, stored: Option<&'b store::Sweep>) -> Todo<'b> {
        Todo::of(self.plan, stored, &self.version, self.execution.stale)
    }

    fn progress(&self, missing: Missing, over: bool, stored: &store::Sweep, tasks: &Tasks) -> Progress {
        let states = self.plan.runs.iter().filter_map(|run| stored.state(&run.id));
        let seen: Vec<Status> = states.map(|state| tasks.seen(state)).collect();
        let count = |want: fn(Status) -> bool| seen.iter().filter(|status| want(**status)).count();
        let view = View {
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
        };
        Progress { missing, over, view, stopped: count(|status| status == Status::Stopped) }
    }

    /// Waits, at first a second, later longer: a scheduler that many people use is not to be asked all the time.
    fn pause(&self) {
        let since = self.began.elapsed();
        let until = Instant::now() + (since / 20).clamp(Duration::from_secs(1), Duration::from_secs(15));
        while Instant::now() < until && !self.left.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Says how it stands; where all is over, draws what there is to draw.
    fn close(&self, progress: &Progress) -> Result<ExitCode, Error> {
        let (name, missing) = (&self.sweep.name, &progress.missing);
        eprintln!("{name}: {}", progress::counts(&progress.view));
        if let Some(why) = missing.unknown.first() {
            eprintln!("of {} nothing is known: {why}", counted(missing.unknown.len(), "run"));
            eprintln!("  help: where what has them is gone: tessera retry {name} --lost");
        }
        if !progress.over {
            eprintln!("the jobs go on: the same command shows them, `tessera stop {name}` cancels them");
            return Ok(if self.execution.detach { ExitCode::Success } else { ExitCode::Stopped });
        }
        if missing.failed > 0 {
            eprintln!("  `tessera status {name}` says which failed, and why");
        }
        if let Some((_, end)) = missing.dropped.first() {
            let how = end.map(|end| format!(" ({end})")).unwrap_or_default();
            eprintln!("{} left undone: no task has them any more{how}", counted(missing.dropped.len(), "run"));
            if missing.stuck > 0 {
                eprintln!("{} of them got no further in all the time of a task, and left no checkpoint", missing.stuck);
                eprintln!("  help: a longer `slurm: {{time: …}}`, or a trainer that writes checkpoints");
            }
            eprintln!("  help: what tasks said is in {}", self.layout.submissions().display());
            eprintln!("        the same command submits them again");
        }
        crate::session::finish::finish(self.results, self.sweep.clone(), &self.execution.spec, true)?;
        let whole = missing.failed == 0 && missing.dropped.is_empty() && missing.unknown.is_empty();
        Ok(if whole { ExitCode::Success } else { ExitCode::SomeFailed })
    }
}

fn explain(error: SubmitError) -> Error {
    let shown = Error::failure(error.to_string());
    match error {
        SubmitError::Refused { help: Some(help), .. } => shown.with_help(help),
        SubmitError::Unclear { .. } => shown.with_help("the same command finds out, and submits only what is missing"),
        SubmitError::Missing(_) => shown.with_help("`--on slurm` needs Slurm's programs: call it on a login node"),
        SubmitError::Refused { .. } | SubmitError::Void(_) | SubmitError::File { .. } => shown,
    }
}
