//! Compaction, verification and removal: nothing lost, nothing twice, whatever happens in between.

use crate::support::stage::{Stage, finished, rows, run_id, started};
use polars::prelude::*;
use std::path::Path;
use tessera::agent::Sink;
use tessera::record::RunId;
use tessera::spec::Reduce;
use tessera::store::{Removal, StoreError, Sweep};

fn sweep(results: &Path) -> Sweep {
    Sweep::open(results, "test").unwrap()
}

/// Twelve runs in several segments, one of them resumed, one still going on.
fn stage() -> Stage {
    let mut stage = Stage::new(&["lagrange", "two_losses", "gamma"], 4);
    for seed in 0..4 {
        stage.execute(&run_id("lagrange", seed), 50, |step| step as f64 + seed as f64);
        stage.writer.commit().unwrap();
        stage.execute(&run_id("two_losses", seed), 50, |step| -(step as f64));
        stage.writer.commit().unwrap();
    }
    let run = run_id("gamma", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    stage.writer.history(&run, 1, &rows(0..30, |_| 1.0)).unwrap();
    stage.writer.flush().unwrap();
    stage.writer.fact(started(&run, 2, Some((1, 20)))).unwrap();
    stage.writer.history(&run, 2, &rows(20..40, |_| 2.0)).unwrap();
    stage.writer.fact(finished(&run, 2)).unwrap();
    stage.writer.commit().unwrap();
    let run = run_id("gamma", 1);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    stage.writer.history(&run, 1, &rows(0..10, |_| 3.0)).unwrap();
    stage.writer.flush().unwrap();
    stage
}

fn table(results: &Path) -> DataFrame {
    let rows = sweep(results).history().unwrap().collect().unwrap();
    rows.sort(["run", "step"], SortMultipleOptions::default()).unwrap()
}

fn count(folder: &Path) -> usize {
    let visible = |name: &str| !name.ends_with(".b3");
    std::fs::read_dir(folder).map_or(0, |entries| {
        entries.filter(|entry| visible(&entry.as_ref().unwrap().file_name().to_string_lossy())).count()
    })
}

#[test]
fn compaction_changes_no_row_and_is_idempotent() {
    let stage = stage();
    let results = stage.results.path();
    let before = table(results);
    let done = sweep(results).compact().unwrap();
    assert_eq!((done.parts, done.waiting), (1, 1));
    assert!(table(results).equals_missing(&before));
    assert_eq!(count(&stage.folder("segments")), 1);
    let again = sweep(results).compact().unwrap();
    assert_eq!((again.parts, again.segments, again.waiting), (0, 0, 1));
    assert!(table(results).equals_missing(&before));
    assert!(sweep(results).verify().unwrap().findings.is_empty());
}

#[test]
fn later_segments_become_parts_of_their_own() {
    let mut stage = stage();
    sweep(stage.results.path()).compact().unwrap();
    let part = stage.folder("history").join("part-1.parquet");
    let first = std::fs::read(&part).unwrap();
    let run = run_id("gamma", 1);
    stage.writer.history(&run, 1, &rows(10..20, |_| 3.0)).unwrap();
    stage.writer.fact(finished(&run, 1)).unwrap();
    stage.writer.commit().unwrap();
    let results = stage.results.path();
    let before = table(results);
    let done = sweep(results).compact().unwrap();
    assert_eq!((done.parts, done.waiting), (1, 0));
    assert_eq!(std::fs::read(&part).unwrap(), first, "a part was written again");
    assert!(table(results).equals_missing(&before));
}

#[test]
fn the_derived_table_knows_what_rows_say() {
    let stage = stage();
    let results = stage.results.path();
    let summaries = |sweep: &Sweep| {
        let runs: Vec<_> = sweep.states().iter().collect();
        let mut all: Vec<(RunId, Vec<Option<f64>>)> =
            sweep.summaries(&["terms/KL", "kl"], Reduce::Last, &runs).unwrap().into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let before = summaries(&sweep(results));
    sweep(results).compact().unwrap();
    assert_eq!(summaries(&sweep(results)), before);
    // Without rows the summaries of ended runs are still known, without the derived table the rows still are.
    std::fs::remove_file(results.join("test/runs.parquet")).unwrap();
    assert_eq!(summaries(&sweep(results)), before);
}

#[test]
fn a_kill_at_any_point_of_a_compaction_loses_nothing() {
    let mut killed = 0;
    for point in ["rename", "renamed", "delete"] {
        for nth in 1..20 {
            let stage = stage();
            let results = stage.results.path();
            let before = table(results);
            let status = crate::support::tessera()
                .args(["compact", "test", "--results"])
                .arg(results)
                .env("TESSERA_FAIL_POINT", format!("{point}:{nth}"))
                .output()
                .unwrap()
                .status;
            assert!(table(results).equals_missing(&before), "rows changed by a kill at {point} {nth}");
            if status.success() {
                break;
            }
            killed += 1;
            sweep(results).compact().unwrap();
            assert!(table(results).equals_missing(&before), "rows changed after a kill at {point} {nth}");
            assert_eq!(count(&stage.folder("segments")), 1);
            assert_eq!(count(&stage.folder("history")), 1);
            let names = std::fs::read_dir(results.join("test")).unwrap();
            let mut names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
            assert!(!names.any(|name| name.starts_with('.')), "half a file stayed after a kill at {point} {nth}");
        }
    }
    assert!(killed > 8, "the fail points were not reached: {killed}");
}

#[test]
fn one_compactor_at_a_time() {
    let stage = stage();
    let claims = stage.folder("claims");
    std::fs::create_dir_all(&claims).unwrap();
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let elsewhere = r#"{"host":"elsewhere","boot":"b","pid":1,"start_time":1}"#;
    std::fs::write(claims.join("compact"), elsewhere).unwrap();
    let error = sweep(stage.results.path()).compact().unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error}");
    // A process of an earlier boot of this host is gone.
    std::fs::write(claims.join("compact"), elsewhere.replace("elsewhere", own.trim())).unwrap();
    sweep(stage.results.path()).compact().unwrap();
    assert_eq!(count(&claims), 0);
}

#[test]
fn damaged_and_foreign_files_are_named_and_passed_over_on_request() {
    let stage = stage();
    let results = stage.results.path();
    sweep(results).compact().unwrap();
    let part = stage.folder("history").join("part-1.parquet");
    let bytes = std::fs::read(&part).unwrap();
    for length in [0, 3, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&part, &bytes[..length]).unwrap();
        let error = sweep(results).history().map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("part-1.parquet"), "{error}");
        assert_eq!(sweep(results).skip_damaged(true).history().unwrap().collect().unwrap().height(), 9);
        let verified = sweep(results).verify().unwrap();
        assert!(verified.findings.iter().any(|finding| finding.serious && finding.path == part));
    }
    let mut foreign = df!("a" => [1, 2]).unwrap();
    ParquetWriter::new(std::fs::File::create(&part).unwrap()).finish(&mut foreign).unwrap();
    let error = sweep(results).history().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("was not written by tessera"), "{error}");
}

