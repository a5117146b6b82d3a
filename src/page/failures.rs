//! What went wrong, the same together: class, the decisive line, the runs.

use super::PageError;
use super::rows::said;
use super::shelf::Shelf;
use crate::schedule::failure_kind;
use crate::store::{RunState, Status};
use indexmap::IndexMap;
use serde_json::{Value, json};

/// Runs that failed or diverged, in groups; the largest first.
pub(super) fn failures(shelf: &Shelf, name: &str) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let mut groups: IndexMap<(String, String), Vec<&RunState>> = IndexMap::new();
    for run in view.sweep.states().iter().filter(|run| run.current) {
        let class = match run.status {
            Status::Failed => run.failure.map_or("failed".to_owned(), |failure| failure.to_string()),
            Status::Diverged => "diverged".to_owned(),
            _ => continue,
        };
        let line = match &run.diverged {
            Some((_, quantity)) => format!("{quantity} is not finite"),
            None => failure_kind(&run.message),
        };
        groups.entry((class, line)).or_default().push(run);
    }
    groups.sort_by(|_, a, _, b| b.len().cmp(&a.len()));
    let group = |((class, _), runs): (&(String, String), &Vec<&RunState>)| {
        json!({
            "class": class,
            "line": said(runs[0]),
            "message": runs[0].message,
            "runs": runs.iter().map(|run| json!([run.run, run.seed, said(run)])).collect::<Vec<_>>(),
        })
    };
    let groups: Vec<Value> = groups.iter().map(group).collect();
    Ok(json!({"number": shelf.told(view.number), "groups": groups}))
}
