//! Numbers that people ask for: against reference values, and as they are shown.

use crate::support::stage::{Stage, run_id, started};
use tessera::agent::Sink;
use tessera::analyse::{
    CompareRequest, Files, Format, Grid, Interval, PivotRequest, bootstrap_interval, compare, detectable,
    mean_interval, pivot, quantile_95, query, significant, welch, with_error,
};
use tessera::record::{Fact, Failure, Goal, Outcome};

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
    let third = mean_interval(&[1.0 / 3.0; 7]).unwrap();
    assert_eq!((third.mean, third.half_width()), (1.0 / 3.0, 0.0));
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
    method & kl \\
    \midrule
    lagrange & 12.0 $\pm$ 2.5 (n=3) \\
    two\_losses & 7 (n=1), 1 of 3 diverged, 1 of 3 missing \\
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

/// Reference numbers: scipy 1.17, `t.ppf`, `ttest_rel` and `ttest_ind(equal_var=False)` with `confidence_interval`.
#[test]
fn intervals_are_those_of_scipy() {
    for (freedom, quantile) in [(1.0, 12.706204736174694), (4.0, 2.7764451051977934), (30.0, 2.0422724563012378)] {
        near(quantile_95(freedom), quantile);
    }
    let interval = mean_interval(&[2.1, 2.5, 1.9, 3.2, 2.8, 2.2]).unwrap();
    near(interval.low, 1.9412671986821417);
    near(interval.high, 2.9587328013178578);
    let (a, b) = ([11.2, 10.9, 11.8, 11.1, 12.0], [7.4, 7.9, 6.8, 7.7, 7.1]);
    let paired: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let interval = mean_interval(&paired).unwrap();
    near(interval.low, 2.9080346019245216);
    near(interval.high, 5.131965398075479);
    let (interval, _, freedom) = welch(&a, &b[..4]).unwrap();
    near(interval.mean, 3.95);
    near(interval.low, 3.1818251912266367);
    near(interval.high, 4.718174808773368);
    near(freedom, 6.532383419689119);
    near(detectable(1.0, 4.0), 2.7764451051977934 + 0.9409645772351816);
}

/// Reference numbers: `scipy.stats.bootstrap(method="BCa", n_resamples=20000, confidence_level=0.9648353817836411)`, mean
/// over 20 seeds; their standard deviation over seeds is 0.0024 and 0.0084. The level is that of ±√(25/24)·t(0.975, 24)
/// under the normal distribution: what expansion for a small sample asks for.
#[test]
fn the_bootstrap_is_that_of_scipy() {
    let data = [
        0.7075, 1.0252, 0.5685, 0.8951, 0.2065, 3.3836, 0.0098, 2.8092, 0.5753, 0.3005, 0.5411, 0.3121, 0.8998, 1.0737,
        1.8843, 0.2221, 3.1447, 0.7359, 0.3484, 0.8836, 0.0751, 0.06, 1.2236, 0.7729, 2.196,
    ];
    let interval = bootstrap_interval(&data).unwrap();
    near(interval.mean, 0.99418);
    assert!((interval.low - 0.6704).abs() < 0.01, "{interval:?}");
    assert!((interval.high - 1.4845).abs() < 0.025, "{interval:?}");
    assert_eq!(bootstrap_interval(&data), Some(interval), "the same data gave another interval");
    let equal = bootstrap_interval(&[2.0; 20]).unwrap();
    assert_eq!((equal.low, equal.high), (2.0, 2.0));
}

