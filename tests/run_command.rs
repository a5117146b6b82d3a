//! The whole way, as people go it: `tessera run`, `status`, `stop`, `retry`, `logs`, with a shell script as trainer.

use crate::support::said;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a spec, a script and results.
struct Place(tempfile::TempDir);

impl Place {
    /// A sweep `s` of four runs of this script; `$1` is the run's folder, `$2` is `x`: 1, 2, 3, 4.
    fn new(script: &str, further: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.path().join("train.sh"), script).unwrap();
        let spec = format!(
            "sweep: s\ncommand: sh train.sh {{run.dir}} {{x}}\nmetric: {{name: loss, goal: min, reduce: last}}\n\
             grid:\n  x: [1, 2, 3, 4]\n{further}"
        );
        std::fs::write(place.path().join("s.yaml"), spec).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = crate::support::tessera();
        command.current_dir(self.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn tessera(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self) -> Child {
        self.command(&["run", "s.yaml", "--slots", "2"]).spawn().unwrap()
    }

    /// How often each run has a `finished` line.
    fn finished(&self) -> Vec<usize> {
        let mut counts = std::collections::BTreeMap::new();
        for journal in std::fs::read_dir(self.path().join("results/s/journal")).unwrap() {
            let text = std::fs::read_to_string(journal.unwrap().path()).unwrap();
            for line in text.lines().filter(|line| line.contains(r#""fact":"finished""#)) {
                let fact: serde_json::Value = serde_json::from_str(line).unwrap();
                *counts.entry(fact["run"].to_string()).or_insert(0) += 1;
            }
        }
        counts.into_values().collect()
    }

    /// How many attempts the journal has begun.
    fn started(&self) -> usize {
        let journals = std::fs::read_dir(self.path().join("results/s/journal")).into_iter().flatten().flatten();
        let texts = journals.map(|journal| std::fs::read_to_string(journal.path()).unwrap_or_default());
        texts.map(|text| text.matches(r#""fact":"started""#).count()).sum()
    }

    /// The processes that scripts have noted in `pid.*`.
    fn noted(&self) -> Vec<u32> {
        let files = std::fs::read_dir(self.path()).unwrap().map(|file| file.unwrap().path());
        let noted = files.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("pid.")));
        noted.filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok()).collect()
    }
}

/// Writes one value.
const METRICS: &str = "printf 'step,loss\\n0,%s\\n' \"$2\" > \"$1/metrics.csv\"\n";
/// Notes its process and goes on for long, until it is told to end.
const LONG: &str = "echo $$ > pid.$2\nprintf 'step,loss\\n0,1\\n' > \"$1/metrics.csv\"\nsleep 60 & wait\n";

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_gone(pid: &u32) -> bool {
    tessera::process::host::process(*pid).is_none_or(|(state, _)| state == 'Z')
}

#[test]
fn a_sweep_is_executed_once_and_its_table_is_there() {
    let place = Place::new(METRICS, "");
    let dry = place.tessera(&["run", "s.yaml", "--dry-run"]);
    assert!(dry.status.success(), "{}", said(&dry));
    assert_eq!(String::from_utf8_lossy(&dry.stdout).lines().count(), 4);
    assert!(!place.path().join("results").exists());
    let first = place.tessera(&["run", "s.yaml", "--limit", "3"]);
    assert!(first.status.success(), "{}", said(&first));
    let second = place.tessera(&["run", "s.yaml"]);
    assert!(said(&second).contains("1 new · 3 done"), "{}", said(&second));
    let third = place.tessera(&["run", "s.yaml"]);
    assert!(third.status.success() && said(&third).contains("nothing to do: 4 done"), "{}", said(&third));
    assert_eq!(place.finished(), [1, 1, 1, 1]);
    assert!(place.path().join("results/s/runs.parquet").is_file());
    let table = place.tessera(&["table", "s", "--rows", "x", "--format", "csv"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains('4'), "{}", said(&table));
    let status = place.tessera(&["status", "s"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("4 finished"), "{}", said(&status));
}

#[test]
fn failures_are_told_and_retried() {
    let place = Place::new(&format!("{METRICS}echo why it fails\ntest $2 != 3 || test -e mended || exit 5\n"), "");
    let output = place.tessera(&["run", "s.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("1 failed (crash)") && said(&output).contains("exit code 5"), "{}", said(&output));
    let status = String::from_utf8_lossy(&place.tessera(&["status", "s"]).stdout).into_owned();
    let failed = status.lines().find(|line| line.contains("crash: exit code 5")).unwrap();
    let run = failed.split_whitespace().next().unwrap();
    let log = place.tessera(&["logs", &run[..8]]);
    assert_eq!(String::from_utf8_lossy(&log.stdout), "why it fails\n");
    let why = place.tessera(&["status", "s", "--why", run]);
    assert!(String::from_utf8_lossy(&why.stdout).contains("no process executes"), "{}", said(&why));
    std::fs::write(place.path().join("mended"), "").unwrap();
    let retried = place.tessera(&["retry", "s"]);
    assert!(retried.status.success(), "{}", said(&retried));
    assert_eq!(place.finished(), [1, 1, 1, 1]);
}

#[test]
fn one_process_executes_a_sweep_and_can_be_stopped_from_elsewhere() {
    let place = Place::new(LONG, "");
    let mut first = place.start();
    until("the first runs", || place.noted().len() == 2);
    let second = place.tessera(&["run", "s.yaml"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains(&format!("process {} on", first.id())), "{}", said(&second));
    assert!(place.tessera(&["stop", "s"]).status.success());
    assert_eq!(first.wait().unwrap().code(), Some(130));
    assert!(place.noted().iter().all(is_gone));
    let status = place.tessera(&["status", "s"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("2 stopped"), "{:?}", status);
}

#[test]
fn what_a_killed_tessera_leaves_behind_is_ended_before_anything_starts() {
    let place = Place::new(&format!("test -e mended && {{ {METRICS} exit 0; }}\n{LONG}"), "");
    let mut first = place.start();
    until("the first runs", || place.noted().len() == 2 && place.started() == 2);
    first.kill().unwrap();
    first.wait().unwrap();
    let left = place.noted();
    assert!(!left.iter().any(is_gone));
    std::fs::write(place.path().join("mended"), "").unwrap();
    let again = place.tessera(&["run", "s.yaml"]);
    assert!(again.status.success(), "{}", said(&again));
    assert!(said(&again).contains("left behind"), "{}", said(&again));
    assert!(left.iter().all(is_gone));
    assert_eq!(place.finished(), [1, 1, 1, 1]);
}

#[test]
fn a_power_cut_at_any_point_loses_and_repeats_nothing() {
    for point in ["append", "appended", "synced", "rename", "renamed"] {
        for count in [1, 2, 3] {
            let place = Place::new(METRICS, "");
            let cut = place.command(&["run", "s.yaml"]).env("TESSERA_FAIL_POINT", format!("{point}:{count}")).output();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&cut.unwrap().status), Some(9), "{point}:{count}");
            let again = place.tessera(&["run", "s.yaml"]);
            assert!(again.status.success(), "{point}:{count}: {}", said(&again));
            assert_eq!(place.finished(), [1, 1, 1, 1], "{point}:{count}");
        }
    }
}

#[test]
fn a_command_that_the_journal_does_not_know_yet_is_ended_too() {
    for ends in [&["status", "s"][..], &["run", "s.yaml"]] {
        let place = Place::new(&format!("test -e mended && {{ {METRICS} exit 0; }}\n{LONG}"), "");
        // The third line is that of the first start: the header and the plan go before it.
        let mut first = place.command(&["run", "s.yaml"]).env("TESSERA_FAIL_POINT", "append:3").spawn().unwrap();
        first.wait().unwrap();
        until("the first run", || place.noted().len() == 1);
        assert_eq!(place.started(), 0);
        let left = place.noted();
        assert!(!left.iter().any(is_gone));
        std::fs::write(place.path().join("mended"), "").unwrap();
        let ended = place.tessera(ends);
        assert!(said(&ended).contains(&format!("ended process {}", left[0])), "{}", said(&ended));
        assert!(left.iter().all(is_gone));
        assert!(place.tessera(&["run", "s.yaml"]).status.success());
        assert_eq!(place.finished(), [1, 1, 1, 1]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_anything_starts() {
    let place = Place::new(LONG, "");
    std::fs::write(place.path().join("results"), "a file").unwrap();
    let output = place.tessera(&["run", "s.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--results DIR"), "{}", said(&output));
    assert!(place.noted().is_empty());
}

#[test]
fn two_sweeps_share_the_cores_of_the_machine() {
    let place = Place::new(LONG, "");
    let reservations: PathBuf = place.path().join("reservations");
    let cores = std::thread::available_parallelism().unwrap().get().to_string();
    let other = std::fs::read_to_string(place.path().join("s.yaml")).unwrap().replace("sweep: s", "sweep: t");
    std::fs::write(place.path().join("t.yaml"), other).unwrap();
    let hold = |spec: &str| {
        let mut command = place.command(&["run", spec, "--slots", &cores]);
        command.env("TESSERA_RESERVATIONS", &reservations).spawn().unwrap()
    };
    let mut first = hold("s.yaml");
    let held = || std::fs::read_dir(&reservations).map_or(0, |files| files.count()).to_string();
    until("the first sweep's cores", || held() == cores && !place.noted().is_empty());
    let mut second = hold("t.yaml");
    let waits =
        || String::from_utf8_lossy(&place.tessera(&["status", "t"]).stdout).contains("held by tessera run of `s`");
    until("that the second waits", waits);
    for (sweep, child) in [("t", &mut second), ("s", &mut first)] {
        assert!(place.tessera(&["stop", sweep]).status.success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn what_a_killed_tessera_leaves_behind_is_ended_by_status_too() {
    let place = Place::new(LONG, "");
    let mut first = place.start();
    until("the first runs", || place.noted().len() == 2);
    let left = place.noted();
    let status = place.tessera(&["status", "s"]);
    assert!(!said(&status).contains("ended") && !left.iter().any(is_gone), "{}", said(&status));
    first.kill().unwrap();
    first.wait().unwrap();
    let status = place.tessera(&["status", "s"]);
    assert!(left.iter().all(|pid| said(&status).contains(&format!("ended process {pid}"))), "{}", said(&status));
    assert!(left.iter().all(is_gone));
}

#[test]
fn a_detached_sweep_goes_on_without_its_terminal() {
    let place = Place::new(METRICS, "");
    let wrong = place.tessera(&["run", "s.yaml", "--detach", "--set", "grid.x=[]"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let output = place.tessera(&["run", "s.yaml", "--detach"]);
    assert!(output.status.success(), "{}", said(&output));
    until("the end of the sweep", || {
        let status = place.tessera(&["status", "s"]);
        String::from_utf8_lossy(&status.stdout).contains("4 finished")
    });
    let log = std::fs::read_to_string(place.path().join("results/.s.detached.log")).unwrap();
    assert!(log.contains("4 new"), "{log}");
}

#[test]
fn what_another_machine_began_is_left_alone_until_it_is_given_up() {
    let place = Place::new(&format!("test -e mended && {{ {METRICS} exit 0; }}\n{LONG}"), "");
    let mut first = place.start();
    until("the first runs", || place.noted().len() == 2);
    first.kill().unwrap();
    first.wait().unwrap();
    let left = place.noted();
    let here = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let sum = regex::Regex::new(r#","sum":"[0-9a-f]{8}""#).unwrap();
    for folder in ["journal", "claims"] {
        for file in std::fs::read_dir(place.path().join("results/s").join(folder)).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let host = |name: &str| format!(r#""host":"{name}""#);
            // As a version wrote it that took no sums.
            let text = sum.replace_all(&text, "").replace(&host(here.trim()), &host("elsewhere"));
            std::fs::write(&file, text).unwrap();
        }
    }
    let refused = place.tessera(&["run", "s.yaml"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("on elsewhere") && said(&refused).contains("retry s --lost"), "{}", said(&refused));
    assert!(!left.iter().any(is_gone));
    let status = place.tessera(&["status", "s"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("2 unknown"), "{status:?}");
    left.iter().for_each(|&pid| tessera::process::group::signal(pid, nix::sys::signal::Signal::SIGKILL));
    std::fs::write(place.path().join("mended"), "").unwrap();
    // Those two alone; then the rest.
    let retried = place.tessera(&["retry", "s", "--lost"]);
    assert!(retried.status.success(), "{}", said(&retried));
    assert_eq!(place.finished(), [1, 1]);
    assert!(place.tessera(&["run", "s.yaml"]).status.success());
    assert_eq!(place.finished(), [1, 1, 1, 1]);
}

#[test]
fn a_sweep_is_watched_and_explained_from_elsewhere() {
    let place = Place::new(&format!("until test -e go; do sleep 0.05; done\n{METRICS}"), "");
    let mut first = place.start();
    let stdout = |output: Output| String::from_utf8_lossy(&output.stdout).into_owned();
    until("two runs that execute", || stdout(place.tessera(&["status", "s"])).contains("0/4 done · 2 running"));
    let status = stdout(place.tessera(&["status", "s"]));
    assert!(status.starts_with("s: 4 runs: 2 planned · 2 running\n"), "{status}");
    let watched = place.command(&["status", "s", "--watch"]).spawn().unwrap();
    let dry = stdout(place.tessera(&["run", "s.yaml", "--dry-run"]));
    let why = |run: &str| stdout(place.tessera(&["status", "s", "--why", run]));
    let whys: Vec<String> = dry.lines().map(|line| why(&line[..16])).collect();
    assert_eq!(whys.iter().filter(|why| why.contains("it executes: cpu ")).count(), 2, "{whys:?}");
    assert_eq!(whys.iter().filter(|why| why.contains("cpu 1: it executes another run")).count(), 2, "{whys:?}");
    std::fs::write(place.path().join("go"), "").unwrap();
    assert!(first.wait().unwrap().success());
    let watched = stdout(watched.wait_with_output().unwrap());
    assert!(watched.contains("cpu 0") && watched.lines().last().unwrap().contains("4 finished"), "{watched}");
    assert!(why(&dry[..16]).contains("it is finished"));
}

#[test]
fn under_nohup_a_sweep_outlives_its_terminal() {
    let place = Place::new(&format!("until test -e go; do sleep 0.05; done\n{METRICS}"), "");
    let mut nohup = Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_tessera")).args(["run", "s.yaml", "--slots", "2"]).current_dir(place.path());
    nohup.env("TESSERA_RESERVATIONS", "").env_remove("TESSERA_RESULTS").stdin(Stdio::null());
    let sweep = nohup.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("two runs", || place.started() == 2);
    assert!(Command::new("kill").args(["-HUP", &sweep.id().to_string()]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(500));
    std::fs::write(place.path().join("go"), "").unwrap();
    let output = sweep.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.finished(), [1, 1, 1, 1]);
}

#[test]
fn the_end_of_a_sweep_is_told() {
    let on_finish =
        "on_finish: echo $TESSERA_SWEEP $TESSERA_OUTCOME $TESSERA_RUNS $TESSERA_DONE $TESSERA_FAILED > told\n";
    let place = Place::new(&format!("{METRICS}test $2 != 3 || test -e mended || exit 5\n"), on_finish);
    let told = || std::fs::read_to_string(place.path().join("told")).unwrap();
    assert_eq!(place.tessera(&["run", "s.yaml"]).status.code(), Some(3));
    assert_eq!(told(), "s some failed 4 3 1\n");
    std::fs::write(place.path().join("mended"), "").unwrap();
    assert!(place.tessera(&["retry", "s"]).status.success());
    assert_eq!(told(), "s done 4 4 0\n");
    // Where nothing is done there is nothing to tell.
    std::fs::remove_file(place.path().join("told")).unwrap();
    assert!(place.tessera(&["run", "s.yaml"]).status.success());
    assert!(!place.path().join("told").exists());
}

#[test]
fn results_of_an_older_trainer_are_counted_and_made_again() {
    let place = Place::new(METRICS, "code: [train.sh]\n");
    assert!(place.tessera(&["run", "s.yaml"]).status.success());
    std::fs::write(place.path().join("train.sh"), format!("# better\n{METRICS}")).unwrap();
    let plan = place.tessera(&["plan", "s.yaml"]);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("4 done (4 by an older trainer)"), "{plan:?}");
    let kept = place.tessera(&["run", "s.yaml"]);
    assert!(said(&kept).contains("nothing to do: 4 done"), "{}", said(&kept));
    let again = place.tessera(&["run", "s.yaml", "--stale"]);
    assert!(
        again.status.success() && said(&again).contains("4 done by an older trainer, and again now"),
        "{}",
        said(&again)
    );
    assert_eq!(place.finished(), [2, 2, 2, 2]);
    let third = place.tessera(&["run", "s.yaml", "--stale"]);
    assert!(said(&third).contains("nothing to do: 4 done"), "{}", said(&third));
}

#[test]
fn a_journal_that_cannot_be_read_is_no_new_sweep() {
    let place = Place::new(METRICS, "");
    assert!(place.tessera(&["run", "s.yaml", "--limit", "1"]).status.success());
    let journal = std::fs::read_dir(place.path().join("results/s/journal")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, format!("{text}hello\n")).unwrap();
    let [run, plan] = ["run", "plan"].map(|command| place.tessera(&[command, "s.yaml"]));
    assert_eq!((run.status.code(), plan.status.code()), (Some(1), Some(1)));
    assert!(said(&plan).contains(&*journal.file_name().unwrap().to_string_lossy()), "{}", said(&plan));
    assert_eq!(said(&plan), said(&run));
}
