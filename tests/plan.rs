//! Stage 2: grids expanded, identity, order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tessera::plan::{Plan, expand, identity};
use tessera::spec::{Document, Sweep, Value, read};

fn sweep_of(path: &Path, sets: &[&str]) -> Result<Sweep, String> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    match read(path, &sets) {
        Ok((Document::Sweep(sweep), _)) => Ok(*sweep),
        Ok(_) => Err("a report".to_owned()),
        Err(problems) => Err(tessera::error::render_problems(&problems, false)),
    }
}

fn column(plan: &Plan, name: &str) -> Vec<String> {
    plan.runs.iter().map(|run| run.get(name).map_or("-".to_owned(), Value::to_string)).collect()
}

#[test]
fn the_demo_sweep_has_twelve_runs() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sweeps/demo.yaml");
    let sweep = sweep_of(&path, &[]).unwrap();
    let plan = expand(&sweep, &|_| Err("no data".to_owned())).unwrap();
    assert_eq!(plan.runs.len(), 12);
    assert_eq!(plan.axes, ["method", "fr_learning_rate"]);
    assert_eq!(plan.runs.iter().map(|run| run.seed).collect::<Vec<_>>()[..4], [0, 1, 0, 1]);
    let rates = column(&plan, "fr_learning_rate");
    assert_eq!(rates[..6], ["0.1", "0.1", "0.01", "0.01", "0.001", "0.001"]);
    assert_eq!(column(&plan, "rho")[0], "1");
    assert_eq!(column(&plan, "rho")[11], "-");
    let ids: std::collections::BTreeSet<&str> = plan.runs.iter().map(|run| &*run.id).collect();
    assert_eq!(ids.len(), 12);
    for run in &plan.runs {
        assert_eq!(tessera::record::RunId::of(&identity(&sweep, run)).as_str(), run.id);
        let both: BTreeMap<_, _> = plan.common().clone().into_iter().chain(run.own()).collect();
        assert_eq!(both, run.parameters());
    }
}
