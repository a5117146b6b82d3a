//! The formats on disk are what `docs/format.md` says: a reader written from that page alone reads what is there.

use super::release::release;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tessera::store::Sweep;

/// What the reader finds in a sweep's folder.
fn read(folder: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/read.py");
    let output = Command::new("python3").arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The same as the store finds it.
fn known(results: &Path, name: &str) -> Value {
    let sweep = Sweep::open(results, name).unwrap();
    let current = sweep.states().iter().filter(|state| state.current);
    let run = |state: &tessera::store::RunState| {
        let lineage: Vec<_> = state.lineage.iter().map(|(attempt, below)| json!([attempt, below])).collect();
        let about = json!({
            "status": state.status.to_string(),
            "attempt": state.attempt,
            "seed": state.seed,
            "parameters": *state.parameters,
            "lineage": lineage,
        });
        (state.run.to_string(), about)
    };
    Value::Object(current.map(run).collect())
}

#[test]
fn a_reader_written_from_the_docs_finds_every_run() {
    let (_folder, results) = release("0.1.0");
    for name in tessera::store::sweeps(&results).unwrap() {
        assert_eq!(read(&results.join(&name)), known(&results, &name), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("spec.yaml");
    std::fs::write(folder.path().join("train.sh"), "[ $2 = 0 ] && printf 'step,loss\\n1,%s\\n' $3 >$1/metrics.csv")
        .unwrap();
    let text = "sweep: mixed\ncommand: sh {spec.dir}/train.sh {run.dir} {fail} {lr}\nmetric: loss\n\
                grid: {lr: [1, 0.1], fail: [0, 1]}\n";
    std::fs::write(&spec, text).unwrap();
    let results = folder.path().join("results");
    let ran = crate::support::tessera().arg("run").arg(&spec).arg("--results").arg(&results).output();
    assert_eq!(ran.unwrap().status.code(), Some(3));
    let found = read(&results.join("mixed"));
    assert_eq!(found, known(&results, "mixed"));
    assert_eq!(found.as_object().unwrap().values().filter(|run| run["status"] == "failed").count(), 2);
}
