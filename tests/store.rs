//! The store: what is written comes back, and nothing that was said to be safe is ever lost.

use polars::prelude::*;
use std::path::Path;
use tempfile::TempDir;
use tessera::agent::{Array, Sink};
use tessera::record::Value;
use tessera::record::{Fact, Failure, Real, Rows, RunId};
use tessera::spec::Reduce;
use tessera::store::{Journal, Scope, Status, StoreError, Sweep, Writer};

use crate::support::stage::{Stage, finished, rows, run_id, started};

fn column(frame: &DataFrame, name: &str) -> Vec<f64> {
    let column = frame.column(name).unwrap().cast(&DataType::Float64).unwrap();
    column.f64().unwrap().iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

fn steps_of(sweep: &Sweep, run: &RunId) -> Vec<f64> {
    let rows = sweep.history_of([sweep.state(run).unwrap()]).unwrap().collect().unwrap();
    column(&rows.sort(["step"], Default::default()).unwrap(), "step")
}

#[test]
fn rows_and_facts_come_back() {
    let mut stage = Stage::new(&["lagrange", "gamma"], 2);
    let run = run_id("lagrange", 0);
    stage.execute(&run, 10, |step| step as f64);
    stage.writer.commit().unwrap();
    let sweep = stage.sweep();
    assert_eq!(sweep.states().len(), 4);
    let state = sweep.state(&run).unwrap();
    assert_eq!((state.status, state.attempt, state.seconds), (Status::Finished, 1, Some(1.5)));
    assert_eq!(state.parameters["method"], Value::from("lagrange"));
    assert_eq!(state.parameters["neurons"], Value::from(40));
    assert_eq!(sweep.state(&run_id("gamma", 1)).unwrap().status, Status::Planned);
    let history = sweep.history().unwrap().collect().unwrap();
    let names: Vec<&str> = history.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["sweep", "run", "attempt", "step", "elapsed", "kl", "terms/KL"]);
    assert_eq!(column(&history, "kl"), (0..10).map(f64::from).collect::<Vec<_>>());
    let runs = sweep.runs(&Scope::Current).unwrap();
    assert_eq!(runs.height(), 4);
    assert_eq!(column(&runs, "kl")[0], 9.0);
    assert_eq!(column(&runs, "learning_rate"), [0.01; 4]);
}

#[test]
fn arrays_come_back_with_their_shapes() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    let array = |name: &str, shape: &[u64]| Array {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values: (0..shape.iter().product::<u64>()).map(|i| i as f32).collect(),
    };
    stage.writer.arrays(&run, 1, 100, vec![array("kernels", &[2, 3]), array("gain", &[4])]).unwrap();
    stage.writer.fact(finished(&run, 1)).unwrap();
    stage.writer.commit().unwrap();
    let arrays = stage.sweep().arrays().unwrap().filter(col("name").eq(lit("kernels"))).collect().unwrap();
    assert_eq!(arrays.height(), 1);
    let shape = arrays.column("shape").unwrap().list().unwrap().get_as_series(0).unwrap();
    assert_eq!(shape.i64().unwrap().iter().flatten().collect::<Vec<_>>(), [2, 3]);
    let values = arrays.column("values").unwrap().list().unwrap().get_as_series(0).unwrap();
    assert_eq!(values.f32().unwrap().iter().flatten().collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn metrics_in_rows_of_their_own_are_one_row_a_step() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    let one = |name: &str, step: u64| Rows {
        step: vec![step],
        elapsed: vec![Real(0.0)],
        metrics: [(name.to_owned(), vec![Real(7.0)])].into(),
    };
    stage.writer.history(&run, 1, &one("kl", 0)).unwrap();
    stage.writer.flush().unwrap();
    stage.writer.history(&run, 1, &one("kl_before", 0)).unwrap();
    stage.writer.history(&run, 1, &one("kl", 1)).unwrap();
    stage.writer.fact(finished(&run, 1)).unwrap();
    stage.writer.commit().unwrap();
    let history = stage.sweep().history().unwrap().collect().unwrap();
    assert_eq!(history.height(), 2);
    assert_eq!(history.column("kl_before").unwrap().null_count(), 1);
    assert_eq!(history.column("kl").unwrap().null_count(), 0);
}

#[test]
fn a_resumed_run_has_each_step_once() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    stage.writer.history(&run, 1, &rows(0..8, |_| 1.0)).unwrap();
    let checkpoint = Fact::Checkpoint {
        time: 2.0,
        run: run.clone(),
        attempt: 1,
        step: 5,
        guessed: false,
        file: "step-5".to_owned(),
    };
    stage.writer.fact(checkpoint).unwrap();
    stage.writer.fact(started(&run, 2, Some((1, 5)))).unwrap();
    stage.writer.history(&run, 2, &rows(5..12, |_| 2.0)).unwrap();
    stage.writer.fact(started(&run, 3, Some((2, 9)))).unwrap();
    stage.writer.history(&run, 3, &rows(9..15, |_| 3.0)).unwrap();
    stage.writer.fact(finished(&run, 3)).unwrap();
    stage.writer.commit().unwrap();
    let sweep = stage.sweep();
    assert_eq!(steps_of(&sweep, &run), (0..15).map(f64::from).collect::<Vec<_>>());
    assert_eq!(sweep.state(&run).unwrap().lineage, [(3, None), (2, Some(9)), (1, Some(5))]);
    let runs: Vec<_> = sweep.states().iter().collect();
    let means = sweep.summaries(&["kl"], Reduce::MeanLast(1.0), &runs).unwrap();
    assert_eq!(means[&run][0], Some((5.0 + 4.0 * 2.0 + 6.0 * 3.0) / 15.0));
}

