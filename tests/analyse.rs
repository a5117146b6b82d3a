//! Numbers that people ask for: against reference values, and as they are shown.

use crate::stage::{Stage, run_id, started};
use tessera::analyse::{Format, PivotRequest, mean_interval, pivot, significant, with_error};
use tessera::record::{Fact, Failure, Outcome};
use tessera::run::Sink;

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
}

#[test]
fn the_interval_of_one_value_has_no_ends() {
    let interval = mean_interval(&[2.0]).unwrap();
    assert_eq!((interval.mean, interval.n), (2.0, 1));
    assert!(interval.low.is_nan() && interval.high.is_nan());
    assert_eq!(mean_interval(&[]), None);
}

#[test]
fn equal_values_have_an_interval_of_no_width() {
    let interval = mean_interval(&[3.0, 3.0, 3.0]).unwrap();
    near(interval.low, 3.0);
    near(interval.high, 3.0);
}

#[test]
fn numbers_are_rounded_for_people() {
    assert_eq!(significant(1234.5678, 5), "1234.6");
    assert_eq!(significant(0.001, 5), "0.001");
    assert_eq!(significant(1e-7, 5), "1e-7");
    assert_eq!(significant(-12.0, 5), "-12");
    assert_eq!(with_error(11.23456, 0.345), ("11.23".to_owned(), "0.34".to_owned()));
    assert_eq!(with_error(11234.0, 345.0), ("11234".to_owned(), "345".to_owned()));
}

fn sweep() -> Stage {
    let mut stage = Stage::new(&["lagrange", "two_losses"], 3);
    for seed in 0..3 {
        stage.execute(&run_id("lagrange", seed), 5, |_| 11.0 + seed as f64);
    }
    stage.execute(&run_id("two_losses", 0), 5, |_| 7.0);
    let run = run_id("two_losses", 1);
    let outcome = Outcome::Diverged { step: 3, quantity: "loss".to_owned() };
    stage.writer.fact(started(&run, 1, None)).unwrap();
    let end = Fact::Finished {
        time: 3.0,
        run,
        attempt: 1,
        seconds: 1.0,
        outcome,
        peak_memory_mib: None,
        peak_is_bound: false,
    };
    stage.writer.fact(end).unwrap();
    stage.writer.commit().unwrap();
    stage
}

#[test]
fn a_table_says_what_is_in_each_mean() {
    let pivot = pivot(&sweep().sweep(), &PivotRequest::default()).unwrap();
    insta::assert_snapshot!(pivot.grid(Format::Md).render(Format::Md), @r"
    | method | kl |
    | --- | --- |
    | lagrange | 12.0 ± 2.5 (n=3) |
    | two_losses | 7 (n=1), 1 of 3 diverged, 1 of 3 missing |
    ");
    let csv = pivot.grid(Format::Csv).render(Format::Csv);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "method,metric,mean,low,high,n,diverged,failed,missing,without");
    // 12 ± t(0.975, 2)·1/√3
    let lagrange: Vec<f64> = lines[1].split(',').skip(2).map(|cell| cell.parse().unwrap()).collect();
    near(lagrange[0], 12.0);
    near(lagrange[1], 12.0 - 4.302652729749462 / 3f64.sqrt());
    near(lagrange[2], 12.0 + 4.302652729749462 / 3f64.sqrt());
    assert_eq!(lagrange[3..], [3.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(lines[2], "two_losses,kl,7,,,1,1,0,1,0");
    insta::assert_snapshot!(pivot.grid(Format::Latex).render(Format::Latex), @r"
    \begin{tabular}{ll}
    \toprule
    method & kl \
    \midrule
    lagrange & 12.0 $\pm$ 2.5 (n=3) \
    two\_losses & 7 (n=1), 1 of 3 diverged, 1 of 3 missing \
    \bottomrule
    \end{tabular}
    ");
}

#[test]
fn failed_runs_are_counted_in_their_cell() {
    let mut stage = sweep();
    let run = run_id("two_losses", 2);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    let message = "out of memory".to_owned();
    stage
        .writer
        .fact(Fact::Failed { time: 3.0, run, attempt: 1, seconds: 1.0, failure: Failure::Oom, message })
        .unwrap();
    stage.writer.commit().unwrap();
    let request = PivotRequest { columns: vec!["method".to_owned()], ..PivotRequest::default() };
    let pivot = pivot(&stage.sweep(), &request).unwrap();
    insta::assert_snapshot!(pivot.grid(Format::Table).render(Format::Table), @r"
    method lagrange   method two_losses
    ────────────────  ───────────────────────────────────────
    12.0 ± 2.5 (n=3)  7 (n=1), 1 of 3 diverged, 1 of 3 failed
    ");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let stage = sweep();
    let request = PivotRequest { value: Some("kll".to_owned()), ..PivotRequest::default() };
    let error = pivot(&stage.sweep(), &request).unwrap_err();
    assert_eq!(error.to_string(), "no metric `kll` in `test`");
    assert_eq!(error.help().unwrap(), "did you mean `kl`?");
    let request = PivotRequest { rows: vec!["metod".to_owned()], ..PivotRequest::default() };
    assert_eq!(pivot(&stage.sweep(), &request).unwrap_err().help().unwrap(), "did you mean `method`?");
}
