//! Any script, ended in the middle: it goes on from its newest checkpoint, older ones are deleted by policy, and a run
//! whose loss is not a number ends early.

use std::path::Path;
use std::process::Output;

fn tessera(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = crate::support::tessera();
    command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn query(folder: &Path, sql: &str) -> String {
    text(&tessera(folder, &["query", sql, "--format", "csv"]).stdout)
}

/// The example of the documentation, in a folder of its own.
#[test]
fn a_script_that_dies_goes_on_from_its_newest_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/resume");
    for file in ["train.py", "sweep.yaml"] {
        std::fs::copy(example.join(file), folder.path().join(file)).unwrap();
    }
    let output = tessera(folder.path(), &["run", "sweep.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Every step once: 50 of the first attempt, from the checkpoint at 50 on those of the second.
    let sql = "SELECT attempt, count(*) AS rows, min(step) AS first, max(step) AS last FROM history GROUP BY attempt ORDER BY attempt";
    assert_eq!(query(folder.path(), sql), "attempt,rows,first,last\n1,100,0,49\n2,100,50,99\n");
    let loss = query(folder.path(), "SELECT loss FROM runs WHERE lr = 0.1");
    let loss: f64 = loss.lines().nth(1).unwrap().parse().unwrap();
    assert!((loss / 0.9_f64.powi(100) - 1.0).abs() < 1e-9, "{loss}");
    // Two checkpoints stay in each attempt's folder, and the one that was gone on from is kept.
    let work = folder.path().join("results/resume/work");
    for run in std::fs::read_dir(work).unwrap() {
        let run = run.unwrap().path();
        for (attempt, expected) in [("1", ["step-40.json", "step-50.json"]), ("2", ["step-100.json", "step-90.json"])] {
            let files = std::fs::read_dir(run.join(attempt).join("ckpt")).unwrap();
            let mut names: Vec<_> = files.map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            assert_eq!(names, expected);
        }
    }
}

#[test]
fn a_loss_that_is_no_number_ends_its_run_early() {
    let folder = tempfile::tempdir().unwrap();
    let script = "printf 'step,loss,aux\\n0,1,nan\\n1,nan,1\\n' > \"$1/metrics.csv\"\nsleep 60 & wait\n";
    std::fs::write(folder.path().join("train.sh"), script).unwrap();
    let spec = "sweep: s\ncommand: sh train.sh {run.dir}\nmetric: {name: loss, goal: min}\n\
                metrics: {from: csv, stop_on_nan: [loss]}\n";
    std::fs::write(folder.path().join("s.yaml"), spec).unwrap();
    let began = std::time::Instant::now();
    let output = tessera(folder.path(), &["run", "s.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(began.elapsed().as_secs() < 30);
    let sql = "SELECT status, diverged_step FROM runs";
    assert_eq!(query(folder.path(), sql), "status,diverged_step\ndiverged,1\n");
}

/// A power cut takes tessera and the script; the checkpoint that was there is gone on from.
#[test]
fn after_a_power_cut_the_newest_checkpoint_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let script = "start=${2:-0}\nprintf 'step,loss\\n' > \"$1/metrics.csv\"\n\
                  for step in $(seq $start 9); do\n  echo $step,$step >> \"$1/metrics.csv\"\n\
                  test $step = 5 && { test -n \"$2\" || { echo 6 > \"$1/last.ckpt\"; sleep 60 & wait; }; }\n  :\ndone\n";
    std::fs::write(folder.path().join("train.sh"), script).unwrap();
    let spec = "sweep: s\ncommand: sh train.sh {run.dir}\nresume: sh train.sh {run.dir} {step}\n\
                checkpoints: last.ckpt\nmetric: {name: loss, goal: min}\n";
    std::fs::write(folder.path().join("s.yaml"), spec).unwrap();
    let mut command = crate::support::tessera();
    command.args(["run", "s.yaml"]).current_dir(folder.path());
    let mut first = command.spawn().unwrap();
    let journals = folder.path().join("results/s/journal");
    let recorded = || {
        let files = std::fs::read_dir(&journals).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).any(|text| text.contains("\"checkpoint\""))
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !recorded() {
        assert!(std::time::Instant::now() < deadline, "the checkpoint is not recorded");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let again = tessera(folder.path(), &["run", "s.yaml"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let sql = "SELECT attempt, count(*) AS rows, min(step) AS first, max(step) AS last FROM history GROUP BY attempt ORDER BY attempt";
    assert_eq!(query(folder.path(), sql), "attempt,rows,first,last\n1,6,0,5\n2,4,6,9\n");
}

/// Scripts that go on from a checkpoint, and the numbers that both attempts together leave.
#[test]
fn what_a_resumed_program_says_cuts_no_more_than_it_replaces() {
    let append = "for i in $(seq $1 $2); do echo \"{\\\"step\\\": $i, \\\"loss\\\": $i}\"; done >> $d/log.jsonl\n";
    let write = "w() { (echo step,loss; for i in $(seq $1 $2); do echo $i,$3; done) > $d/metrics.csv; }\n";
    for (name, from, script, steps) in [
        // The parameters, said at step 0 by each attempt, are no restart at step 0.
        (
            "step_5.pt",
            "jsonl",
            "echo '{\"step\": 0, \"lr\": 0.1}' >> $d/log.jsonl\na $f $((f+4))\necho x > $d/$c\n",
            10,
        ),
        // Steps that are logged after a checkpoint was seen, whose name tells no step.
        ("best_0.91.pt", "jsonl", "a $f $((f+2))\necho x > $d/$c\nsleep 2\na $((f+3)) $((f+4))\n", 10),
        // The resumed program keeps a checkpoint of its own and writes its file anew.
        ("", "csv", "w $f $((f+4)) 9\necho x > $d/step_$((f+5)).pt\nsleep 2\nw $f $((f+4)) 1\n", 10),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "d=$1; c={name}; f=0; test -n \"$2\" && f=5\na() {{\n{append}}}\n{write}{script}sleep 0.2; test $f = 5\n"
        );
        std::fs::write(folder.path().join("train.sh"), script).unwrap();
        let spec = format!(
            "sweep: s\ncommand: sh train.sh {{run.dir}}\nresume: sh train.sh {{run.dir}} {{checkpoint}}\n\
             metrics: {{from: {from}}}\ncheckpoints: '*.pt'\nmetric: {{name: loss, goal: min}}\non_failure: {{crash: retry 1}}\n"
        );
        std::fs::write(folder.path().join("s.yaml"), spec).unwrap();
        let output = tessera(folder.path(), &["run", "s.yaml"]);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let sql = "SELECT count(loss) AS n, count(DISTINCT step) AS steps, max(step) AS last FROM history";
        assert_eq!(query(folder.path(), sql), format!("n,steps,last\n{steps},{steps},9\n"), "{name} {from}");
        let run = query(folder.path(), "SELECT run FROM runs");
        let shown = text(&tessera(folder.path(), &["show", run.lines().last().unwrap()]).stdout);
        assert!(shown.contains("column `step`"), "{shown}");
    }
}
