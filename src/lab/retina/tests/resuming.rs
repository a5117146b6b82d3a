//! Runs through the worker's own entry: stopped and resumed, bit for bit; diverged; probed.

use super::parameters;
use crate::answers::Answers;
use crate::describe;
use crate::parameter::Values;
use crate::retina::{probe, train};
use crate::tensor_file::TensorFile;
use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tch::Device;
use tessera::record::{Answer, Assignment, Outcome, ProbeAssignment, Resume, RunId, Value};

/// What a worker wrote.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Heard {
    fn answers(&self) -> Vec<Answer> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn job(folder: &Path, attempt: u32, others: &[(&str, Value)]) -> Assignment {
    let data = [
        ("data.scenes", Value::from(2)),
        ("data.scene_size", Value::from(32)),
        ("data.covariance_samples", Value::from(500)),
        ("record.arrays_every", Value::from(10)),
        ("checkpoint.every", Value::from(15)),
        ("checkpoint.best", Value::from("kl")),
    ];
    let all: Vec<(&str, Value)> = data.into_iter().chain(others.iter().cloned()).collect();
    Assignment {
        trainer: "retina".to_owned(),
        run: RunId::of("a run"),
        attempt,
        dir: folder.join(format!("work/{attempt}")),
        checkpoints: folder.join("checkpoints"),
        cache: folder.join("cache"),
        parameters: parameters(&all),
        seed: 3,
        device: "cpu".to_owned(),
        threads: 1,
        resume: None,
    }
}

/// Trains and stops when asked for the `until`th time whether to.
fn train_until(job: &Assignment, until: u32) -> Vec<Answer> {
    let heard = Heard::default();
    let mut answers = Answers::new(Box::new(heard.clone()));
    let table = describe::retina::parameters();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > until
    };
    train(job, &Values::check(&table, &job.parameters).unwrap(), Device::Cpu, &mut answers, &stop).unwrap();
    answers.send();
    heard.answers()
}

/// Rows of the history without times, by step.
fn rows(answers: &[Answer]) -> Vec<(u64, Vec<(String, f64)>)> {
    let mut found = Vec::new();
    for answer in answers {
        let Answer::History { rows, .. } = answer else { continue };
        for (index, step) in rows.step.iter().enumerate() {
            let numbers = rows.metrics.iter().filter(|(name, _)| !name.starts_with("seconds"));
            found.push((*step, numbers.map(|(name, column)| (name.clone(), column[index].0)).collect()));
        }
    }
    found
}

fn is_same(a: &Path, b: &Path) {
    let (a, b) = (TensorFile::read(a).unwrap(), TensorFile::read(b).unwrap());
    assert_eq!(a.tensors.len(), b.tensors.len());
    for ((name, a), (_, b)) in a.tensors.iter().zip(&b.tensors) {
        assert!(a.equal(b), "{name}");
    }
}

#[test]
fn a_resumed_run_ends_where_an_unbroken_one_ends() {
    let methods = ["lagrange", "two_losses", "gamma", "normalized", "none"].map(|method| (method, "batch"));
    for (method, estimate) in methods.into_iter().chain([("normalized", "running")]) {
        let others = [
            ("method", Value::from(method)),
            ("normalized.estimate", Value::from(estimate)),
            ("normalized.calibration", Value::from(100)),
            ("optimizer", Value::from("adam")),
            ("lr_schedule", Value::from("plateau")),
            ("lr_schedule.start", Value::from(5)),
            ("lr_schedule.patience", Value::from(2)),
            ("precision", Value::from("single")),
        ];
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let unbroken = train_until(&job(whole.path(), 1, &others), u32::MAX);
        let mut history = Vec::new();
        let mut job = job(broken.path(), 1, &others);
        for until in [7, 16, u32::MAX] {
            let answers = train_until(&job, until);
            history.extend(rows(&answers));
            if let Some(Answer::Stopped { step, .. }) = answers.last() {
                let checkpoint = job.checkpoints.join(format!("step-{step}.safetensors"));
                job.resume = Some(Resume { attempt: job.attempt, step: *step, checkpoint });
                job.attempt += 1;
                job.dir = broken.path().join(format!("work/{}", job.attempt));
            }
        }
        assert_eq!(job.attempt, 3);
        assert_eq!(rows(&unbroken), history, "{method} {estimate}");
        let last = "checkpoints/step-40.safetensors";
        is_same(&whole.path().join(last), &broken.path().join(last));
        for arrays in ["rates-40", "matrices-40", "rates-30", "rates-20"] {
            let of = |folder: &Path, attempt| folder.join(format!("work/{attempt}/{arrays}.safetensors"));
            let attempt = if arrays == "rates-20" { 2 } else { 3 };
            is_same(&of(whole.path(), 1), &of(broken.path(), attempt));
        }
    }
}

