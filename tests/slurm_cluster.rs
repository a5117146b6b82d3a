//! A real Slurm of one node with four pretended GPUs, which `slurm/loopback.sh` starts on loopback. Tests on it are skipped
//! where Slurm's daemons are not installed (`tests/slurm/loopback.sh install`); with `TESSERA_SLURM=1` that is a failure.

use crate::support::said;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Writes a row and a checkpoint every so many seconds, and goes on from a checkpoint.
const TRAIN: &str = r#"trap 'exit 143' TERM
echo "$CUDA_VISIBLE_DEVICES" >> "$1/device"
s=0; [ -z "$3" ] || s=$(cat "$3")
echo step,loss > "$1/metrics.csv"
while [ $s -lt STEPS ]; do
  echo "$s,$2" >> "$1/metrics.csv"; s=$((s + 1)); echo $s > "$1/.aside"; mv "$1/.aside" "$1/step-$s.ckpt"
  sleep PAUSE & wait $!
done
"#;

/// A cluster, and a folder to work in.
pub struct Cluster {
    folder: tempfile::TempDir,
    conf: String,
    /// A folder whose programs come before Slurm's own.
    programs: std::path::PathBuf,
}

impl Cluster {
    /// A cluster; `None` where Slurm is not installed. `settings` are those of `slurm/loopback.sh`.
    pub fn up(settings: &[(&str, &str)]) -> Option<Self> {
        if !are_installed(&["slurmctld", "slurmd", "munged"]) {
            assert!(std::env::var_os("TESSERA_SLURM").is_none(), "Slurm's daemons are not installed");
            eprintln!("skipped: Slurm's daemons are not installed (`tests/slurm/loopback.sh install`)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("lb").tempdir_in("/tmp").unwrap();
        let mut up = script(&["up"], folder.path());
        up.env("SLURM_LB_CPUS", "8").envs(settings.iter().copied());
        let output = up.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let programs = folder.path().join("bin");
        let cluster = Self { folder, conf: said.trim().replace("export SLURM_CONF=", ""), programs };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(cluster)
    }

    /// A sweep `s` of so many runs, each with so many steps and a pause after each. `more` are lines of the spec.
    pub fn sweep(&self, runs: usize, steps: usize, pause: f64, more: &str) {
        let train = TRAIN.replace("STEPS", &steps.to_string()).replace("PAUSE", &pause.to_string());
        self.write("train.sh", &train);
        let spec = format!(
            "sweep: s\ncommand: sh train.sh {{run.dir}} {{x}}\nresume: sh train.sh {{run.dir}} {{x}} {{checkpoint}}\n\
             checkpoints: {{match: 'step-*.ckpt', keep: 2}}\nmetric: {{name: loss, goal: min, reduce: last}}\n\
             grid: {{x: {{range: [1, {runs}]}}}}\nresources: {{gpu: 1}}\n{more}\n"
        );
        self.write("s.yaml", &spec);
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// A program that is found before the one of Slurm with its name.
    pub fn instead(&self, name: &str, shell: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(&self.programs).unwrap();
        let path = self.programs.join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{shell}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).args(arguments).env("SLURM_CONF", &self.conf);
        command.env_remove("TESSERA_RESULTS").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn tessera_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_tessera"), arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.programs.display())).env("TESSERA_RESERVATIONS", "");
        command
    }

    pub fn tessera(&self, arguments: &[&str]) -> Output {
        self.tessera_command(arguments).output().unwrap()
    }

    /// A session that waits.
    pub fn login(&self, spec: &str) -> Child {
        self.tessera_command(&["run", spec, "--on", "slurm"]).spawn().unwrap()
    }

    pub fn slurm(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends a daemon.
    pub fn end(&self, daemon: &str, signal: &str) {
        assert!(script(&["stop", daemon, signal], self.path()).output().unwrap().status.success());
    }

    /// The facts of all journals of `s`.
    pub fn facts(&self, kind: &str) -> Vec<serde_json::Value> {
        self.facts_of("s", kind)
    }

    pub fn facts_of(&self, sweep: &str, kind: &str) -> Vec<serde_json::Value> {
        let mut facts = Vec::new();
        let journals = self.path().join("results").join(sweep).join("journal");
        for journal in std::fs::read_dir(journals).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(journal.path()).unwrap();
            let whole = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            facts.extend(whole.filter(|fact| fact["fact"] == kind));
        }
        facts
    }

    /// Nothing twice, nothing lost: every run of `s` has one result that counts, and each of its steps once.
    pub fn is_whole(&self, runs: usize, steps: usize) {
        let query = "SELECT run, COUNT(*) AS n, COUNT(DISTINCT step) AS steps FROM history GROUP BY run";
        let output = self.tessera(&["query", query, "--format", "csv"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows.len(), runs, "{text}{}", said(&output));
        let whole = format!(",{steps},{steps}");
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

    /// How often a job was submitted for `s`.
    pub fn submissions(&self) -> usize {
        let files = std::fs::read_dir(self.path().join("results/s/slurm")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json")).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = script(&["down"], self.path()).stderr(Stdio::null()).output();
    }
}

/// Whether these daemons are installed.
pub fn are_installed(daemons: &[&str]) -> bool {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(Path::new);
    daemons.iter().all(|daemon| folders.iter().any(|folder| folder.join(daemon).exists()))
}

/// A call of the script for the cluster in a folder.
fn script(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/loopback.sh"));
    command.arg(words[0]).arg(folder.join("lb")).args(&words[1..]);
    command.stdin(Stdio::null());
    command
}

pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}
