//! Yesterday's results stay readable: what each release's own binary wrote is asked what it was asked then.

use crate::support::copy;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tessera::analyse::{Files, Format, Grid, PivotRequest, account, find_run, pivot, query};
use tessera::store::{Sweep, Writer};

pub fn release(version: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let results = folder.path().join("results");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/releases/results-{version}")), &results);
    (folder, results)
}

fn ask(results: &Path, sql: &str) -> String {
    let answer = query(results, sql, Files::Refused).unwrap();
    Grid::of_frame(&answer.frame, Format::Csv).render(Format::Csv)
}

/// What was asked on the day it was made.
fn answers(results: &Path) -> String {
    let sweep = Sweep::open(results, "first").unwrap();
    let table = pivot(&sweep, &PivotRequest::default()).unwrap().grid(Format::Md).render(Format::Md);
    let questions = [
        "SELECT run, status, failure, attempt, seed, method, lr, whiten, sizes, loss, \"terms/KL\", diverged_step FROM runs ORDER BY run",
        "SELECT run, attempt, count(*) AS rows, max(step) AS last, sum(loss) AS loss FROM history GROUP BY run, attempt ORDER BY run, attempt",
        "SELECT run, step, name, shape, \"values\" FROM arrays ORDER BY run, step",
    ];
    let asked: Vec<String> = questions.iter().map(|sql| ask(results, sql)).collect();
    format!("{table}\n{}", asked.join("\n"))
}

#[test]
fn results_of_0_1_0_are_what_they_were() {
    let (_folder, results) = release("0.1.0");
    let before = answers(&results);
    insta::assert_snapshot!(before);
    // A part that took its segments in, and was killed before they were deleted, is untidy and no more.
    let verified = Sweep::open(&results, "first").unwrap().verify().unwrap();
    assert!(verified.findings.iter().all(|finding| !finding.serious), "{:?}", verified.findings);
    assert!(verified.findings.iter().any(|finding| finding.message.contains("its rows are in a part")));
    // It can be written to.
    drop(Writer::open(&results, "first", "today").unwrap());
    Sweep::open(&results, "first").unwrap().compact().unwrap();
    assert_eq!(answers(&results), before);
    assert!(Sweep::open(&results, "first").unwrap().verify().unwrap().findings.is_empty());
}

#[test]
fn a_run_of_0_1_0_went_on_from_its_checkpoint() {
    let (_folder, results) = release("0.1.0");
    let run = ask(&results, "SELECT run FROM runs WHERE attempt = 2 AND status = 'finished' ORDER BY run");
    let (sweep, run) = find_run(&results, run.lines().nth(1).unwrap()).unwrap();
    let account = account(&sweep, &run).unwrap().render(Format::Md);
    assert!(account.contains("| run | goes on from | attempt 1, step 10 |"), "{account}");
    assert_eq!(
        sweep.rows_of(&run).unwrap().iter().map(|row| row.step).collect::<Vec<_>>(),
        (0..20).collect::<Vec<_>>()
    );
}