#[test]
fn a_fresh_attempt_leaves_the_rows_of_the_failed_one_out() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    stage.writer.history(&run, 1, &rows(0..8, |_| 1.0)).unwrap();
    let message = "error: out of luck".to_owned();
    let failed =
        Fact::Failed { time: 2.0, run: run.clone(), attempt: 1, seconds: 1.0, failure: Failure::Crash, message };
    stage.writer.fact(failed).unwrap();
    stage.writer.commit().unwrap();
    let sweep = stage.sweep();
    assert_eq!(sweep.state(&run).unwrap().status, Status::Failed);
    assert_eq!(sweep.state(&run).unwrap().failure, Some(Failure::Crash));
    assert_eq!(steps_of(&sweep, &run).len(), 8);
    stage.writer.fact(started(&run, 2, None)).unwrap();
    assert_eq!(stage.sweep().state(&run).unwrap().status, Status::Running);
    assert_eq!(steps_of(&stage.sweep(), &run).len(), 0);
    stage.writer.history(&run, 2, &rows(0..3, |_| 2.0)).unwrap();
    stage.writer.fact(finished(&run, 2)).unwrap();
    stage.writer.commit().unwrap();
    assert_eq!(steps_of(&stage.sweep(), &run), [0.0, 1.0, 2.0]);
}

#[test]
fn reductions_are_those_of_the_spec() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.execute(&run, 101, |step| (step as f64 - 50.0).abs());
    stage.writer.commit().unwrap();
    let sweep = stage.sweep();
    let runs: Vec<_> = sweep.states().iter().collect();
    let reduced = |reduce| sweep.summaries(&["kl", "no_such"], reduce, &runs).unwrap()[&run].clone();
    assert_eq!(reduced(Reduce::Last), [Some(50.0), None]);
    assert_eq!(reduced(Reduce::Min), [Some(0.0), None]);
    assert_eq!(reduced(Reduce::Max), [Some(50.0), None]);
    assert_eq!(reduced(Reduce::At(60)), [Some(10.0), None]);
    assert_eq!(reduced(Reduce::At(1000)).first(), Some(&None));
    // Steps 95 to 100.
    assert_eq!(reduced(Reduce::MeanLast(0.05)), [Some(47.5), None]);
}

#[test]
fn a_journal_cut_at_any_byte_opens_and_goes_on() {
    let mut stage = Stage::new(&["lagrange"], 3);
    for seed in 0..3 {
        stage.execute(&run_id("lagrange", seed), 2, |_| 1.0);
        stage.writer.commit().unwrap();
    }
    let path = stage.folder("journal").join("agent.jsonl");
    let text = std::fs::read(&path).unwrap();
    let lines: Vec<usize> = (0..text.len()).filter(|&i| text[i] == b'\n').collect();
    let third_last = lines[lines.len() - 4] + 1;
    for length in third_last..=text.len() {
        let folder = TempDir::new().unwrap();
        let cut = folder.path().join("agent.jsonl");
        std::fs::write(&cut, &text[..length]).unwrap();
        let mut journal = Journal::open(&cut, "test", "agent", drop).unwrap();
        journal.append([&finished(&run_id("lagrange", 2), 1)]).unwrap();
        journal.sync().unwrap();
        let text = std::fs::read_to_string(&cut).unwrap();
        assert!(text.ends_with('\n') && text.lines().all(|line| line.starts_with('{') && line.ends_with('}')));
        Journal::open(&cut, "test", "agent", drop).unwrap();
    }
}

#[test]
fn foreign_lines_are_refused_with_their_number() {
    let stage = Stage::new(&["lagrange"], 1);
    let path = stage.folder("journal").join("agent.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}hello\n")).unwrap();
    let Err(StoreError::Journal { line, .. }) = Sweep::open(stage.results.path(), "test") else {
        panic!("a foreign line was taken for a fact");
    };
    assert_eq!(line, 3);
    std::fs::write(&path, "{\"journal\":9,\"sweep\":\"test\",\"agent\":\"agent\"}\n").unwrap();
    let Err(error @ StoreError::Format { .. }) = Sweep::open(stage.results.path(), "test") else {
        panic!("a journal of another format was read");
    };
    assert!(error.help().unwrap().contains("newer tessera"));
}

#[test]
fn a_read_only_folder_is_said_before_anything_starts() {
    // Root may write anywhere: a file where a folder should be is refused to everyone.
    let results = TempDir::new().unwrap();
    std::fs::write(results.path().join("test"), "").unwrap();
    let error = Writer::open(results.path(), "test", "agent").err().unwrap();
    assert!(error.to_string().contains(&*results.path().to_string_lossy()), "{error}");
}

#[test]
fn an_unknown_sweep_is_named_with_the_nearest() {
    let stage = Stage::new(&["lagrange"], 1);
    let error = Sweep::open(stage.results.path(), "tset").err().unwrap();
    assert!(error.to_string().contains("no sweep `tset`"));
    assert_eq!(error.help().unwrap(), "did you mean `test`?");
    assert!(Sweep::open(Path::new("/nowhere"), "test").is_err());
}
