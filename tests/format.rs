//! `docs/format.md` is enough to read a sweep: a reader that knows nothing else finds what the store finds.

use serde_json::Value as Json;
use std::path::Path;
use std::process::{Command, Output};
use tessera::agent::{Array, Sink};
use tessera::record::{Fact, Failure, Outcome, Reading, RunId};
use tessera::store::Sweep;

use crate::support::stage::{Stage, finished, planned, rows, run_id, started};

fn read(sweep: &Path) -> Output {
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/reader.py");
    Command::new("python3").arg(reader).arg(sweep).output().unwrap()
}

/// Holds what the reader finds against the store. Rows of each span follow each other step by step in these sweeps.
fn check(results: &Path, name: &str) {
    let output = read(&results.join(name));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let sweep = Sweep::open(results, name).unwrap();
    assert_eq!(told.as_object().unwrap().len(), sweep.states().len());
    for state in sweep.states() {
        let about = &told[state.run.as_str()];
        assert_eq!(about["status"], state.status.to_string(), "{}", state.run);
        assert_eq!(about["failure"].as_str().map(str::to_owned), state.failure.map(|failure| failure.to_string()));
        assert_eq!(about["attempt"], state.attempt, "{}", state.run);
        assert_eq!((about["seed"].as_u64(), about["current"].as_bool()), (Some(state.seed), Some(state.current)));
        assert_eq!(about["parameters"], serde_json::to_value(&*state.parameters).unwrap());
        let number = |span: &Json, place: usize| span[place].as_u64();
        let mut steps: Vec<u64> = Vec::new();
        for span in about["history"].as_array().unwrap() {
            let (first, last) = (number(span, 2).unwrap(), number(span, 3).unwrap());
            assert_eq!(number(span, 1), Some(last + 1 - first), "rows of this test follow each other");
            steps.extend(first..(last + 1).min(number(span, 4).unwrap_or(u64::MAX)));
        }
        steps.sort_unstable();
        assert_eq!(
            steps,
            sweep.rows_of(state).unwrap().iter().map(|row| row.step).collect::<Vec<_>>(),
            "{}",
            state.run
        );
        let arrays = sweep.arrays_of([state]).unwrap().collect().unwrap().height() as u64;
        let spans = about["arrays"].as_array().unwrap();
        assert!(spans.iter().all(|span| span[4].is_null() || number(span, 3) < number(span, 4)));
        assert_eq!(spans.iter().filter_map(|span| number(span, 1)).sum::<u64>(), arrays);
    }
}

fn checkpoint(run: &RunId, step: u64, guessed: bool) -> Fact {
    Fact::Checkpoint { time: 2.5, run: run.clone(), attempt: 1, step, guessed, file: format!("step-{step}") }
}

fn failed(run: &RunId, attempt: u32, failure: Failure) -> Fact {
    Fact::Failed { time: 3.0, run: run.clone(), attempt, seconds: 1.0, failure, message: "why".to_owned() }
}

/// A sweep with everything that a journal can say.
fn eventful() -> Stage {
    let mut stage = Stage::new(&["lagrange", "gamma"], 4);
    let [plain, resumed, guessed, lost] = [0, 1, 2, 3].map(|seed| run_id("lagrange", seed));
    let [diverged, stopped, voided, open] = [0, 1, 2, 3].map(|seed| run_id("gamma", seed));
    stage.execute(&plain, 30, |step| step as f64);
    let values = vec![1.5; 6];
    let array = |name: &str| Array { name: name.to_owned(), shape: vec![2, 3], values: values.clone() };
    stage.writer.fact(started(&resumed, 1, None)).unwrap();
    stage.writer.arrays(&resumed, 1, 5, vec![array("gain"), array("kernels")]).unwrap();
    for (run, is_guess) in [(&resumed, false), (&guessed, true)] {
        if is_guess {
            stage.writer.fact(started(run, 1, None)).unwrap();
        }
        stage.writer.history(run, 1, &rows(0..20, |step| step as f64)).unwrap();
        stage.writer.fact(checkpoint(run, 12, is_guess)).unwrap();
        stage.writer.commit().unwrap();
        stage.writer.fact(failed(run, 1, Failure::Killed)).unwrap();
        stage.writer.fact(started(run, 2, Some((1, 12)))).unwrap();
        stage.writer.history(run, 2, &rows(if is_guess { 15..25 } else { 12..25 }, |step| step as f64)).unwrap();
        stage.writer.fact(finished(run, 2)).unwrap();
        stage.writer.commit().unwrap();
    }
    let reading = Reading { first: Some(15), steps: vec!["rows".to_owned()], notes: Vec::new() };
    stage.writer.fact(Fact::Read { time: 3.0, run: guessed, attempt: 2, reading }).unwrap();
    for end in [Failure::Oom, Failure::Lost] {
        stage.writer.fact(started(&lost, 1, None)).unwrap();
        stage.writer.fact(failed(&lost, 1, end)).unwrap();
    }
    stage.writer.fact(started(&diverged, 1, None)).unwrap();
    stage.writer.history(&diverged, 1, &rows(0..7, |_| f64::NAN)).unwrap();
    let outcome = Outcome::Diverged { step: 6, quantity: "kl".to_owned() };
    let (time, seconds, run) = (3.0, 1.0, diverged);
    let end =
        Fact::Finished { time, run, attempt: 1, seconds, outcome, peak_memory_mib: Some(3.5), peak_is_bound: true };
    stage.writer.fact(end).unwrap();
    stage.writer.fact(started(&stopped, 1, None)).unwrap();
    stage.writer.fact(Fact::Stopped { time: 3.0, run: stopped, attempt: 1, seconds: 1.0 }).unwrap();
    stage.execute(&voided, 9, |step| step as f64);
    stage.writer.fact(Fact::Void { time: 4.0, run: voided, attempt: 1, message: "gone".to_owned() }).unwrap();
    stage.writer.commit().unwrap();
    stage.sweep().compact().unwrap();
    // A part, and a segment that no part has.
    stage.writer.fact(started(&open, 1, None)).unwrap();
    stage.writer.history(&open, 1, &rows(0..5000, |step| (step as f64).sin())).unwrap();
    stage.writer.fact(checkpoint(&open, 5000, false)).unwrap();
    let Fact::Planned { spec, tessera, trainer, metric, goal, axes, common, mut runs, .. } =
        planned(&["lagrange", "gamma"], 4)
    else {
        panic!("no plan")
    };
    runs.pop();
    stage.writer.fact(Fact::Planned { time: 2.0, spec, tessera, trainer, metric, goal, axes, common, runs }).unwrap();
    stage.writer.flush().unwrap();
    stage
}

#[test]
fn the_page_on_the_format_is_enough_to_read_a_sweep() {
    let stage = eventful();
    check(stage.results.path(), "test");
}

#[test]
fn the_page_on_the_format_reads_results_of_0_1_0() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases/results-0.1.0"), "first");
}

#[test]
fn a_reader_by_the_page_finds_damage() {
    let stage = eventful();
    let journal = stage.folder("journal/agent.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"seconds\":1.5", "\"seconds\":7.5", 1)).unwrap();
    let said = String::from_utf8(read(&stage.folder("")).stderr).unwrap();
    assert!(said.contains("its sum differs"), "{said}");
    let stage = eventful();
    let segments = std::fs::read_dir(stage.folder("segments")).unwrap();
    let segment = segments.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let said = String::from_utf8(read(&stage.folder("")).stderr).unwrap();
    assert!(said.contains("its sums differ"), "{said}");
}