/// Half a segment, none of one, another program's file, and one of a later format.
#[test]
fn damaged_and_foreign_segments_are_named_and_passed_over_on_request() {
    let stage = stage();
    let results = stage.results.path();
    let tessera = |arguments: &[&str]| {
        let mut command = crate::support::tessera();
        let output = command.args(arguments).arg("--results").arg(results).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let segment = stage.folder("segments").join("agent-1.history.parquet");
    let whole = std::fs::read(&segment).unwrap();
    let mut foreign = Vec::new();
    ParquetWriter::new(&mut foreign).finish(&mut df!("a" => [1, 2]).unwrap()).unwrap();
    let later = [&b"\"format\":1"[..], &b"\"format\":9"[..]];
    let place = whole.windows(later[0].len()).position(|bytes| bytes == later[0]).unwrap();
    let later = [&whole[..place], later[1], &whole[place + later[0].len()..]].concat();
    let count = "SELECT count(*) AS n FROM history";
    for bytes in [&whole[..whole.len() / 2], b"", &foreign, b"hello", &later] {
        std::fs::write(&segment, bytes).unwrap();
        for question in [
            &["compare", "test", "--by", "method"][..],
            &["compact", "test"],
            &["export", "csv", "test"],
            &["verify", "test"],
        ] {
            let (code, out, said) = tessera(question);
            assert!(code == 1 && (out + &said).contains("agent-1.history.parquet"), "{question:?}: {said}");
        }
        let (code, table, said) = tessera(&["table", "test", "--reduce", "max"]);
        assert!(code == 0 && table.contains("1 of 4 without this metric"), "{table}{said}");
        assert!(said.contains("warning: without numbers here: ") && said.contains("--repair"), "{said}");
        let (_, rows, said) = tessera(&["query", count, "--format", "csv"]);
        // 50 of the run that has rows there, 40 of one whose first attempt never said where its rows are.
        assert_eq!(rows, "n\n359\n");
        assert!(said.contains("warning: without numbers here: "), "{said}");
    }
    // What cannot be read is not taken into a part, and stays.
    assert_eq!(tessera(&["compact", "test", "--skip-damaged"]).0, 0);
    assert_eq!(std::fs::read(&segment).unwrap(), later);
    std::fs::write(&segment, &whole).unwrap();
    assert_eq!(sweep(results).compact().unwrap().segments, 1);
    assert_eq!(tessera(&["query", count, "--format", "csv"]).1, "n\n449\n");
}

#[test]
fn a_flipped_byte_among_the_rows_is_found_without_a_panic() {
    let stage = stage();
    let results = stage.results.path();
    sweep(results).compact().unwrap();
    let part = stage.folder("history").join("part-1.parquet");
    let bytes = std::fs::read(&part).unwrap();
    for place in (4..bytes.len()).step_by(211) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x55;
        std::fs::write(&part, &flipped).unwrap();
        let findings = sweep(results).verify().unwrap().findings;
        assert!(findings.iter().any(|finding| finding.serious), "byte {place} of {}", bytes.len());
    }
}

