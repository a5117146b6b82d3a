//! Small stored sweeps for the tests of figures and reports: written as an agent writes them, with numbers made up.

use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tessera::agent::{Array, Sink};
use tessera::record::Value;
use tessera::record::{Axes, Fact, Goal, Outcome, Parameters, PlannedRun, Provenance, Real, Rows, RunId};
use tessera::store::{Sweep, Writer};

/// A stored sweep in a folder of its own.
pub struct Stored {
    folder: TempDir,
    name: String,
}

/// Noise that is the same everywhere: a hash as a number from −0.5 to 0.5.
fn noise(words: &str, i: u64) -> f64 {
    let hash = RunId::of(&format!("{words} {i}"));
    u64::from_str_radix(&hash.as_str()[..12], 16).unwrap() as f64 / (1u64 << 48) as f64 - 0.5
}

/// Nearly normal noise of sd 1.
fn normal(words: &str, i: u64) -> f64 {
    (0..12).map(|k| noise(words, i * 12 + k)).sum()
}

impl Stored {
    /// `retina_test` (2 methods × 3 rates × 3 seeds, one run diverged) or `toy_test` (3 starts).
    pub fn new(name: &str) -> Self {
        let stored = Self { folder: TempDir::new().unwrap(), name: name.to_owned() };
        if name == "toy_test" {
            stored.toy()
        } else {
            stored.retina()
        }
        stored
    }

    /// `long`: one run of many steps with a single value of 99.
    pub fn long(steps: u64, peak: u64) -> Self {
        let stored = Self { folder: TempDir::new().unwrap(), name: "long".to_owned() };
        let parameters = BTreeMap::from([("method".to_owned(), Value::from("none"))]);
        stored.write("retina", &[(RunId::of("long"), 0, parameters)], |run, _, writer| {
            let kl = |step: u64| Real(if step == peak { 99.0 } else { noise("long", step % 997) });
            let rows = Rows {
                step: (0..steps).collect(),
                elapsed: (0..steps).map(|step| Real(step as f64)).collect(),
                metrics: [("kl".to_owned(), (0..steps).map(kl).collect())].into(),
            };
            writer.history(run, 1, &rows).unwrap();
            Outcome::Done
        });
        stored
    }

    /// `wide`: so many runs, each with levels of its own on two axes, and two steps.
    pub fn wide(levels: u64) -> Self {
        let stored = Self { folder: TempDir::new().unwrap(), name: "wide".to_owned() };
        let run = |i: u64| {
            let parameters = BTreeMap::from([
                ("method".to_owned(), Value::Text(format!("method {i}"))),
                ("fr_learning_rate".to_owned(), Value::from(1e-3 + i as f64 * 1e-7)),
            ]);
            (RunId::of(&format!("wide {i}")), 0, parameters)
        };
        let runs: Vec<(RunId, u64, Parameters)> = (0..levels).map(run).collect();
        stored.write("retina", &runs, |run, parameters, writer| {
            let rate = parameters["fr_learning_rate"].as_f64().unwrap();
            let metric = |name: &str, by: f64| (name.to_owned(), vec![Real(rate * by), Real(rate)]);
            let metrics = [metric("kl", 2.0), metric("rate_mean", 3.0)].into();
            let elapsed = vec![Real(0.0), Real(1.0)];
            writer.history(run, 1, &Rows { step: vec![0, 1], elapsed, metrics }).unwrap();
            Outcome::Done
        });
        stored
    }

    /// The spec that such a sweep would have, without figures.
    pub fn spec(name: &str) -> String {
        let (trainer, grid) = match name {
            "toy_test" => ("toy", "x2: [1, 2, 4]"),
            _ => ("retina", "method: [lagrange, two_losses]\n  fr_learning_rate: [0.1, 0.01, 0.001]"),
        };
        let metric = if trainer == "toy" { "{name: distance, goal: min}" } else { "{name: kl, goal: max}" };
        let base = if trainer == "toy" { "" } else { "base: {colors: 1}\n" };
        format!("sweep: {name}\ntrainer: {trainer}\nmetric: {metric}\n{base}grid:\n  {grid}\nseeds: 3\n")
    }

    /// The results folder.
    pub fn results(&self) -> &Path {
        self.folder.path()
    }

