//! Stage run: the loop with a worker that speaks the protocol and misbehaves on request (`worker.py`).

use std::path::{Path, PathBuf};
use std::time::Duration;
use tessera::agent::{Array, QueuedRun, RunError, Settings, Sink, SinkError, Summary, Trainer, execute};
use tessera::presence::requests::Request;
use tessera::presence::view::{View, Watch};
use tessera::process::StopReason;
use tessera::record::{Fact, Failure, Layout, Outcome, Parameters, PlannedRun, Rows, RunId, Value};
use tessera::spec::{Command, OnFailure, Resources, Template};

/// Keeps what the loop hands on.
#[derive(Default)]
struct Kept {
    facts: Vec<Fact>,
    rows: Vec<(RunId, u32, Rows)>,
    arrays: Vec<(RunId, u64, Vec<Array>)>,
    commits: usize,
    full_after: Option<usize>,
}

impl Sink for Kept {
    fn fact(&mut self, fact: Fact) -> Result<(), SinkError> {
        if self.full_after.is_some_and(|most| self.facts.len() >= most) {
            return Err(SinkError("no space left on device".into()));
        }
        self.facts.push(fact);
        Ok(())
    }
    fn history(&mut self, run: &RunId, attempt: u32, rows: &Rows) -> Result<(), SinkError> {
        self.rows.push((run.clone(), attempt, rows.clone()));
        Ok(())
    }
    fn arrays(&mut self, run: &RunId, _: u32, step: u64, arrays: Vec<Array>) -> Result<(), SinkError> {
        self.arrays.push((run.clone(), step, arrays));
        Ok(())
    }
    fn commit(&mut self) -> Result<(), SinkError> {
        self.commits += 1;
        Ok(())
    }
}

impl Kept {
    /// `(run, word)` of every end, in order.
    fn ends(&self) -> Vec<(RunId, String)> {
        let end = |fact: &Fact| match fact {
            Fact::Finished { run, outcome: Outcome::Done, .. } => Some((run.clone(), "done".to_owned())),
            Fact::Finished { run, .. } => Some((run.clone(), "diverged".to_owned())),
            Fact::Failed { run, failure, .. } => Some((run.clone(), failure.to_string())),
            Fact::Stopped { run, .. } => Some((run.clone(), "stopped".to_owned())),
            _ => None,
        };
        self.facts.iter().filter_map(end).collect()
    }

    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.ends().into_iter().map(|(_, word)| word).collect();
        words.sort();
        words
    }

    fn message(&self) -> String {
        let message = |fact: &Fact| match fact {
            Fact::Failed { message, .. } => Some(message.clone()),
            _ => None,
        };
        self.facts.iter().find_map(message).unwrap_or_default()
    }
}

/// Watches, and calls something once a run shows numbers.
#[derive(Default)]
struct Eye<'a> {
    said: Vec<String>,
    views: Vec<View>,
    when_running: Option<Box<dyn FnMut() + 'a>>,
}

impl Watch for Eye<'_> {
    fn show(&mut self, view: &View) {
        self.views.push(view.clone());
        if view.slots.iter().any(|slot| slot.step > 0)
            && let Some(mut call) = self.when_running.take()
        {
            call();
        }
    }
    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }
    fn finish(&mut self) {}
}

struct Sweep {
    folder: tempfile::TempDir,
    settings: Settings,
    tasks: Vec<QueuedRun>,
}

fn worker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worker.py")
}

/// A sweep of runs with these parameters.
fn sweep(runs: &[&[(&str, Value)]]) -> Sweep {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        sweep: "test".into(),
        trainer: Trainer::Lab { name: "toy".into(), program: worker() },
        probe: None,
        resources: Resources::default(),
        on_failure: OnFailure::default(),
        metric: Some("kl".into()),
        common: Parameters::new(),
        axes: vec!["act".into()],
        slots: Some(2),
        gpus: Vec::new(),
        share_busy: false,
        reservations: None,
        folders: Layout::absolute(folder.path(), "test").unwrap(),
        agent: "test".into(),
        git: String::new(),
        spec: "0123456789abcdef".into(),
        done_before: (0, 0),
        grace: Duration::from_millis(400),
        allotted: None,
    };
    let task = |(place, parameters): (usize, &&[(&str, Value)])| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let planned = PlannedRun { run: RunId::of(&place.to_string()), seed: place as u64, parameters };
        QueuedRun { planned, attempt: 1, resume: None }
    };
    let tasks = runs.iter().enumerate().map(task).collect();
    Sweep { folder, settings, tasks }
}

