//! On a real Slurm of one node with four pretended GPUs, which `slurm/loopback.sh` starts on loopback. Skipped where
//! Slurm's daemons are not installed (`tests/slurm/loopback.sh install`); with `TESSERA_SLURM=1` that is a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Writes a row and a checkpoint every tenth of a second, and goes on from a checkpoint.
const TRAIN: &str = r#"trap 'exit 143' TERM
echo "$CUDA_VISIBLE_DEVICES" >> "$1/device"
s=0; [ -z "$3" ] || s=$(cat "$3")
echo step,loss > "$1/metrics.csv"
while [ $s -lt STEPS ]; do
  echo "$s,$2" >> "$1/metrics.csv"; s=$((s + 1)); echo $s > "$1/.aside"; mv "$1/.aside" "$1/step-$s.ckpt"
  sleep 0.1 & wait $!
done
"#;

/// A cluster with a sweep.
struct Cluster {
    folder: tempfile::TempDir,
    conf: String,
    /// Rows of each run's history.
    steps: usize,
}

impl Cluster {
    /// A cluster and a sweep `s` of so many runs with so many steps; `None` where Slurm is not installed.
    fn up(runs: usize, steps: usize, slurm: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let installed = ["slurmctld", "slurmd", "munged"].iter().all(|program| {
            let found = |folder: &str| Path::new(folder).join(program).exists();
            ["/usr/sbin", "/usr/local/sbin", "/sbin"].iter().any(|folder| found(folder))
        });
        if !installed {
            assert!(std::env::var_os("TESSERA_SLURM").is_none(), "Slurm's daemons are not installed");
            eprintln!("skipped: Slurm's daemons are not installed (`tests/slurm/loopback.sh install`)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("lb").tempdir_in("/tmp").unwrap();
        let mut up = script(&["up"], folder.path());
        up.env("SLURM_LB_CPUS", "8").envs(settings.iter().copied());
        let output = up.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let cluster = Self { folder, conf: said.trim().replace("export SLURM_CONF=", ""), steps };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let path = cluster.path();
        std::fs::write(path.join("train.sh"), TRAIN.replace("STEPS", &steps.to_string())).unwrap();
        let spec = format!(
            "sweep: s\ncommand: sh train.sh {{run.dir}} {{x}}\nresume: sh train.sh {{run.dir}} {{x}} {{checkpoint}}\n\
             checkpoints: {{match: 'step-*.ckpt', keep: 2}}\nmetric: {{name: loss, goal: min, reduce: last}}\n\
             grid: {{x: {{range: [1, {runs}]}}}}\nresources: {{gpu: 1}}\nslurm: {{{slurm}}}\n"
        );
        std::fs::write(path.join("s.yaml"), spec).unwrap();
        Some(cluster)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).args(arguments).env("SLURM_CONF", &self.conf);
        command.env_remove("TESSERA_RESULTS").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn tessera(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_tessera"), arguments).output().unwrap()
    }

    fn start(&self) -> Child {
        self.command(env!("CARGO_BIN_EXE_tessera"), &["run", "s.yaml", "--on", "slurm"]).spawn().unwrap()
    }

    fn slurm(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", said(&output));
    }

    /// The facts of all journals.
    fn facts(&self, kind: &str) -> Vec<serde_json::Value> {
        let mut facts = Vec::new();
        for journal in std::fs::read_dir(self.path().join("results/s/journal")).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(journal.path()).unwrap();
            let whole = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            facts.extend(whole.filter(|fact| fact["fact"] == kind));
        }
        facts
    }

    /// Nothing twice, nothing lost: every run has one result that counts, and every step once.
    fn is_whole(&self, runs: usize) {
        let query = "SELECT run, COUNT(*) AS n, COUNT(DISTINCT step) AS steps FROM history GROUP BY run";
        let output = self.tessera(&["query", query, "--format", "csv"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows.len(), runs, "{text}{}", said(&output));
        let whole = format!(",{0},{0}", self.steps);
        assert!(rows.iter().all(|row| row.ends_with(&whole)), "{text}");
        let status = self.tessera(&["status", "s"]);
        assert!(String::from_utf8_lossy(&status.stdout).contains(&format!("{runs} finished")), "{status:?}");
        assert!(self.tessera(&["verify", "s"]).status.success());
        let mut started = BTreeMap::new();
        for fact in self.facts("started") {
            *started.entry((fact["run"].to_string(), fact["attempt"].to_string())).or_insert(0) += 1;
        }
        assert!(started.values().all(|count| *count == 1), "an attempt was executed twice: {started:?}");
    }

    fn submissions(&self) -> usize {
        let files = std::fs::read_dir(self.path().join("results/s/slurm")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json")).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = script(&["down"], self.path()).stderr(Stdio::null()).output();
    }
}

/// A call of the script for the cluster in a folder.
fn script(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/loopback.sh"));
    command.arg(words[0]).arg(folder.join("lb")).args(&words[1..]);
    command.stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn runs_go_over_four_gpus_and_the_login_process_may_end() {
    let Some(cluster) = Cluster::up(24, 5, "runs_per_task: 2", &[]) else { return };
    let mut login = cluster.start();
    until("the first result", || !cluster.facts("finished").is_empty());
    login.kill().unwrap();
    login.wait().unwrap();
    let status = String::from_utf8_lossy(&cluster.tessera(&["status", "s"]).stdout).into_owned();
    assert!(status.contains("4 tasks execute"), "{status}");
    let again = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(again.status.success(), "{}", said(&again));
    cluster.is_whole(24);
    assert_eq!((cluster.submissions(), cluster.facts("started").len(), cluster.facts("finished").len()), (1, 24, 24));
    let mut devices = BTreeMap::new();
    for fact in cluster.facts("started") {
        let (run, device) = (fact["run"].as_str().unwrap(), fact["device"].as_str().unwrap().to_owned());
        // What the journal says is what the program saw.
        let seen = cluster.path().join(format!("results/s/work/{run}/1/device"));
        assert_eq!(std::fs::read_to_string(seen).unwrap().trim(), device);
        *devices.entry(device).or_insert(0) += 1;
    }
    assert_eq!(devices.keys().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let third = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(said(&third).contains("24/24 done"), "{}", said(&third));
    assert_eq!(cluster.submissions(), 1);
}

#[test]
fn what_is_cancelled_or_put_back_goes_on_from_its_checkpoint() {
    let Some(cluster) = Cluster::up(4, 40, "time: 20m", &[]) else { return };
    let submitted = cluster.tessera(&["run", "s.yaml", "--on", "slurm", "--detach"]);
    assert!(submitted.status.success(), "{}", said(&submitted));
    until("four runs", || cluster.facts("started").len() == 4);
    std::thread::sleep(Duration::from_millis(800));
    // One run is cancelled, another's task is warned as it is when its time runs out, a third is put back by somebody.
    let of_task = |task: u64| {
        let facts = cluster.facts("started");
        let fact = facts.iter().find(|fact| fact["task"]["task"] == task).unwrap();
        (fact["run"].as_str().unwrap().to_owned(), format!("{}_{task}", fact["task"]["job"].as_str().unwrap()))
    };
    let (cancelled, _) = of_task(0);
    let ((warned, second), (put_back, third)) = (of_task(1), of_task(2));
    let stop = cluster.tessera(&["stop", "s", &cancelled[..10]]);
    assert!(said(&stop).contains("1 tasks are cancelled"), "{}", said(&stop));
    cluster.slurm("scancel", &["--signal=USR1", "--batch", &second]);
    cluster.slurm("scontrol", &["requeue", &third]);
    until("three stopped", || cluster.facts("stopped").len() == 3);
    let finished = cluster.tessera(&["run", "s.yaml", "--on", "slurm"]);
    assert!(finished.status.success(), "{}", said(&finished));
    cluster.is_whole(4);
    // Only what was cancelled was submitted again.
    assert_eq!((cluster.submissions(), cluster.facts("finished").len()), (2, 4));
    for run in [cancelled, warned, put_back] {
        let facts = cluster.facts("started");
        let second = facts.iter().find(|fact| fact["run"] == *run && fact["attempt"] == 2).unwrap();
        assert_eq!(second["resume"][0], 1, "{second}");
        assert!(second["resume"][1].as_u64().unwrap() > 0, "{second}");
    }
}

#[test]
fn a_task_that_is_executed_twice_counts_once() {
    let quick = [("SLURM_LB_TIMEOUT", "2"), ("SLURM_LB_MSG", "2"), ("SLURM_LB_NODES", "2")];
    let Some(cluster) = Cluster::up(3, 180, "", &quick) else { return };
    let login = cluster.start();
    until("the first runs", || cluster.facts("started").len() == 3);
    // A node's slurmd is ended. What its tasks execute goes on, and Slurm puts the tasks back all the same.
    let facts = cluster.facts("started");
    let node = facts[0]["task"]["node"].as_str().unwrap().to_owned();
    let stopped = script(&["stop", &format!("slurmd-{node}"), "KILL"], cluster.path()).output().unwrap();
    assert!(stopped.status.success());
    let waiting = || {
        let output = cluster.command("squeue", &["-h", "-a", "-r", "-t", "PD", "-o", "%F_%K"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let of_node = facts.iter().filter(|fact| fact["task"]["node"] == *node).count();
    until("the tasks put back", || waiting().len() == of_node);
    // They would wait two minutes; the other node has room.
    for task in waiting() {
        cluster.slurm("scontrol", &["update", &format!("jobid={task}"), "StartTime=now"]);
    }
    let output = login.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    until("the old processes' results", || cluster.facts("finished").len() == 3 + of_node);
    cluster.is_whole(3);
    let again = cluster.facts("started").iter().filter(|fact| fact["attempt"] == 2).count();
    assert_eq!(again, of_node);
    let restarted = |fact: &serde_json::Value| fact["task"]["restart"].as_u64().unwrap() > 0;
    assert!(cluster.facts("started").iter().all(|fact| restarted(fact) == (fact["attempt"] == 2)));
}
