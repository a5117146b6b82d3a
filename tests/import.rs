//! Past runs become a sweep, and a sweep becomes files of other tools: by the commands, as people give them.

use crate::support::answered;
use crate::support::stage::{Stage, rows, run_id, started};
use std::path::Path;
use std::process::Command;
use tessera::agent::Sink;
use tessera::record::{Fact, Failure, Outcome, RunId};

/// What a command says on standard output; it must end well.
fn tessera(results: &Path, arguments: &[&str]) -> String {
    answered(&command(results, arguments).output().unwrap())
}

fn command(results: &Path, arguments: &[&str]) -> Command {
    let mut command = crate::support::tessera();
    command.args(arguments).arg("--results").arg(results);
    command
}

fn event_files() -> String {
    format!("{}/tests/pickup/runs", env!("CARGO_MANIFEST_DIR"))
}

/// The stored spec of a sweep.
fn spec(results: &Path, sweep: &str) -> String {
    let files = std::fs::read_dir(results.join(sweep)).unwrap().map(|file| file.unwrap().path());
    let mut specs: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    specs.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    specs.pop().unwrap().to_string_lossy().into_owned()
}

#[test]
fn old_event_files_are_a_sweep_like_any_other() {
    let results = tempfile::tempdir().unwrap();
    let results = results.path();
    let import = ["import", "tensorboard", &event_files(), "--as", "old", "--pattern", "{kind}"];
    tessera(results, &import);
    let table = tessera(results, &["table", "old", "--rows", "kind", "--value", "loss", "--format", "csv"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    let figures = tessera(results, &["figures", "old", "--format", "svg"]);
    assert!(figures.contains("curve-loss.svg"), "{figures}");
    let page = tessera(results, &["report", &spec(results, "old")]);
    assert!(std::fs::read_to_string(page.lines().last().unwrap()).unwrap().contains("<svg"));
    // The same again takes nothing twice; a metric named later is the one that runs are judged by.
    let again = command(results, &[&import[..], &["--metric", "loss"]].concat()).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("3 runs in `old`: 0 new, 3 were there"), "{again:?}");
    let compared = tessera(results, &["compare", "old", "--by", "kind", "--format", "csv"]);
    assert_eq!(compared.lines().count(), 4, "{compared}");
    assert!(std::fs::read_to_string(spec(results, "old")).unwrap().contains(r#""goal":"min""#));
    // Nothing can be executed.
    let refused = command(results, &["run", &spec(results, "old")]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is nothing to execute"), "{refused:?}");
}

#[test]
fn what_a_kill_leaves_half_imported_is_imported_once() {
    let count = "SELECT count(*) AS rows, sum(step) AS steps FROM history";
    let whole = tempfile::tempdir().unwrap();
    let import = ["import", "tensorboard", &event_files(), "--as", "old"];
    tessera(whole.path(), &import);
    let expected = tessera(whole.path(), &["query", count, "--format", "csv"]);
    for (point, nth) in [("append", 3), ("appended", 3), ("appended", 4), ("renamed", 3), ("renamed", 4), ("synced", 4)]
    {
        let results = tempfile::tempdir().unwrap();
        let killed =
            command(results.path(), &import).env("TESSERA_FAIL_POINT", format!("{point}:{nth}")).output().unwrap();
        assert!(!killed.status.success(), "{point}:{nth} was not reached");
        tessera(results.path(), &import);
        assert_eq!(tessera(results.path(), &["query", count, "--format", "csv"]), expected, "{point}:{nth}");
    }
}

/// A table of runs says how they ended: a word that is not known is no good end, and a step that is no number is not 0.
#[test]
fn what_a_table_of_runs_says_is_understood_or_named() {
    let folder = tempfile::tempdir().unwrap();
    for run in ["a", "b"] {
        std::fs::write(folder.path().join(format!("{run}.csv")), "step,loss\n1,2\n").unwrap();
    }
    let import = |sheet: &str| {
        std::fs::write(folder.path().join("runs.csv"), sheet).unwrap();
        let results = tempfile::tempdir().unwrap();
        let given = ["import", "csv", &folder.path().to_string_lossy(), "--as", "old"];
        let answer = command(results.path(), &given).output().unwrap();
        (answer.status.code(), String::from_utf8_lossy(&answer.stderr).into_owned())
    };
    for (sheet, said) in [
        ("run,status\na,finished\nb,crashed\n", "runs.csv, line 3: `crashed` is no status; known: finished, diverged"),
        ("run,status,diverged_step\na,diverged,soon\n", "line 2: `soon` is no diverged_step; known: a number of steps"),
        ("run,status,failure\nb,failed,fire\n", "line 2: `fire` is no failure; known: oom, timeout"),
        ("run,lr\na,1\na,2\n", "line 3: line 2 is of the run `a` too"),
    ] {
        let (code, words) = import(sheet);
        assert!(code == Some(2) && words.contains(said), "{words}");
    }
    let (code, words) = import("run,lr,status\na,1,\nb,2,failed\nc,3,finished\n");
    assert!(code == Some(0) && words.contains("note: runs.csv tells of 1 run without a file, as `c`"), "{words}");
}

#[test]
fn csv_goes_out_and_comes_back() {
    let mut stage = Stage::new(&["lagrange", "gamma"], 5);
    for (method, level) in [("lagrange", 11.0), ("gamma", 7.0)] {
        for seed in 0..2 {
            stage.execute(&run_id(method, seed), 5, |step| level + seed as f64 / 3.0 + step as f64 * 0.1);
        }
    }
    // What is no result must not come back as one.
    let ends: [(u64, &dyn Fn(RunId) -> Fact); 3] = [
        (2, &|run| {
            let outcome = Outcome::Diverged { step: 4, quantity: "loss".to_owned() };
            let (time, seconds, peak_memory_mib) = (3.0, 1.5, None);
            Fact::Finished { time, run, attempt: 1, seconds, outcome, peak_memory_mib, peak_is_bound: false }
        }),
        (3, &|run| {
            let (failure, message) = (Failure::Oom, "too large".to_owned());
            Fact::Failed { time: 3.0, run, attempt: 1, seconds: 1.5, failure, message }
        }),
        (4, &|run| Fact::Stopped { time: 3.0, run, attempt: 1, seconds: 1.5 }),
    ];
    for (seed, end) in ends {
        let run = run_id("gamma", seed);
        stage.writer.fact(started(&run, 1, None)).unwrap();
        stage.writer.history(&run, 1, &rows(0..4, |_| 99.0)).unwrap();
        stage.writer.fact(end(run)).unwrap();
    }
    stage.writer.commit().unwrap();
    let results = stage.results.path();
    let folder = tessera(results, &["export", "csv", "test"]);
    tessera(results, &["import", "csv", folder.trim(), "--as", "back", "--metric", "kl"]);
    let table = |sweep| tessera(results, &["table", sweep, "--rows", "method", "--format", "csv"]);
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Runs that never began have no file.
    let expected = table("test").replace(",2,0,0,3,0\n", ",2,0,0,0,0\n");
    assert!(expected.contains("2,1,1,1,0"), "{expected}");
    assert_eq!(sorted(table("back")), sorted(expected));
    let ends =
        "SELECT status, failure, diverged_step FROM runs WHERE sweep = 'back' AND status <> 'finished' ORDER BY status";
    let ends = tessera(results, &["query", ends, "--format", "csv"]);
    assert_eq!(ends, "status,failure,diverged_step\ndiverged,,4\nfailed,oom,\nstopped,,\n");
    let sql = |sweep| {
        format!(
            "SELECT count(*) AS n, min(kl) AS a, max(kl) AS b, min(\"terms/KL\") AS c, max(elapsed) AS d FROM history \
             WHERE sweep = '{sweep}'"
        )
    };
    let ask = |sweep| tessera(results, &["query", &sql(sweep), "--format", "csv"]);
    assert_eq!(ask("back"), ask("test"));
}

#[test]
fn separators_of_other_habits_are_read() {
    let results = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a_s0/metrics.csv", "epoch;loss\n0;0.5\n1;0.25\n"),
        ("a_s1/metrics.csv", "step\tloss\r\n0\t0.5\r\n1\t0.75\r\n"),
        ("b_s0.csv", "# step,loss\n0,1\n1,2\n"),
        ("notes.csv", "a,b\nx,y\n"),
    ] {
        let path = logs.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let folder = logs.path().to_string_lossy().into_owned();
    let import = ["import", "csv", &folder, "--as", "logs", "--pattern", "{kind}_s{seed}", "--metric", "loss"];
    let output = command(results.path(), &import).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 runs do not match the pattern and are left out, as `notes`"), "{said}");
    let table = tessera(results.path(), &["query", "SELECT kind, seed, loss FROM runs", "--format", "csv"]);
    assert_eq!(table, "kind,seed,loss\na,0,0.25\na,1,0.75\nb,0,2\n");
}

#[test]
fn a_run_without_numbers_is_no_result_and_is_looked_at_again() {
    let results = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    let (full, begun) = (logs.path().join("full.csv"), logs.path().join("begun.csv"));
    std::fs::write(&full, "step,loss\n0,1\n").unwrap();
    std::fs::write(&begun, "step,loss\n").unwrap();
    let import = ["import", "csv", &logs.path().to_string_lossy(), "--as", "logs", "--metric", "loss"];
    let first = command(results.path(), &import).output().unwrap();
    let said = String::from_utf8_lossy(&first.stderr);
    assert!(said.contains("1 new, 0 were there") && said.contains("1 hold no number yet"), "{said}");
    let states = ["query", "SELECT folder, status FROM runs ORDER BY folder", "--format", "csv"];
    assert_eq!(tessera(results.path(), &states), "folder,status\nbegun,failed\nfull,finished\n");
    std::fs::write(&begun, "step,loss\n0,2\n").unwrap();
    tessera(results.path(), &import);
    assert_eq!(tessera(results.path(), &states), "folder,status\nbegun,finished\nfull,finished\n");
}