impl Sweep {
    fn execute(self) -> (Summary, Kept) {
        let mut kept = Kept::default();
        let summary = self.execute_into(&mut kept, &mut Eye::default()).unwrap();
        (summary, kept)
    }

    fn execute_into(&self, kept: &mut Kept, eye: &mut Eye<'_>) -> Result<Summary, RunError> {
        execute(self.settings.clone(), self.tasks.clone(), kept, eye)
    }
}

/// A sweep of runs of `sh -c script`, which finds its parameters in its environment.
fn commands(script: &str, acts: &[&str]) -> Sweep {
    let acts: Vec<_> = acts.iter().map(|name| act(name)).collect();
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let mut sweep = sweep(&runs);
    let file = sweep.folder.path().join("train.sh");
    std::fs::write(&file, script).unwrap();
    let template = Template::parse(&format!("sh {} {{run.dir}}", file.display())).unwrap();
    let command = Command { template, ..Command::default() };
    let folder = sweep.folder.path().to_owned();
    sweep.settings.trainer = Trainer::Command { command: command.into(), folder, version: "v2".into() };
    sweep
}

/// Writes one line of metrics, as a patient script would.
const METRICS: &str = r#"printf 'step,kl\n0,1.5\n' > "$1/metrics.csv"; "#;

fn act(act: &str) -> Vec<(&'static str, Value)> {
    vec![("act", Value::from(act))]
}

#[test]
fn every_run_is_executed_once_and_its_numbers_are_kept() {
    let steps = [("steps", Value::from(3i64))];
    let runs: Vec<&[(&str, Value)]> = vec![&steps; 40];
    let (summary, kept) = sweep(&runs).execute();
    assert_eq!((summary.done, summary.left, summary.stop_reason), (40, 0, None));
    let mut ends = kept.ends();
    ends.sort();
    ends.dedup();
    assert_eq!(ends.len(), 40);
    assert_eq!(kept.rows.len(), 120);
    assert_eq!(kept.rows[0].2.metrics["kl"][0].0, 0.0);
    assert!(kept.commits > 0);
}

