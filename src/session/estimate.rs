//! Estimates the time and disk of a sweep. `plan` prints them; `run` asks before it fills a disk.

use super::todo::Todo;
use crate::error::Error;
use crate::plan::{Estimate, Needed, Plan, class_of, estimate, foreseen_bytes};
use crate::spec::Sweep as Spec;
use crate::store::Sweep;
use std::collections::HashMap;
use std::path::Path;

/// Results that take more are asked about.
const MUCH: f64 = 10.0 * GIB;
const GIB: f64 = (1_u64 << 30) as f64;
/// The files of so many runs of a class are looked at.
const LOOKED_AT: usize = 16;

/// What the runs that are left will need, judged by those that are done.
pub fn estimate_of(spec: &Spec, plan: &Plan, todo: &Todo<'_>, stored: Option<&Sweep>) -> Estimate {
    let done = stored.map(needed).unwrap_or_default();
    estimate(todo.left(), plan.common(), &done, |run| foreseen_bytes(run, &spec.description))
}

/// What the runs that are done needed.
fn needed(stored: &Sweep) -> Vec<Needed> {
    let rows = stored.bytes_of_rows().unwrap_or_default();
    let mut looked_at: HashMap<u64, usize> = HashMap::new();
    let done = stored.states().iter().filter(|state| state.status.is_done());
    let one = |state: &crate::store::RunState| {
        let class = class_of(state.parameters.iter().map(|(name, value)| (name.as_str(), value)));
        let count = looked_at.entry(class).or_insert(0);
        *count += 1;
        let bytes =
            (*count <= LOOKED_AT).then(|| stored.bytes_of_files(state) + rows.get(&state.run).copied().unwrap_or(0.0));
        let iterations = state.parameters.get("iterations").and_then(crate::record::Value::as_f64);
        Some(Needed { class, iterations, seconds: state.seconds?, bytes })
    };
    done.filter_map(one).collect()
}

/// `about 3.2 h of work for one slot · about 4.5 GiB more on disk`; empty where nothing is known.
pub fn words(estimate: &Estimate) -> String {
    let time = estimate
        .seconds
        .map(|seconds| format!("about {} of work for one slot", crate::presence::view::duration(seconds)));
    let disk = estimate.bytes.map(|bytes| format!("about {} more on disk", size(bytes)));
    time.into_iter().chain(disk).collect::<Vec<_>>().join(" · ")
}

/// Asks for `--yes` where the results will take much room.
///
/// # Errors
/// Where they will.
pub fn ask_for_room(estimate: &Estimate, results: &Path) -> Result<(), Error> {
    let Some(bytes) = estimate.bytes.filter(|bytes| *bytes > MUCH) else { return Ok(()) };
    let results = std::path::absolute(results).unwrap_or_else(|_| results.to_owned());
    let there = results.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let free = crate::store::room(there).map(|(free, _)| format!("; {} are free", size(free as f64)));
    Err(Error::usage(format!("the results will take about {}{}", size(bytes), free.unwrap_or_default()))
        .with_help("`--yes` begins all the same; `record` and `checkpoint` parameters say how much is kept"))
}

/// `4.5 GiB`, `12 MiB`, `3 KiB`.
fn size(bytes: f64) -> String {
    match bytes {
        b if b >= GIB => format!("{:.1} GiB", b / GIB),
        b if b >= 1_048_576.0 => format!("{:.0} MiB", b / 1_048_576.0),
        b => format!("{:.0} KiB", (b / 1024.0).max(1.0)),
    }
}