#[test]
fn checkpoints_are_kept_by_policy() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), 1, &[("checkpoint.every", Value::from(5)), ("checkpoint.keep", Value::from(1))]);
    let answers = train_until(&job, u32::MAX);
    let mut kept: Vec<u64> = std::fs::read_dir(&job.checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_start_matches("step-").trim_end_matches(".safetensors").parse().unwrap())
        .collect();
    kept.sort();
    assert!(kept.ends_with(&[35, 40]) && kept.len() <= 3, "{kept:?}");
    let of_matrices = answers.iter().filter_map(|answer| match answer {
        Answer::Arrays { step, file, .. } if file.starts_with("matrices") => Some(*step),
        _ => None,
    });
    let mut of_matrices: Vec<u64> = of_matrices.collect();
    of_matrices.sort();
    assert_eq!(of_matrices, kept);
}

#[test]
fn a_run_that_diverges_says_where_and_by_what() {
    let folder = tempfile::tempdir().unwrap();
    let others =
        [("learning_rate", Value::from(1e30)), ("method", Value::from("none")), ("precision", Value::from("single"))];
    let answers = train_until(&job(folder.path(), 1, &others), u32::MAX);
    let Some(Answer::Finished { outcome: Outcome::Diverged { step, quantity }, .. }) = answers.last() else {
        panic!("{answers:?}");
    };
    assert!((1..40).contains(step) && !quantity.is_empty(), "{step} {quantity}");
}

#[test]
fn probes_measure_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), 1, &[]);
    train_until(&job, u32::MAX);
    let checkpoint = job.checkpoints.join("step-40.safetensors");
    job.resume = Some(Resume { attempt: 1, step: 40, checkpoint });
    let table = describe::retina::parameters();
    for (what, metrics, arrays) in [("covariance", 9, 9), ("rates", 5, 2), ("gradient", 5, 2), ("kl", 8, 3)] {
        let heard = Heard::default();
        let mut answers = Answers::new(Box::new(heard.clone()));
        let request = ProbeAssignment { job: job.clone(), what: what.to_owned(), batches: 20 };
        let values = Values::check(&table, &job.parameters).unwrap();
        probe(&request, &values, Device::Cpu, &mut answers, &|| false).unwrap();
        answers.send();
        let answers = heard.answers();
        let rows = rows(&answers);
        let sizes: &[u64] = match what {
            "covariance" => &[1, 10, 20],
            "rates" => &[1, 20],
            _ => &[20],
        };
        assert_eq!(rows.iter().map(|(step, _)| *step).collect::<Vec<_>>(), sizes);
        assert!(rows.iter().all(|(_, numbers)| numbers.len() == metrics), "{rows:?}");
        let file = answers.iter().find_map(|answer| match answer {
            Answer::Arrays { file, .. } => Some(file),
            _ => None,
        });
        assert_eq!(TensorFile::read(&job.dir.join(file.unwrap())).unwrap().tensors.len(), arrays);
        assert!(matches!(answers.last(), Some(Answer::Finished { outcome: Outcome::Done, .. })));
    }
}

/// The last checkpoint holds mean drives by many patches, and so does every probe, whichever estimate the run had.
#[test]
fn normalized_is_calibrated_at_its_end_and_before_a_probe() {
    let off = |others: &[(&str, Value)], step: u64| {
        let folder = tempfile::tempdir().unwrap();
        let all = [("normalized.calibration", Value::from(4000)), ("checkpoint.every", Value::from(10))];
        let all: Vec<_> = all.into_iter().chain(others.iter().cloned()).collect();
        let mut job = job(folder.path(), 1, &all);
        train_until(&job, u32::MAX);
        let checkpoint = job.checkpoints.join(format!("step-{step}.safetensors"));
        job.resume = Some(Resume { attempt: 1, step, checkpoint });
        let heard = Heard::default();
        let mut answers = Answers::new(Box::new(heard.clone()));
        let request = ProbeAssignment { job: job.clone(), what: "kl".to_owned(), batches: 500 };
        let table = describe::retina::parameters();
        probe(&request, &Values::check(&table, &job.parameters).unwrap(), Device::Cpu, &mut answers, &|| false)
            .unwrap();
        answers.send();
        let (_, numbers) = rows(&heard.answers()).remove(0);
        let number = |name: &str| numbers.iter().find(|(known, _)| known == name).unwrap().1;
        (number("rate_off"), (number("kl") - number("kl_at_target")).abs())
    };
    for estimate in ["batch", "running"] {
        let normalized = [("method", Value::from("normalized")), ("normalized.estimate", Value::from(estimate))];
        for step in [30, 40] {
            let (rates, kl) = off(&normalized, step);
            assert!(rates < 0.12 && kl < 1e-9, "{estimate} {step}: {rates} {kl}");
        }
    }
    let (rates, kl) = off(&[("method", Value::from("none")), ("fr_target", Value::from(2.5))], 40);
    assert!(rates > 0.25 && kl > 1e-2, "{rates} {kl}");
}
