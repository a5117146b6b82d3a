//! Stage 2: grids expanded, identity, order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tessera::plan::{Plan, expand, identity};
use tessera::record::Value;
use tessera::spec::{Document, Sweep, read};

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
    let ids: std::collections::BTreeSet<&str> = plan.runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids.len(), 12);
    for run in &plan.runs {
        assert_eq!(tessera::record::RunId::of(&identity(&sweep, run)), run.id);
        let both: BTreeMap<_, _> = plan.common().clone().into_iter().chain(run.own()).collect();
        assert_eq!(both, run.parameters());
    }
}

/// Reads and expands a text; renders what is wrong otherwise.
fn plan_of(text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.yaml");
    std::fs::write(&path, text).unwrap();
    let sweep = sweep_of(&path, &[])?;
    expand(&sweep, &|_| Ok("0123456789abcdef".to_owned()))
        .map_err(|problems| tessera::error::render_problems(&problems, false))
}

fn ids(text: &str) -> Vec<String> {
    plan_of(text).unwrap().runs.into_iter().map(|run| run.id.to_string()).collect()
}

fn retina(base: &str) -> String {
    format!("sweep: a\ntrainer: retina\nbase: {{{base}}}\n")
}

/// One line a cell: its axes, then what else differs between cells (of built-in trainers the axes alone: options of a
/// choice come with it).
fn cells(plan: &Plan, built_in: bool) -> Vec<String> {
    let line = |run: &tessera::plan::Run| {
        let mut own = run.own();
        let axes = plan.axes.iter().filter_map(|axis| Some(format!("{axis} {}", own.remove(axis)?)));
        let axes: Vec<String> = axes.collect();
        let rest = own.iter().filter(|_| !built_in);
        axes.into_iter().chain(rest.map(|(name, value)| format!("{name} {value}"))).collect::<Vec<_>>().join(" · ")
    };
    let mut lines: Vec<String> = plan.runs.iter().map(line).collect();
    lines.dedup();
    lines
}

