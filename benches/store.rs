//! Writes a sweep of a given size through the store's own writer: `store RESULTS RUNS ROWS METRICS`. The questions
//! are asked by `benches/store.py`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use tessera::agent::Sink;
use tessera::record::Value;
use tessera::record::{Axes, Fact, Goal, Outcome, PlannedRun, Provenance, Real, Rows, RunId};
use tessera::store::Writer;

/// So many runs are executed at once: their rows lie mixed in the segments.
const SLOTS: usize = 16;

/// A segment holds what each of them records in ten seconds, so long as no run ends.
const BATCH: u64 = 2_000;

/// Runs with fewer rows than this come many to a commit.
const LONG: u64 = 1_000;

const METHODS: [&str; 4] = ["lagrange", "two_losses", "gamma", "none"];

fn main() {
    // `cargo bench` adds a switch of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [results, runs, rows, metrics] = arguments.as_slice() else {
        return eprintln!("usage: store RESULTS RUNS ROWS METRICS (see `just bench-store`)");
    };
    let (runs, rows, metrics): (u64, u64, usize) =
        (runs.parse().unwrap(), rows.parse().unwrap(), metrics.parse().unwrap());
    let names: Vec<String> =
        (0..metrics).map(|i| if i == 0 { "kl".to_owned() } else { format!("metric_{i}") }).collect();
    let mut writer = Writer::open(Path::new(results), "bench", "bench").unwrap();
    let ids: Vec<RunId> = (0..runs).map(|i| RunId::of(&i.to_string())).collect();
    writer.fact(planned(&ids)).unwrap();
    let mut noise = 1u64;
    let slots = if rows < LONG { LONG as usize } else { SLOTS };
    let numbered: Vec<(usize, &RunId)> = ids.iter().enumerate().collect();
    for together in numbered.chunks(slots) {
        for &(_, run) in together {
            let provenance = Provenance { host: "bench".to_owned(), device: "cpu".to_owned(), ..Provenance::default() };
            let (run, provenance) = (run.clone(), Box::new(provenance));
            writer.fact(Fact::Started { time: 1.0, run, attempt: 1, resume: None, provenance }).unwrap();
        }
        for from in (0..rows).step_by(BATCH as usize) {
            let steps: Vec<u64> = (from..rows.min(from + BATCH)).collect();
            for &(number, run) in together {
                let level = (number % METHODS.len()) as f64;
                let mut column = || {
                    let value = |step: &u64| Real(level * (1.0 - (-(*step as f64) / 1e4).exp()) + uniform(&mut noise));
                    steps.iter().map(value).collect::<Vec<_>>()
                };
                let columns = names.iter().map(|name| (name.clone(), column())).collect();
                let elapsed = steps.iter().map(|&step| Real(step as f64 * 0.01)).collect();
                writer.history(run, 1, &Rows { step: steps.clone(), elapsed, metrics: columns }).unwrap();
            }
            writer.flush().unwrap();
        }
        for &(_, run) in together {
            let (run, seconds, outcome, peak_memory_mib) = (run.clone(), 1.0, Outcome::Done, None);
            let end =
                Fact::Finished { time: 2.0, run, attempt: 1, seconds, outcome, peak_memory_mib, peak_is_bound: false };
            writer.fact(end).unwrap();
        }
        writer.commit().unwrap();
    }
    writer.flush().unwrap();
}

fn planned(ids: &[RunId]) -> Fact {
    let run = |(number, run): (usize, &RunId)| PlannedRun {
        run: run.clone(),
        seed: (number / 40) as u64,
        parameters: BTreeMap::from([
            ("method".to_owned(), Value::from(METHODS[number % METHODS.len()])),
            ("fr_learning_rate".to_owned(), Value::from(10f64.powi(-((number / METHODS.len() % 10) as i32)))),
        ]),
    };
    Fact::Planned {
        time: 0.0,
        spec: "0".repeat(16),
        tessera: env!("CARGO_PKG_VERSION").to_owned(),
        trainer: "retina".to_owned(),
        metric: Some(("kl".to_owned(), "mean_last 5%".to_owned())),
        goal: Some(Goal::Max),
        axes: Axes::new(),
        common: BTreeMap::from([("neurons".to_owned(), Value::from(300))]),
        runs: ids.iter().enumerate().map(run).collect(),
    }
}

/// The next number in [0, 1) (SplitMix64): noise that does not compress.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}
