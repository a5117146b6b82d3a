//! What is suggested for a sweep that asks for no figures: its lines, and that they can be drawn.

use crate::support::stored::Stored;
use tessera::report::{Kind, draw_figures, suggestions};
use tessera::spec::{Document, Sweep, read};
use tessera::store::Scope;

fn spec(stored: &Stored, name: &str) -> Sweep {
    let path = stored.results().join("spec.yaml");
    std::fs::write(&path, Stored::spec(name)).unwrap();
    match read(&path, &[]) {
        Ok((Document::Sweep(sweep), _)) => *sweep,
        _ => panic!("no sweep"),
    }
}

#[test]
fn a_sweep_without_figures_gets_those_that_a_person_would_draw_first() {
    let stored = Stored::new("retina_test");
    let (spec, sweep) = (spec(&stored, "retina_test"), stored.sweep());
    assert!(spec.figures.is_empty());
    let lines = suggestions(&spec, &sweep).unwrap();
    let [curve, summary, lost] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(curve.starts_with("{kind: curve, y: kl, color: ") && curve.contains("facet: "), "{curve}");
    assert!(summary.starts_with("{kind: response, y: kl, x: fr_learning_rate, color: method"), "{summary}");
    assert!(lost.contains("color: status"), "one run diverged: {lost}");
    // What is suggested is what is drawn, and what can be written into the spec.
    let out = stored.results().join("figures");
    let drawn = draw_figures(&spec, &sweep, &Scope::Current, &[], &[Kind::Svg], &out).unwrap();
    assert_eq!(drawn.files.len(), 3);
    assert!(drawn.empty.is_empty(), "{:?}", drawn.empty);
    let wrong = draw_figures(&spec, &sweep, &Scope::Current, &["kl".to_owned()], &[Kind::Svg], &out).unwrap_err();
    assert_eq!(wrong.to_string(), "`retina_test` has no figure `kl`");
    assert!(wrong.help().unwrap().starts_with("it has: curve-kl-method"), "{:?}", wrong.help());
    let path = stored.results().join("kept.yaml");
    let figures: String = lines.iter().map(|line| format!("  - {line}\n")).collect();
    std::fs::write(&path, format!("{}figures:\n{figures}", Stored::spec("retina_test"))).unwrap();
    let Ok((Document::Sweep(kept), _)) = read(&path, &[]) else { panic!("it is no spec") };
    assert_eq!(kept.figures.len(), 3);
}