/// Normal numbers from a counter: sums of twelve uniform ones are near enough to normal for a 95% interval.
fn normal(counter: &mut u64) -> f64 {
    let mut uniform = || {
        *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*counter ^ (*counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

#[test]
fn the_interval_covers_the_mean_95_times_in_100() {
    let mut counter = 1;
    // The bootstrap costs 20,000 means a sample.
    type Way = fn(&[f64]) -> Option<Interval>;
    let few = [3, 5, 20].map(|n| ("t", mean_interval as Way, n, 10_000));
    let many = [16, 20].map(|n| ("bootstrap", bootstrap_interval as Way, n, 1000));
    for (way, interval, n, trials) in few.into_iter().chain(many) {
        let covered = (0..trials).filter(|_| {
            let sample: Vec<f64> = (0..n).map(|_| 5.0 + 2.0 * normal(&mut counter)).collect();
            let interval = interval(&sample).unwrap();
            interval.low <= 5.0 && 5.0 <= interval.high
        });
        let coverage = covered.count() as f64 / trials as f64;
        assert!((0.93..=0.97).contains(&coverage), "{way}, n = {n}: {coverage}");
    }
}

#[test]
fn runs_are_paired_by_their_seed() {
    let mut stage = Stage::new(&["lagrange", "two_losses"], 3);
    for (seed, (a, b)) in [(11.0, 7.0), (12.0, 7.5), (13.0, 9.0)].into_iter().enumerate() {
        stage.execute(&run_id("lagrange", seed as u64), 3, |_| a);
        stage.execute(&run_id("two_losses", seed as u64), 3, |_| b);
    }
    stage.writer.commit().unwrap();
    let request = CompareRequest { by: "method".to_owned(), goal: Some(Goal::Max), ..CompareRequest::default() };
    let comparison = compare(&stage.sweep(), &request).unwrap();
    let [one] = comparison.differences.as_slice() else { panic!("{comparison:?}") };
    assert_eq!((one.level.as_str(), one.minus.as_str(), one.paired, one.left_out), ("two_losses", "lagrange", true, 0));
    // scipy.stats.ttest_rel([7, 7.5, 9], [11, 12, 13]).confidence_interval()
    let interval = one.interval.unwrap();
    near(interval.mean, -4.166666666666667);
    near(interval.low, -4.8837754549582435);
    insta::assert_snapshot!(comparison.grid(Format::Table).render(Format::Table), @r"
    method      minus     at   difference            n  paired  detectable  left_out
    ──────────  ────────  ───  ────────────────────  ─  ──────  ──────────  ────────
    two_losses  lagrange  all  -4.17 [-4.88, -3.45]  3  true    0.89               0
    ");
    let error = compare(&stage.sweep(), &CompareRequest { by: "metod".to_owned(), ..request }).unwrap_err();
    assert_eq!(error.help().unwrap(), "did you mean `method`?");
}

#[test]
fn a_query_sees_runs_and_histories_of_every_sweep() {
    let stage = sweep();
    let ask = |sql: &str| {
        let answer = query(stage.results.path(), sql, Files::Refused).map(|answer| answer.frame);
        answer.map(|frame| Grid::of_frame(&frame, Format::Csv).render(Format::Csv))
    };
    let sql = "SELECT method, count(*) AS n, max(kl) AS best FROM runs WHERE current GROUP BY method ORDER BY method";
    assert_eq!(ask(sql).unwrap(), "method,n,best\nlagrange,3,13\ntwo_losses,3,7\n");
    let sql = "SELECT sum(h.\"terms/KL\") AS total FROM history h JOIN runs r ON h.run = r.run WHERE r.seed = 0";
    assert_eq!(ask(sql).unwrap(), "total\n-20\n");
    assert_eq!(ask("SELECT count(*) AS n FROM arrays").unwrap(), "n\n0\n");
    let error = ask("SELECT methd FROM runs").unwrap_err();
    assert!(error.to_string().starts_with("not found: unable to find column \"methd\""), "{error}");
    assert!(error.to_string().ends_with("\n  SELECT methd FROM runs\n         ^"), "{error}");
    assert_eq!(error.help().unwrap(), "did you mean \"method\"?");
    assert!(!error.to_string().contains("valid columns"), "hundreds of names: {error}");
    let remedy = |sql: &str| ask(sql).unwrap_err().help().unwrap();
    assert_eq!(remedy("SELECT kl / 2, nothing / 2 FROM runs"), remedy("SELECT nothing FROM runs"));
    assert!(
        remedy("SELECT kl FROM runs WHERE method = \"gamma\"").starts_with("text stands in single quotes: 'gamma'")
    );
    assert_eq!(remedy("SELECT kl FROM rnus"), "did you mean `runs`?");
    assert_eq!(remedy("SELECT batches FROM arrays"), "columns are sweep, run, attempt, step, name, shape, values");
    for sql in ["SELEC kl FROM runs", "SELECT avg(kl FROM runs", "SELECT kl runs.method FROM runs"] {
        assert!(remedy(sql).starts_with("tables are runs, history"), "{sql}: {}", remedy(sql));
    }
    assert_eq!(ask("DELETE FROM runs").unwrap_err().to_string(), "queries change nothing");
    let error = ask("SELECT terms/KL FROM history").unwrap_err();
    assert_eq!(error.help().unwrap(), "names with `.` or `/` need double quotes: \"terms/KL\"");
    let error = ask("SELECT name, values FROM arrays").unwrap_err();
    assert!(error.to_string().ends_with("\n  SELECT name, values FROM arrays\n               ^"), "{error}");
    assert_eq!(error.help().unwrap(), "a column whose name is a word of SQL needs double quotes: \"values\"");
    let error = ask("SELECT a FROM runs WHERE (").unwrap_err();
    assert!(error.to_string().contains("\n  SELECT a FROM runs WHERE (\n"), "{error}");
    for function in ["read_parquet", "\"read_csv\"", "READ_IPC /* x */ "] {
        let error = ask(&format!("SELECT * FROM {function}('/etc/passwd')")).unwrap_err();
        assert_eq!(error.to_string(), "a query in a spec may not read files", "{function}");
    }
    let error = ask("SELECT lr_schedule.factor FROM runs").unwrap_err();
    assert_eq!(error.help().unwrap(), "names with `.` or `/` need double quotes: \"lr_schedule.factor\"");
}