#[test]
fn a_worker_that_dies_fails_only_its_run() {
    let acts = [act("finish"), act("die"), act("segfault"), act("finish"), act("finish")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let (sweep, mut kept) = (sweep(&runs), Kept::default());
    let summary = sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!(kept.words(), ["crash", "crash", "done", "done", "done"]);
    let died = summary.failed.iter().find(|failed| failed.message == "exit code 7: about to die").unwrap();
    assert!(std::fs::read_to_string(&died.log).unwrap().ends_with("about to die\n"));
    assert!(summary.failed.iter().any(|failed| failed.message == "SIGSEGV"));
}

#[test]
fn a_failure_carries_the_last_lines_of_its_own_log() {
    let acts = [act("finish"), act("die")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let mut sweep = sweep(&runs);
    sweep.settings.slots = Some(1);
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    let run = &summary.failed[0].run;
    assert_eq!(kept.message(), format!("exit code 7: about to die\nthis is run {run}\nabout to die"));
    let log = std::fs::read_to_string(&summary.failed[0].log).unwrap();
    assert_eq!(log, format!("this is run {run}\nabout to die\n"));
}

#[test]
fn crashes_and_oom_are_tried_again_as_the_policy_says() {
    let acts = [act("die once"), act("out of memory once"), act("out of memory")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let mut sweep = sweep(&runs);
    sweep.settings.on_failure.crash_retries = 1;
    let (summary, kept) = sweep.execute();
    assert_eq!(kept.words(), ["crash", "done", "done", "oom", "oom", "oom"]);
    assert_eq!(summary.failed[0].failure, Failure::Oom);
}

#[test]
fn the_same_crash_again_and_again_launches_nothing_new() {
    let die = act("die");
    let runs: Vec<&[(&str, Value)]> = vec![&die; 20];
    let mut sweep = sweep(&runs);
    sweep.settings.on_failure.stop_after = Some(3);
    sweep.settings.slots = Some(1);
    let (summary, kept) = sweep.execute();
    assert_eq!(summary.stop_reason, Some(StopReason::SameCrash(3)));
    assert_eq!((kept.ends().len(), summary.left), (3, 17));
}

#[test]
fn limits_end_what_hangs() {
    let acts = [act("hang"), act("finish")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let mut limited = sweep(&runs);
    limited.settings.resources.stall = Some(Duration::from_millis(300));
    assert_eq!(limited.execute().1.words(), ["done", "stalled"]);
    let mut limited = sweep(&runs);
    limited.settings.resources.time = Some(Duration::from_millis(300));
    let (summary, kept) = limited.execute();
    assert_eq!(kept.words(), ["done", "timeout"]);
    assert_eq!(summary.failed[0].message, "over its time limit of 0.3 s");
}

#[test]
fn a_worker_that_is_stopped_is_stalled() {
    let freeze = act("freeze");
    let (summary, kept) = sweep(&[&freeze]).execute();
    assert_eq!(kept.words(), ["stalled"]);
    assert!(summary.failed[0].message.contains("SIGSTOP"));
}

#[test]
fn a_time_limit_lets_the_worker_write_a_checkpoint_and_go_on() {
    let long = [("steps", Value::from(10_000i64)), ("pause", Value::from(0.01))];
    let short = [("steps", Value::from(1i64))];
    let mut sweep = sweep(&[&long, &short]);
    sweep.settings.slots = Some(1);
    sweep.settings.resources.time = Some(Duration::from_millis(300));
    let (_, kept) = sweep.execute();
    assert_eq!(kept.words(), ["done", "timeout"]);
    assert!(kept.facts.iter().any(|fact| matches!(fact, Fact::Checkpoint { .. })));
}

#[test]
fn a_result_needs_the_metric_of_the_sweep() {
    let acts = [act("no metric"), act("diverge")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let (summary, kept) = sweep(&runs).execute();
    assert_eq!(kept.words(), ["crash", "diverged"]);
    assert_eq!(summary.failed[0].message, "it ended without a value of the sweep's metric `kl`");
    assert_eq!((summary.done, summary.diverged), (1, 1));
}

#[test]
fn arrays_are_taken_in_and_deleted() {
    let arrays = act("arrays");
    let sweep = sweep(&[&arrays]);
    let mut kept = Kept::default();
    sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    let (_, step, arrays) = &kept.arrays[0];
    assert_eq!((*step, arrays[0].values.as_slice()), (1, [1.0, 2.0].as_slice()));
    assert!(!sweep.settings.folders.work(sweep.tasks[0].id(), 1).exists());
}

#[test]
fn a_peak_of_memory_is_a_bound_where_it_may_be_that_of_an_earlier_run() {
    let pause = ("pause", Value::from(0.3));
    let hungry = [("act", Value::from("memory")), pause.clone()];
    let brief = [("pause", Value::from(0.0))];
    let frugal = [pause];
    let mut sweep = sweep(&[&hungry, &frugal, &frugal, &brief, &frugal]);
    sweep.settings.slots = Some(1);
    let (_, kept) = sweep.execute();
    let peak = |fact: &Fact| match fact {
        Fact::Finished { run, peak_memory_mib, peak_is_bound, .. } => {
            Some((run.clone(), *peak_memory_mib, *peak_is_bound))
        }
        _ => None,
    };
    let peaks: Vec<_> = kept.facts.iter().filter_map(peak).collect();
    let of = |place: usize| peaks.iter().find(|(run, ..)| *run == RunId::of(&place.to_string())).unwrap();
    assert!(of(0).1.unwrap() > 200.0 && !of(0).2, "{peaks:?}");
    // After each measurement the kernel counts anew.
    assert!(of(1).1.unwrap() < 150.0 && !of(1).2, "{peaks:?}");
    assert!(!of(2).2, "{peaks:?}");
    assert_eq!((of(3).1, of(3).2), (None, false), "{peaks:?}");
    // It took no time to measure the brief run, whose memory may have been more.
    assert!(of(4).1.is_some() && of(4).2, "{peaks:?}");
}

#[test]
fn a_worker_that_lies_is_replaced() {
    let acts = [act("garbage"), act("steal"), act("finish")];
    let runs: Vec<&[(&str, Value)]> = acts.iter().map(Vec::as_slice).collect();
    let mut sweep = sweep(&runs);
    sweep.settings.slots = Some(1);
    std::fs::write(sweep.folder.path().join("secret"), "x").unwrap();
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!(kept.words(), ["crash", "crash", "done"]);
    assert!(summary.failed[0].message.contains("this is no JSON"), "{}", summary.failed[0].message);
    assert!(summary.failed[1].message.contains("no plain file name"), "{}", summary.failed[1].message);
    assert!(sweep.folder.path().join("secret").exists());
}

#[test]
fn a_worker_that_never_gets_ready_ends_the_session() {
    let finish = act("finish");
    for (name, words) in [("refuse", "no libtorch here"), ("old", "speaks version 99")] {
        let mut sweep = sweep(&[&finish]);
        let program = sweep.folder.path().join(name);
        std::os::unix::fs::symlink(worker(), &program).unwrap();
        sweep.settings.trainer = Trainer::Lab { name: "toy".into(), program };
        let error = sweep.execute_into(&mut Kept::default(), &mut Eye::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let mut sweep = sweep(&[&finish]);
    sweep.settings.trainer = Trainer::Lab { name: "toy".into(), program: "/nonexistent/tessera-lab".into() };
    let error = sweep.execute_into(&mut Kept::default(), &mut Eye::default()).unwrap_err();
    assert!(matches!(error, RunError::Program { .. }));
}

#[test]
fn a_worker_that_leaves_without_a_result_has_crashed() {
    let leave = act("leave");
    let (summary, kept) = sweep(&[&leave]).execute();
    assert_eq!(kept.words(), ["crash"]);
    assert_eq!(summary.failed[0].message, "it ended without a result");
}

#[test]
fn a_command_that_is_stopped_is_stalled() {
    let (summary, kept) = commands("kill -STOP $$; sleep 60", &["x"]).execute();
    assert_eq!(kept.words(), ["stalled"]);
    assert!(summary.failed[0].message.contains("SIGSTOP"));
}

#[test]
fn a_run_that_finds_no_room_fails_by_itself() {
    let sweep = commands("echo 'OSError: [Errno 28] No space left on device'; exit 1", &["x", "y", "z"]);
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!((summary.failed.len(), summary.stop_reason), (3, None));
    assert_eq!(summary.failed[0].message, "exit code 1: OSError: [Errno 28] No space left on device");
}

#[test]
fn a_full_disk_ends_the_session_with_its_message() {
    let finish = act("finish");
    let runs: Vec<&[(&str, Value)]> = vec![&finish; 10];
    let mut kept = Kept { full_after: Some(5), ..Kept::default() };
    let error = sweep(&runs).execute_into(&mut kept, &mut Eye::default()).unwrap_err();
    assert_eq!(error.to_string(), "no space left on device");
}

#[test]
fn commands_are_executed_and_their_numbers_picked_up() {
    let script = format!(r#"{METRICS} echo "hello from $TESSERA_ACT"; test "$TESSERA_ACT" != bad || exit 3"#);
    let sweep = commands(&script, &["good", "bad"]);
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!(kept.words(), ["crash", "done"]);
    assert_eq!(kept.rows[0].2.metrics["kl"][0].0, 1.5);
    assert_eq!(kept.message(), "exit code 3: hello from bad\nhello from bad");
    assert_eq!(std::fs::read_to_string(&summary.failed[0].log).unwrap(), "hello from bad\n");
    let version = kept.facts.iter().find_map(|fact| match fact {
        Fact::Started { provenance, .. } => Some(provenance.version.clone()),
        _ => None,
    });
    assert_eq!(version.unwrap(), "v2");
}

#[test]
fn a_command_without_a_value_of_the_metric_crashes() {
    let (summary, kept) = commands("exit 0", &["x"]).execute();
    assert_eq!(kept.words(), ["crash"]);
    assert!(summary.failed[0].message.contains("`kl`: no numbers were found"), "{}", summary.failed[0].message);
    let (summary, _) = commands(r#"printf 'step,loss,acc\n0,1,2\n' > "$1/metrics.csv""#, &["x"]).execute();
    assert!(summary.failed[0].message.ends_with("`kl`, but of loss, acc"), "{}", summary.failed[0].message);
    let (summary, _) = commands("echo 'RuntimeError: CUDA out of memory.' >&2; exit 1", &["x"]).execute();
    assert_eq!(summary.failed[0].failure, Failure::Oom);
}

#[test]
fn a_child_that_a_command_leaves_behind_is_ended() {
    let script = format!(r#"{METRICS} sleep 1000 & echo $! > "$1/child""#);
    let sweep = commands(&script, &["x"]);
    let mut kept = Kept::default();
    sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!(kept.words(), ["done"]);
    let child = std::fs::read_to_string(sweep.settings.folders.work(sweep.tasks[0].id(), 1).join("child")).unwrap();
    let child: u32 = child.trim().parse().unwrap();
    assert!(tessera::process::host::process(child).is_none_or(|(state, _)| state == 'Z'));
}

#[test]
fn a_command_that_ignores_sigterm_is_killed_with_the_class_of_the_cause() {
    let script = "trap '' TERM; while :; do sleep 0.05; done";
    let mut limited = commands(script, &["x"]);
    limited.settings.resources.time = Some(Duration::from_millis(200));
    assert_eq!(limited.execute().1.words(), ["timeout"]);
    let mut limited = commands(script, &["x"]);
    limited.settings.resources.stall = Some(Duration::from_millis(200));
    assert_eq!(limited.execute().1.words(), ["stalled"]);
}

#[test]
fn a_very_long_log_keeps_head_and_tail() {
    let script = format!(r#"{METRICS} echo first; head -c 100000000 /dev/zero | tr '\0' 'x'; echo; echo last"#);
    let sweep = commands(&script, &["x"]);
    let mut kept = Kept::default();
    sweep.execute_into(&mut kept, &mut Eye::default()).unwrap();
    assert_eq!(kept.words(), ["done"]);
    let log = std::fs::read(sweep.settings.folders.log(sweep.tasks[0].id(), 1)).unwrap();
    assert!(log.starts_with(b"first\nxxx") && log.ends_with(b"xxx\nlast\n"));
    assert!(log.len() < (64 << 20) + 100, "{} bytes", log.len());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut sweep = commands("", &["x"]);
    let template = Template::parse("/nonexistent/program {run.dir}").unwrap();
    let command = Command { template, ..Command::default() };
    let folder = sweep.folder.path().to_owned();
    sweep.settings.trainer = Trainer::Command { command: command.into(), folder, version: String::new() };
    let (summary, _) = sweep.execute();
    assert!(summary.failed[0].message.starts_with("cannot start `/nonexistent/program`"));
}

#[test]
fn stop_from_another_terminal_lets_runs_write_a_checkpoint() {
    let long = [("steps", Value::from(10_000i64)), ("pause", Value::from(0.01))];
    let sweep = sweep(&[&long, &long, &long]);
    let folder = sweep.settings.folders.root().to_owned();
    let stop = move || Request::Stop { runs: Vec::new(), kill: false }.leave(&folder).unwrap();
    let mut eye = Eye { when_running: Some(Box::new(stop)), ..Eye::default() };
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut eye).unwrap();
    // The second worker may not have come as far as its run.
    assert!(kept.words().iter().all(|word| word == "stopped") && summary.stopped >= 1);
    assert_eq!((summary.stop_reason, summary.stopped + summary.left), (Some(StopReason::Stopped), 3));
    assert_eq!(kept.facts.iter().filter(|fact| matches!(fact, Fact::Checkpoint { .. })).count(), summary.stopped);
}

#[test]
fn stop_with_kill_waits_for_nothing() {
    let hang = [("act", Value::from("ignore stop")), ("steps", Value::from(10_000i64)), ("pause", Value::from(0.01))];
    let sweep = sweep(&[&hang]);
    let folder = sweep.settings.folders.root().to_owned();
    let stop = move || Request::Stop { runs: Vec::new(), kill: true }.leave(&folder).unwrap();
    let mut eye = Eye { when_running: Some(Box::new(stop)), ..Eye::default() };
    let mut kept = Kept::default();
    sweep.execute_into(&mut kept, &mut eye).unwrap();
    assert_eq!(kept.words(), ["stopped"]);
}

#[test]
fn one_run_can_be_stopped_and_the_others_go_on() {
    let long = [("steps", Value::from(10_000i64)), ("pause", Value::from(0.01))];
    let short = [("steps", Value::from(3i64))];
    let sweep = sweep(&[&long, &short, &short]);
    let (folder, run) = (sweep.settings.folders.root().to_owned(), sweep.tasks[0].id().clone());
    let stop = move || Request::Stop { runs: vec![run.clone()], kill: false }.leave(&folder).unwrap();
    let mut eye = Eye { when_running: Some(Box::new(stop)), ..Eye::default() };
    let mut kept = Kept::default();
    let summary = sweep.execute_into(&mut kept, &mut eye).unwrap();
    assert_eq!(kept.words(), ["done", "done", "stopped"]);
    assert_eq!(summary.stop_reason, None);
}
