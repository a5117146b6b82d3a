//! Damage at any place: never a wrong number, what can be read stays, and a repair with another run brings back the rest.

use crate::support::copy;
use crate::support::stage::{Stage, finished, rows, run_id, started};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tessera::agent::Sink;
use tessera::record::{Fact, RunId};
use tessera::spec::Reduce;
use tessera::store::{Damage, RunState, Status, StoreError, Sweep, Writer};

const STEPS: u64 = 60;

/// What a run logs: nothing that a damaged byte could hide in.
fn value(run: &RunId, step: u64) -> f64 {
    let seed = u64::from_str_radix(run.as_str(), 16).unwrap();
    let mixed = (seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / 2_f64.powi(53)
}

fn write(writer: &mut Writer, run: &RunId, attempt: u32) {
    writer.fact(started(run, attempt, None)).unwrap();
    writer.history(run, attempt, &rows(0..STEPS, |step| value(run, step))).unwrap();
    writer.fact(finished(run, attempt)).unwrap();
    writer.commit().unwrap();
}

/// Nine runs, one of them resumed from a checkpoint.
fn stage(compact: bool) -> (Stage, Vec<RunId>) {
    let methods = ["lagrange", "two_losses", "gamma"];
    let mut stage = Stage::new(&methods, 3);
    let runs: Vec<RunId> = methods.iter().flat_map(|method| (0..3).map(|seed| run_id(method, seed))).collect();
    for (place, run) in runs.iter().enumerate() {
        if place == 4 {
            stage.writer.fact(started(run, 1, None)).unwrap();
            stage.writer.history(run, 1, &rows(0..40, |step| value(run, step))).unwrap();
            let file = "step-30".to_owned();
            let (run_of, guessed) = (run.clone(), false);
            stage
                .writer
                .fact(Fact::Checkpoint { time: 2.5, run: run_of, attempt: 1, step: 30, guessed, file })
                .unwrap();
            stage.writer.commit().unwrap();
            stage.writer.fact(started(run, 2, Some((1, 30)))).unwrap();
            stage.writer.history(run, 2, &rows(30..STEPS, |step| value(run, step))).unwrap();
            stage.writer.fact(finished(run, 2)).unwrap();
            stage.writer.commit().unwrap();
        } else {
            write(&mut stage.writer, run, 1);
        }
        if compact && place % 3 == 2 {
            stage.sweep().compact().unwrap();
        }
    }
    stage.writer.flush().unwrap();
    (stage, runs)
}

/// The steps and values of each run that has rows.
fn curves(sweep: &Sweep) -> BTreeMap<String, Vec<(u64, f64)>> {
    let frame = sweep.history().unwrap().collect().unwrap();
    let mut curves: BTreeMap<String, Vec<(u64, f64)>> = BTreeMap::new();
    let Ok(values) = frame.column("kl") else { return curves };
    let (runs, steps) = (frame.column("run").unwrap().str().unwrap(), frame.column("step").unwrap().u64().unwrap());
    for ((run, step), value) in runs.iter().zip(steps.iter()).zip(values.f64().unwrap().iter()) {
        curves.entry(run.unwrap().to_owned()).or_default().push((step.unwrap(), value.unwrap()));
    }
    curves.values_mut().for_each(|curve| curve.sort_by_key(|(step, _)| *step));
    curves
}

/// Every run that is done has all its numbers or none, in rows and in summaries, and no other has a wrong one; gives how
/// many are done and have them.
fn right_or_none(sweep: &Sweep, what: &str) -> usize {
    let mut found = curves(sweep);
    found.retain(|run, curve| {
        let run = RunId::parse(run).unwrap();
        let right: Vec<(u64, f64)> = (0..STEPS).map(|step| (step, value(&run, step))).collect();
        let done = sweep.state(&run).unwrap().status.is_done();
        assert!(if done { *curve == right } else { right.starts_with(curve) }, "{what}: run {run}: {curve:?}");
        done
    });
    let runs: Vec<&RunState> = sweep.states().iter().collect();
    let done = runs.iter().copied().filter(|run| run.status.is_done()).collect::<Vec<_>>();
    for (run, summary) in sweep.summaries(&["kl"], Reduce::Min, &done).unwrap() {
        let right = (0..STEPS).map(|step| value(&run, step)).fold(f64::INFINITY, f64::min);
        assert!(summary[0].is_none_or(|least| least == right), "{what}: {summary:?} of run {run}");
    }
    found.len()
}

/// Random numbers that are the same each time.
struct Luck(u64);

impl Luck {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A changed byte, a stretch of garbage, of zeros, one that is gone, or an end that is.
fn damaged(bytes: &[u8], luck: &mut Luck) -> (Vec<u8>, String) {
    let mut bytes = bytes.to_vec();
    let at = luck.below(bytes.len());
    let to = (at + 1 + luck.below(300)).min(bytes.len());
    let how = ["a byte", "garbage", "zeros", "a hole", "the end"][luck.below(5)];
    match how {
        "a byte" => bytes[at] ^= 1 + luck.below(255) as u8,
        "garbage" => bytes[at..to].iter_mut().for_each(|byte| *byte = luck.below(256) as u8),
        "zeros" => bytes[at..to].fill(0),
        "a hole" => drop(bytes.drain(at..to)),
        _ => bytes.truncate(at),
    }
    (bytes, format!("{how} at {at}..{to}"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    files
}

fn at_random_places(folder: &str, compact: bool, times: usize) {
    let (stage, runs) = stage(compact);
    let mut luck = Luck(folder.len() as u64);
    let (mut kept, mut lost) = (0, 0);
    for _ in 0..times {
        let place = tempfile::tempdir().unwrap();
        let results = place.path();
        copy(stage.results.path(), results);
        let found = files(&results.join("test").join(folder), if folder == "journal" { ".jsonl" } else { ".parquet" });
        let file = &found[luck.below(found.len())];
        let (bytes, what) = damaged(&std::fs::read(file).unwrap(), &mut luck);
        let what = format!("{what} of {}", file.strip_prefix(results).unwrap().display());
        std::fs::write(file, bytes).unwrap();
        if luck.below(2) == 0 {
            let _ = std::fs::remove_file(results.join("test/runs.parquet"));
        }
        let before = right_or_none(&Sweep::open_readable(results, "test").unwrap(), &what);
        Sweep::repair(results, "test").unwrap();
        // Everything can be read again, and nothing more is lost than was.
        let mended = Sweep::open(results, "test").unwrap();
        let after = right_or_none(&mended, &what);
        assert_eq!(after, before, "{what}");
        assert_eq!(serious(&mended), Vec::<String>::new(), "{what}");
        kept += after;
        // What is not done is executed again, planned again too where the plan is lost.
        let mut writer = Writer::open(results, "test", "agent").unwrap();
        writer.fact(crate::support::stage::planned(&["lagrange", "two_losses", "gamma"], 3)).unwrap();
        writer.flush().unwrap();
        let mended = Sweep::open(results, "test").unwrap();
        let newest = mended.newest_attempts().unwrap();
        for run in &runs {
            let state = mended.state(run).unwrap();
            if !state.status.is_done() {
                write(&mut writer, run, state.attempt.max(newest.get(run).copied().unwrap_or(0)) + 1);
                lost += 1;
            }
        }
        drop(writer);
        let again = Sweep::open(results, "test").unwrap();
        assert_eq!(right_or_none(&again, &what), runs.len(), "{what}");
        assert!(again.states().iter().all(|state| state.status == Status::Finished), "{what}");
        assert_eq!(serious(&again), Vec::<String>::new(), "{what}");
        again.compact().unwrap();
        assert_eq!(right_or_none(&Sweep::open(results, "test").unwrap(), &what), runs.len(), "{what}");
    }
    assert!(kept > times && lost > 0, "{kept} runs were kept, {lost} lost");
}

fn serious(sweep: &Sweep) -> Vec<String> {
    let findings = sweep.verify().unwrap().findings.into_iter().filter(|finding| finding.serious);
    findings.map(|finding| format!("{}: {}", finding.path.display(), finding.message)).collect()
}

/// How many places each kind of file is damaged at; `TESSERA_DAMAGE=100` for as many as one likes.
fn times() -> usize {
    std::env::var("TESSERA_DAMAGE").ok().and_then(|times| times.parse().ok()).unwrap_or(12)
}

#[test]
fn parts_damaged_at_random_places_are_mended() {
    at_random_places("history", true, times());
}

#[test]
fn segments_damaged_at_random_places_are_mended() {
    at_random_places("segments", false, times());
}

#[test]
fn journals_damaged_at_random_places_are_mended() {
    at_random_places("journal", true, times());
}

/// The derived table of runs is held against its sums too: it is passed over where it changed.
#[test]
fn a_damaged_table_of_runs_gives_no_number() {
    let (stage, _) = stage(true);
    let path = stage.folder("runs.parquet");
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(right_or_none(&stage.sweep(), &format!("byte {at}")), 9);
    }
}

#[test]
fn a_segment_that_is_gone_is_missed_and_its_run_has_no_numbers() {
    let (stage, runs) = stage(false);
    let results = stage.results.path();
    // The resumed run has rows in two segments; the first of them goes.
    std::fs::remove_file(stage.folder("segments").join("agent-5.history.parquet")).unwrap();
    let Err(StoreError::Table { message, .. }) = stage.sweep().history() else { panic!("half a history was read") };
    assert!(message.contains(runs[4].as_str()), "{message}");
    let sweep = Sweep::open_readable(results, "test").unwrap();
    assert_eq!(right_or_none(&sweep, "a segment is gone"), 8);
    let Damage { runs: without, .. } = sweep.damage();
    assert_eq!(without.keys().collect::<Vec<_>>(), [&runs[4]]);
    let done = Sweep::repair(results, "test").unwrap();
    assert_eq!(done.lost.keys().collect::<Vec<_>>(), [runs[4].as_str()]);
    // It does not go on from a checkpoint whose rows are lost.
    let state = stage.sweep().state(&runs[4]).unwrap().clone();
    assert_eq!((state.status, state.attempt, state.checkpoints.len()), (Status::Failed, 2, 0));
}

/// What the command says and does, and that nothing is deleted.
#[test]
fn verify_repair_says_what_is_lost_and_deletes_nothing() {
    let (stage, runs) = stage(false);
    let results = stage.results.path();
    let checkpoints = stage.folder("checkpoints").join(runs[0].as_str());
    std::fs::create_dir_all(&checkpoints).unwrap();
    std::fs::write(checkpoints.join("step-30"), "weights").unwrap();
    let segment = stage.folder("segments").join("agent-1.history.parquet");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    drop(stage.writer);
    let tessera = |arguments: &[&str]| {
        let mut command = crate::support::tessera();
        let output = command.args(arguments).arg("--results").arg(results).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = tessera(&["table", "test", "--reduce", "max"]);
    assert!(code == Some(0) && said.contains("warning: without numbers here: ") && said.contains(runs[0].as_str()));
    assert_eq!(tessera(&["verify", "test"]).0, Some(1));
    let (code, said) = tessera(&["verify", "test", "--repair"]);
    assert!(code == Some(0) && said.contains(&format!("lost: run {}", runs[0])), "{said}");
    assert!(said.contains("1 run is lost; `tessera run`"), "{said}");
    let aside = results.join("test/.damaged");
    assert_eq!(std::fs::read(aside.join("segments/agent-1.history.parquet")).unwrap(), bytes);
    assert!(aside.join("checkpoints").join(runs[0].as_str()).join("step-30").exists());
    let (code, said) = tessera(&["verify", "test", "--repair"]);
    assert!(code == Some(0) && said.contains("nothing to repair"), "{said}");
    let (_, said) = tessera(&["table", "test", "--reduce", "max"]);
    assert!(!said.contains("warning"), "{said}");
    // Nobody may execute the sweep meanwhile.
    let claims = results.join("test/claims");
    std::fs::create_dir_all(&claims).unwrap();
    std::fs::write(claims.join("agent"), r#"{"host":"elsewhere","boot":"b","pid":1,"start_time":1}"#).unwrap();
    let (code, said) = tessera(&["verify", "test", "--repair"]);
    assert!(code == Some(1) && said.contains("on elsewhere"), "{said}");
}

/// A repair that is killed anywhere is ended by the next.
#[test]
fn a_repair_that_is_killed_is_ended_by_the_next() {
    let (stage, runs) = stage(true);
    drop(stage.writer);
    let part = stage.results.path().join("test/history/part-2.parquet");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[50] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let journal = stage.results.path().join("test/journal/agent.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    // The checkpoint that the fifth run went on from.
    std::fs::write(&journal, text.replacen("step-30", "step-31", 1)).unwrap();
    let mut killed = 0;
    for point in ["rename", "renamed", "append", "appended", "synced"] {
        for nth in 1..5 {
            let place = tempfile::tempdir().unwrap();
            let results = place.path();
            copy(stage.results.path(), results);
            let repair = |fail: Option<String>| {
                let mut command = crate::support::tessera();
                command.args(["verify", "test", "--repair", "--results"]).arg(results);
                fail.map(|fail| command.env("TESSERA_FAIL_POINT", fail));
                command.output().unwrap().status.code()
            };
            let what = format!("killed at {point} {nth}");
            killed += usize::from(repair(Some(format!("{point}:{nth}"))).is_none());
            right_or_none(&Sweep::open_readable(results, "test").unwrap(), &what);
            assert_eq!(repair(None), Some(0), "{what}");
            let mended = Sweep::open(results, "test").unwrap();
            assert_eq!(right_or_none(&mended, &what), runs.len() - 3, "{what}");
            assert_eq!(serious(&mended), Vec::<String>::new(), "{what}");
        }
    }
    assert!(killed > 8, "the fail points were not reached: {killed}");
}