    /// The sweep as it is stored.
    pub fn sweep(&self) -> Sweep {
        Sweep::open(self.results(), &self.name).unwrap()
    }

    fn write(
        &self,
        trainer: &str,
        runs: &[(RunId, u64, Parameters)],
        execute: impl Fn(&RunId, &Parameters, &mut Writer) -> Outcome,
    ) {
        let mut writer = Writer::open(self.results(), &self.name, "agent").unwrap();
        let planned = runs.iter().map(|(run, seed, parameters)| PlannedRun {
            run: run.clone(),
            seed: *seed,
            parameters: parameters.clone(),
        });
        let metric = if trainer == "toy" { "distance" } else { "kl" };
        writer
            .fact(Fact::Planned {
                time: 1.0,
                spec: "00000000000000aa".to_owned(),
                tessera: "0.1.0".to_owned(),
                trainer: trainer.to_owned(),
                metric: Some((metric.to_owned(), "last".to_owned())),
                goal: Some(Goal::of(trainer != "toy")),
                axes: Axes::new(),
                common: Parameters::new(),
                runs: planned.collect(),
            })
            .unwrap();
        for (run, _, parameters) in runs {
            let provenance = Provenance { git: "f00dfeed".to_owned(), ..Provenance::default() };
            let (run, attempt) = (run.clone(), 1);
            let started = Fact::Started { time: 2.0, run, attempt, resume: None, provenance: Box::new(provenance) };
            let Fact::Started { run, .. } = &started else { unreachable!() };
            let run = run.clone();
            writer.fact(started).unwrap();
            let outcome = execute(&run, parameters, &mut writer);
            let (time, seconds, peak_memory_mib) = (3.0, 12.5, None);
            writer
                .fact(Fact::Finished { time, run, attempt, seconds, outcome, peak_memory_mib, peak_is_bound: false })
                .unwrap();
        }
        writer.commit().unwrap();
    }

    fn retina(&self) {
        let mut runs = Vec::new();
        for method in ["lagrange", "two_losses"] {
            for rate in [0.1, 0.01, 0.001] {
                for seed in 0..3 {
                    let mut parameters = BTreeMap::from([
                        ("method".to_owned(), Value::from(method)),
                        ("fr_learning_rate".to_owned(), Value::from(rate)),
                        ("colors".to_owned(), Value::from(1)),
                    ]);
                    // Active for one method alone.
                    if method == "lagrange" {
                        parameters.insert("rho".to_owned(), Value::from(1.0));
                    }
                    runs.push((RunId::of(&format!("{method} {rate} {seed}")), seed, parameters));
                }
            }
        }
        let broken = runs[10].0.clone();
        self.write("retina", &runs, |run, parameters, writer| {
            let method = parameters["method"].as_str().unwrap();
            let rate = parameters["fr_learning_rate"].as_f64().unwrap();
            let best =
                if method == "lagrange" { 11.0 } else { 8.5 } + 0.7 * rate.log10() + normal(run.as_str(), 9) * 0.3;
            let last = if *run == broken { 700 } else { 1500 };
            let kl = |step: u64| best * (1.0 - (-(step as f64) / 400.0).exp()) + normal(run.as_str(), step) * 0.15;
            let column = |value: &dyn Fn(u64) -> f64| (0..=last / 10).map(|i| Real(value(i * 10))).collect::<Vec<_>>();
            let phase = |share: f64| move |step: u64| share * (1.0 + 0.1 * noise("phase", step));
            let slow = if method == "lagrange" { 1.0 } else { 1.6 };
            let rows = Rows {
                step: (0..=last / 10).map(|i| i * 10).collect(),
                elapsed: column(&|step| step as f64 / 100.0),
                metrics: [
                    ("kl".to_owned(), column(&kl)),
                    ("kl_before".to_owned(), column(&kl)),
                    (
                        "kl_after".to_owned(),
                        column(&|step| kl(step) - 0.02 * rate.sqrt() * (1.0 + noise(&format!("{run} after"), step))),
                    ),
                    (
                        "rate_mean".to_owned(),
                        column(&|step| 1.0 + 0.3 * noise(run.as_str(), step) - 0.1 * rate.log10()),
                    ),
                    ("seconds_data".to_owned(), column(&phase(0.004))),
                    ("seconds_forward".to_owned(), column(&phase(0.011 * slow))),
                    ("seconds_log_det".to_owned(), column(&phase(0.03))),
                    ("seconds_backward".to_owned(), column(&phase(0.018 * slow))),
                ]
                .into(),
            };
            writer.history(run, 1, &rows).unwrap();
            writer.arrays(run, 1, last, arrays(run, method, rate)).unwrap();
            match *run == broken {
                true => Outcome::Diverged { step: last, quantity: "kl".to_owned() },
                false => Outcome::Done,
            }
        });
    }