#[test]
fn removed_things_are_in_the_trash() {
    let stage = stage();
    let results = stage.results.path();
    let run = run_id("lagrange", 0);
    let folder = sweep(results).layout().checkpoints(&run);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("step-10.safetensors"), "x").unwrap();
    let paths = sweep(results).to_remove(Removal::Checkpoints);
    assert_eq!(paths, std::slice::from_ref(&folder));
    let trash = sweep(results).remove(&paths).unwrap();
    assert!(!folder.exists() && trash.join("checkpoints").join(run.as_str()).join("step-10.safetensors").exists());
    sweep(results).remove(&sweep(results).to_remove(Removal::Everything)).unwrap();
    assert!(Sweep::open(results, "test").is_err());
}

/// What a program logs late lies in a later segment: there and in the part each step is one row in the end.
#[test]
fn a_step_that_comes_again_is_one_row() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    let of = |name: &str, steps: std::ops::Range<u64>| {
        let mut rows = rows(steps, |step| step as f64);
        rows.metrics = rows.metrics.into_iter().filter(|(n, _)| n == "kl").map(|(_, c)| (name.to_owned(), c)).collect();
        rows
    };
    stage.writer.fact(started(&run, 1, None)).unwrap();
    stage.writer.history(&run, 1, &of("kl", 0..10)).unwrap();
    stage.writer.history(&run, 1, &of("late", 2..4)).unwrap();
    stage.writer.flush().unwrap();
    stage.writer.history(&run, 1, &of("later", 0..20)).unwrap();
    // Names of a history's own columns do not stand in its way.
    stage.writer.history(&run, 1, &of("elapsed", 19..20)).unwrap();
    stage.writer.fact(finished(&run, 1)).unwrap();
    stage.writer.commit().unwrap();
    let results = stage.results.path();
    let sums = |frame: &DataFrame| -> Vec<f64> {
        let names = ["kl", "late", "later", "metric.elapsed"];
        names.iter().map(|name| frame.column(name).unwrap().f64().unwrap().sum().unwrap()).collect()
    };
    assert_eq!(sums(&table(results)), [45.0, 5.0, 190.0, 19.0]);
    sweep(results).compact().unwrap();
    let after = table(results);
    assert_eq!((after.height(), sums(&after)), (20, vec![45.0, 5.0, 190.0, 19.0]));
    assert!(sweep(results).verify().unwrap().findings.is_empty());
}

#[test]
fn what_was_written_last_stays_also_after_the_ninth_segment() {
    let mut stage = Stage::new(&["lagrange"], 1);
    let run = run_id("lagrange", 0);
    stage.writer.fact(started(&run, 1, None)).unwrap();
    for i in 0..12 {
        // The last row of a run that goes on is not written yet.
        stage.writer.history(&run, 1, &rows(100..101, |_| i as f64)).unwrap();
        stage.writer.history(&run, 1, &rows(200 + i..201 + i, |_| 0.0)).unwrap();
        stage.writer.flush().unwrap();
    }
    stage.writer.fact(finished(&run, 1)).unwrap();
    stage.writer.commit().unwrap();
    let results = stage.results.path();
    assert_eq!(sweep(results).compact().unwrap().segments, 13);
    let table = table(results);
    assert_eq!((table.height(), table.column("kl").unwrap().f64().unwrap().get(0)), (13, Some(11.0)));
    assert!(sweep(results).verify().unwrap().findings.is_empty());
}
