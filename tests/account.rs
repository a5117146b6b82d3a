//! `show` and `diff`: everything known of one run, and what differs between two.

use crate::support::stage::{Stage, finished, rows, run_id, started};
use tessera::agent::Sink;
use tessera::analyse::{Format, Grid, account, diff, find_run};
use tessera::record::{Fact, Failure};

/// A run that failed once and went on from its checkpoint, and one of another method.
fn stage() -> Stage {
    let mut stage = Stage::new(&["lagrange", "gamma"], 1);
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
    let message = "exit code 1\nlast line".to_owned();
    let (failure, seconds) = (Failure::Crash, 1.0);
    stage.writer.fact(Fact::Failed { time: 2.5, run: run.clone(), attempt: 1, seconds, failure, message }).unwrap();
    stage.writer.fact(started(&run, 2, Some((1, 5)))).unwrap();
    stage.writer.history(&run, 2, &rows(5..12, |_| 2.0)).unwrap();
    stage.writer.fact(finished(&run, 2)).unwrap();
    stage.execute(&run_id("gamma", 0), 12, |_| 2.5);
    stage.writer.commit().unwrap();
    stage
}

fn shown(grid: &Grid, stage: &Stage) -> String {
    grid.render(Format::Md).replace(&*stage.results.path().to_string_lossy(), "RESULTS")
}

#[test]
fn everything_known_of_a_run() {
    let stage = stage();
    let (sweep, run) = find_run(stage.results.path(), &run_id("lagrange", 0).as_str()[..6]).unwrap();
    insta::assert_snapshot!(shown(&account(&sweep, &run).unwrap(), &stage));
}

#[test]
fn what_differs_between_two_runs() {
    let stage = stage();
    let find = |method: &str| find_run(stage.results.path(), &format!("test/{}", run_id(method, 0))).unwrap();
    let (a, b) = (find("lagrange"), find("gamma"));
    insta::assert_snapshot!(shown(&diff((&a.0, &a.1), (&b.0, &b.1)).unwrap(), &stage));
    assert!(diff((&a.0, &a.1), (&a.0, &a.1)).unwrap().rows.is_empty());
}

#[test]
fn a_beginning_that_is_not_one_runs_is_said() {
    let stage = stage();
    let wanted = |text: &str| find_run(stage.results.path(), text).err().unwrap();
    assert_eq!(wanted("zz").to_string(), "no run of any sweep begins with `zz`");
    let error = wanted("");
    assert!(error.to_string().starts_with("`` is the beginning of 2 runs: test/"), "{error}");
    assert_eq!(error.help().unwrap(), "say `sweep/run`, or more of the id");
}
