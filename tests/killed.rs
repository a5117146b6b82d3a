//! Kill -9 at random moments, then the same command again: every run is finished once, none that was finished is begun
//! again, nothing is left behind. The suite kills a few times; `TESSERA_KILLS=50 TESSERA_KILL_RUNS=500 cargo test killed`
//! is the whole proof (`TESSERA_KILL_MS`: the longest time before a kill).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn tessera(place: &Path, arguments: &[&str]) -> Command {
    let mut command = crate::support::tessera();
    command.current_dir(place).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The processes whose working directory is this place or below it, zombies left out.
fn processes_in(place: &Path) -> Vec<PathBuf> {
    let place = place.canonicalize().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    all.filter(|process| process.join("cwd").read_link().is_ok_and(|folder| folder.starts_with(&place))).collect()
}

/// What the journals say of each run, in their order: `started`, `finished` …
fn stories(place: &Path) -> HashMap<String, Vec<String>> {
    let mut stories: HashMap<String, Vec<String>> = HashMap::new();
    for journal in std::fs::read_dir(place.join("results/s/journal")).unwrap() {
        let text = std::fs::read_to_string(journal.unwrap().path()).unwrap();
        for line in text.lines().skip(1) {
            let fact: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(run) = fact["run"].as_str() {
                stories.entry(run.to_owned()).or_default().push(fact["fact"].as_str().unwrap().to_owned());
            }
        }
    }
    stories
}

fn killed_again_and_again(spec: &str, longest_ms: u64) {
    let (kills, runs) = (number("TESSERA_KILLS", 4), number("TESSERA_KILL_RUNS", 40));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    std::fs::write(place.join("s.yaml"), spec.replace("RUNS", &runs.to_string())).unwrap();
    let mut state = number("TESSERA_KILL_SEED", 7);
    let mut struck = 0;
    for _ in 0..kills {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = tessera(place, &["run", "s.yaml", "--slots", "2"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis((state >> 33) % longest_ms));
        struck += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = tessera(place, &["run", "s.yaml", "--slots", "2"]).output().unwrap();
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
    let stories = stories(place);
    assert_eq!(stories.len() as u64, runs);
    for (run, story) in &stories {
        assert_eq!(story.iter().filter(|fact| *fact == "finished").count(), 1, "{run}: {story:?}");
        assert_eq!(story.last().unwrap(), "finished", "{run}: {story:?}");
    }
    assert_eq!(processes_in(place), [] as [PathBuf; 0]);
    let verified = tessera(place, &["verify", "s"]).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let again = stories.values().filter(|story| story.len() > 2).count();
    println!("{kills} kills, {struck} of them while it ran; of {runs} runs {again} were begun more than once");
}

#[test]
fn commands_are_finished_once() {
    // Each leaves a child behind.
    let script = "printf \"step,loss\\n0,1\\n\" > \"$0/metrics.csv\"; sleep 100 & sleep 0.02";
    killed_again_and_again(
        &format!(
            "sweep: s\ncommand: sh -c '{script}' {{run.dir}}\nmetric: {{name: loss, goal: min}}\n\
             grid: {{x: {{range: [1, RUNS]}}}}\n"
        ),
        number("TESSERA_KILL_MS", 400),
    );
}

#[test]
fn built_in_runs_are_finished_once() {
    killed_again_and_again(
        "sweep: s\ntrainer: toy\nmetric: {name: distance, goal: min}\nbase: {iterations: 20000, record.every: 100}\n\
         grid: {x1: {linear: [-1, 3], n: RUNS}}\n",
        number("TESSERA_KILL_MS", 1000),
    );
}
