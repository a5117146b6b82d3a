//! The sweeps of the lab's week: every file under `sweeps/` is read and expanded, without a warning.

use std::path::Path;
use tessera::error::render_problems;
use tessera::plan::expand;
use tessera::spec::{Document, Problems, read};

#[test]
fn every_sweep_can_be_planned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sweeps");
    let mut counts = Vec::new();
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match read(&path, &[]) {
            Ok((Document::Sweep(sweep), warnings)) => {
                if !warnings.0.is_empty() {
                    faults.push(render_problems(&warnings, false));
                }
                assert_eq!(sweep.name, name);
                assert!(!sweep.figures.is_empty(), "{name} has no figure");
                match expand(&sweep, &|_| Err("no data".to_owned())) {
                    Ok(plan) => {
                        if !plan.problems.is_empty() {
                            faults.push(render_problems(&Problems(plan.problems.clone()), false));
                        }
                        counts.push((name, plan.runs.len()));
                    }
                    Err(problems) => faults.push(render_problems(&problems, false)),
                }
            }
            Ok((Document::Report(_), _)) => {}
            Err(problems) => faults.push(render_problems(&problems, false)),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let count = |name: &str| counts.iter().find(|(known, _)| known == name).map(|(_, count)| *count);
    assert_eq!(count("fr_lr"), Some(3 * 3 * 3 * 3));
    assert_eq!(count("fr_lr_lab"), Some(3 * 3 * 3 * 3));
    assert_eq!(count("toy"), Some(15 * 11 * 4));
    assert_eq!(count("why_it_fails"), Some(6 * 5));
    assert_eq!(count("constraint"), Some(9 * 5));
    // 54 cells of lagrange; of normalized 54 more with a running mean and 18 with the batch's, which has no rate.
    assert_eq!(count("constraint_lab"), Some((54 + 54 + 18) * 5));
    assert_eq!(count("log_det"), Some(2 * 4));
}
