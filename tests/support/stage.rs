//! A sweep written as an agent would write it: for tests of what is read back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;
use tessera::agent::Sink;
use tessera::record::Value;
use tessera::record::{Axes, Fact, Goal, Outcome, PlannedRun, Provenance, Real, Rows, RunId};
use tessera::store::{Sweep, Writer};

/// A sweep of `method` × seeds, written as an agent would.
pub struct Stage {
    pub results: TempDir,
    pub writer: Writer,
}

pub fn run_id(method: &str, seed: u64) -> RunId {
    RunId::of(&format!("{method} {seed}"))
}

pub fn planned(methods: &[&str], seeds: u64) -> Fact {
    let runs = methods.iter().flat_map(|method| {
        (0..seeds).map(move |seed| PlannedRun {
            run: run_id(method, seed),
            seed,
            parameters: BTreeMap::from([("method".to_owned(), Value::from(*method))]),
        })
    });
    Fact::Planned {
        time: 1.0,
        spec: "00000000000000aa".to_owned(),
        tessera: "0.1.0".to_owned(),
        trainer: "retina".to_owned(),
        metric: Some(("kl".to_owned(), "last".to_owned())),
        goal: Some(Goal::Max),
        axes: Axes::new(),
        common: BTreeMap::from([("learning_rate".to_owned(), Value::from(0.01)), ("neurons".to_owned(), 40.into())]),
        runs: runs.collect(),
    }
}

pub fn started(run: &RunId, attempt: u32, resume: Option<(u32, u64)>) -> Fact {
    let provenance = Provenance { host: "here".to_owned(), device: "cpu".to_owned(), ..Provenance::default() };
    Fact::Started { time: 2.0, run: run.clone(), attempt, resume, provenance: Box::new(provenance) }
}

pub fn finished(run: &RunId, attempt: u32) -> Fact {
    let (run, outcome) = (run.clone(), Outcome::Done);
    Fact::Finished { time: 3.0, run, attempt, seconds: 1.5, outcome, peak_memory_mib: None, peak_is_bound: false }
}

pub fn rows(steps: std::ops::Range<u64>, kl: impl Fn(u64) -> f64) -> Rows {
    let column = |value: &dyn Fn(u64) -> f64| steps.clone().map(|step| Real(value(step))).collect::<Vec<_>>();
    Rows {
        step: steps.clone().collect(),
        elapsed: column(&|step| step as f64 / 10.0),
        metrics: [("kl".to_owned(), column(&kl)), ("terms/KL".to_owned(), column(&|step| -(step as f64)))].into(),
    }
}

impl Stage {
    pub fn new(methods: &[&str], seeds: u64) -> Self {
        let results = TempDir::new().unwrap();
        let mut writer = Writer::open(results.path(), "test", "agent").unwrap();
        writer.fact(planned(methods, seeds)).unwrap();
        Self { results, writer }
    }

    pub fn execute(&mut self, run: &RunId, steps: u64, kl: impl Fn(u64) -> f64) {
        self.writer.fact(started(run, 1, None)).unwrap();
        self.writer.history(run, 1, &rows(0..steps, kl)).unwrap();
        self.writer.fact(finished(run, 1)).unwrap();
    }

    pub fn sweep(&self) -> Sweep {
        Sweep::open(self.results.path(), "test").unwrap()
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        self.results.path().join("test").join(name)
    }
}