/// Each ```yaml block of the page that a ```text block follows expands to what that says.
#[test]
fn the_examples_of_the_page_expand_as_it_says() {
    let page = include_str!("../docs/spec.md");
    let mut wrong = Vec::new();
    let mut count = 0;
    for part in page.split("```yaml\n").skip(1) {
        let (yaml, rest) = part.split_once("```\n").unwrap();
        let Some(expected) = rest.strip_prefix("```text\n").and_then(|rest| rest.split_once("```")) else { continue };
        count += 1;
        let named = if yaml.contains("sweep:") { "" } else { "sweep: example\n" };
        let command = if yaml.contains("trainer:") || yaml.contains("command:") {
            ""
        } else {
            "command: train --seed {seed} {args}\n"
        };
        let found = match plan_of(&format!("{named}{command}{yaml}")) {
            Ok(plan) => cells(&plan, yaml.contains("trainer:")).join("\n") + "\n",
            Err(said) => said,
        };
        if found != expected.0 {
            wrong.push(format!("{yaml}--- expands to ---\n{found}"));
        }
    }
    assert!(count > 12 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_part_of_an_id() {
    let plain = ids(&retina("neurons: 30, rho: 0.001"));
    for same in [
        retina("rho: 1e-3, neurons: 30"),
        retina("rho: 1.0e-3, neurons: 30.0, colors: 3"),
        retina("neurons: 30, rho: 0.001, gamma.estimate: drive, record.every: 7, checkpoint: {keep: 5}"),
        retina("neurons: 30, rho: 0.1x 0.01").replace("0.1x 0.01", "= 0.01 / 10"),
        retina("neurons: 30, rho: 0.001").replace("sweep: a", "# more\nsweep: b\nresources: {cpu: 2}\nabout: x"),
    ] {
        assert_eq!(ids(&same), plain, "{same}");
    }
    for other in
        [retina("neurons: 31, rho: 0.001"), retina("neurons: 30"), retina("neurons: 30, rho: 0.001") + "seeds: [1]\n"]
    {
        assert_ne!(ids(&other), plain, "{other}");
    }
}

#[test]
fn data_count_by_their_fingerprint() {
    let one = ids(&retina("data: {source: kyoto, path: here}"));
    assert_eq!(one, ids(&retina("data: {source: kyoto, path: /there}")));
    assert_eq!(one, ids(&retina("data: {source: kyoto, path: x, fingerprint: 0123456789abcdef}")));
    assert_ne!(one, ids(&retina("data: {source: kyoto, path: x, fingerprint: abc}")));
}

/// Ids of a spec of this release: they must never change without a new `identity` number of the trainer.
#[test]
fn ids_stay_what_they_were() {
    let plan = plan_of("sweep: a\ntrainer: toy\ngrid: {x1: [0.5, 2], precision: [double]}\nseeds: 2\n").unwrap();
    let ids: Vec<&str> = plan.runs.iter().map(|run| run.id.as_str()).collect();
    insta::assert_snapshot!(ids.join("\n"));
}

#[test]
fn another_axis_or_more_samples_change_no_draw() {
    let draws = |extra: &str, samples: u32| {
        let text = format!("sweep: a\ntrainer: toy\ngrid:\n  x1: {{uniform: [0, 1]}}\n{extra}samples: {samples}\n");
        let plan = plan_of(&text).unwrap();
        (column(&plan, "x1"), column(&plan, "x2"))
    };
    let (few, _) = draws("", 5);
    let (many, other) = draws("  x2: {uniform: [0, 1]}\n", 9);
    assert_eq!(few, many[..5]);
    assert_ne!(many, other);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// The order of keys, the spelling of numbers and defaults written out change no id.
    #[test]
    fn ids_do_not_depend_on_how_a_spec_is_written(
        rate in 1_u32..9999, exponent in 0_i32..6, neurons in 1_u32..500, turn in 0_usize..4, style in 0_usize..4,
    ) {
        let x = format!("{rate}e-{exponent}").parse::<f64>().unwrap();
        let spelled = [format!("{x}"), format!("{x:e}"), format!("{rate}e-{exponent}"), format!("{rate}.0E-{exponent}")];
        let mut entries = [
            format!("learning_rate: {}", spelled[style]),
            format!("neurons: {neurons}"),
            "colors: 3".to_owned(),
            "gamma.estimate: drive".to_owned(),
        ];
        entries.rotate_left(turn);
        let plain = retina(&format!("learning_rate: {x}, neurons: {neurons}"));
        proptest::prop_assert_eq!(ids(&retina(&entries.join(", "))), ids(&plain));
    }

    /// `between` ends and the counts of ranges: as many values as asked for, ends included, in order.
    #[test]
    fn ranges_include_their_ends(a in -1000_i32..1000, width in 1_i32..1000, n in 2_u32..40) {
        let b = a + width;
        let plan = plan_of(&format!("sweep: a\ntrainer: toy\ngrid: {{x1: {{linear: [{a}e-2, {b}e-2], n: {n}}}}}\n")).unwrap();
        let values: Vec<f64> = plan.runs.iter().filter_map(|run| run.get("x1").and_then(Value::as_f64)).collect();
        proptest::prop_assert_eq!(values.len(), n as usize);
        proptest::prop_assert_eq!(values[0], format!("{a}e-2").parse::<f64>().unwrap());
        proptest::prop_assert_eq!(values[n as usize - 1], format!("{b}e-2").parse::<f64>().unwrap());
        proptest::prop_assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[test]
fn equal_cells_are_folded_and_counted() {
    let text = "sweep: s\ntrainer: retina\nblocks:\n  - grid: {method: [lagrange, gamma]}\n  \
                - grid: {method: [gamma, lagrange, none]}\nseeds: 2\n";
    let plan = plan_of(text).unwrap();
    assert_eq!((plan.runs.len(), plan.folded), (6, 2));
}