    fn toy(&self) {
        let list = |items: &[f64]| Value::List(items.iter().map(|x| Value::from(*x)).collect());
        let mut runs = Vec::new();
        for x2 in [1.0, 2.0, 4.0] {
            let parameters = BTreeMap::from([
                ("x1".to_owned(), Value::from(2.0)),
                ("x2".to_owned(), Value::from(x2)),
                ("constraint_target".to_owned(), Value::from(3.0)),
                ("center".to_owned(), list(&[1.0, 1.5])),
                ("covariance".to_owned(), list(&[1.0, 0.7, 0.7, 1.0])),
            ]);
            runs.push((RunId::of(&format!("toy {x2}")), 0, parameters));
        }
        self.write("toy", &runs, |run, parameters, writer| {
            // The toy itself: down −exp(−q), then x2 towards the target.
            let (mut x1, mut x2) = (2.0f64, parameters["x2"].as_f64().unwrap());
            let mut path = Vec::new();
            for _ in 0..3000 {
                let (a, b) = (x1 - 1.0, x2 - 1.5);
                let height = (-(a * a + 1.4 * a * b + b * b)).exp();
                x1 -= 0.01 * height * (2.0 * a + 1.4 * b);
                x2 -= 0.01 * height * (2.0 * b + 1.4 * a);
                x2 -= 0.2 * 2.0 * (x2 - 3.0) * 0.02;
                path.push((x1, x2));
            }
            let steps = || (0..path.len()).step_by(20);
            let rows = Rows {
                step: steps().map(|i| i as u64).collect(),
                elapsed: steps().map(|i| Real(i as f64)).collect(),
                metrics: [
                    ("x1_now".to_owned(), steps().map(|i| Real(path[i].0)).collect()),
                    ("x2_now".to_owned(), steps().map(|i| Real(path[i].1)).collect()),
                ]
                .into(),
            };
            writer.history(run, 1, &rows).unwrap();
            Outcome::Done
        });
    }
}

/// Rates of 60 neurons, a covariance of 24 and the kernels of 25.
fn arrays(run: &RunId, method: &str, rate: f64) -> Vec<Array> {
    let id = run.as_str();
    let spread = if method == "lagrange" { 0.05 } else { 0.12 } * (1.0 - 0.3 * rate.log10());
    let rates = (0..60).map(|j| (1.0 + spread * normal(id, 10_000 + j)) as f32).collect();
    let size = 24u64;
    let cell = |i: u64, j: u64| {
        let near = (-(i.abs_diff(j) as f64) / 2.0).exp();
        let both = normal(id, 20_000 + i.min(j) * size + i.max(j));
        (if i == j { 9.0 + both } else { 2.0 * near + 0.4 * both }) as f32
    };
    let matrix = (0..size * size).map(|k| cell(k / size, k % size)).collect();
    let (side, neurons) = (10u64, 25u64);
    let kernel = |pixel: u64, j: u64| {
        let (x, y) = ((pixel % side) as f64, (pixel / side) as f64);
        let (u, v) = (5.0 + 2.0 * noise(id, 30_000 + j), 5.0 + 2.0 * noise(id, 31_000 + j));
        let r = (x - u).powi(2) + (y - v).powi(2);
        ((-r / 2.0).exp() - 0.4 * (-r / 8.0).exp() + 0.05 * noise(id, 40_000 + pixel * neurons + j)) as f32
    };
    let kernels = (0..side * side * neurons).map(|k| kernel(k / neurons, k % neurons)).collect();
    vec![
        Array { name: "rate_per_neuron".to_owned(), shape: vec![60], values: rates },
        Array { name: "c_z".to_owned(), shape: vec![size, size], values: matrix },
        Array { name: "kernels".to_owned(), shape: vec![side * side, neurons], values: kernels },
    ]
}
