//! What a spec asks for, in words: its runs, where they stand, what they need, and what would be submitted to Slurm.

use super::estimate::{estimate_of, words};
use super::planned::planned;
use super::slurm::Batch;
use super::todo::Todo;
use super::trainer::version;
use crate::analyse::{Cell, Grid};
use crate::error::Error;
use crate::plan::{self, Plan, Run};
use crate::record::{Value, counted};
use crate::slurm::cluster::Cluster;
use crate::slurm::submission::Submission;
use crate::spec::Sweep;
use crate::store::{self, RunState};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Slurm's own `MaxArraySize`, where no cluster says another.
const ARRAY: usize = 1001;

/// A spec, its plan, and what is stored of it.
pub struct Outline {
    results: PathBuf,
    sweep: Box<Sweep>,
    plan: Plan,
    stored: Option<store::Sweep>,
    version: String,
}

impl Outline {
    /// Of a spec with values replaced.
    ///
    /// # Errors
    /// Where the spec is wrong, or what is stored cannot be read.
    pub fn of(spec: &Path, sets: &[String], results: &Path) -> Result<Self, Error> {
        let (sweep, plan) = planned(spec, sets, results)?;
        let stored = store::Sweep::open_if_any(results, &sweep.name)?;
        Ok(Self { results: results.to_owned(), version: version(&sweep)?, sweep, plan, stored })
    }

    /// How many runs it asks for.
    pub fn count(&self) -> usize {
        self.plan.runs.len()
    }

    /// One line a run, of so many at most: id, seed, axes, where it stands.
    pub fn runs(&self, most: usize) -> Grid {
        let states: HashMap<&str, &RunState> =
            self.stored.iter().flat_map(|stored| stored.states()).map(|state| (state.run.as_str(), state)).collect();
        grid(&self.plan, &states, most)
    }

    /// What the id of each run is the hash of, of so many at most.
    pub fn identities(&self, most: usize) -> String {
        let mut text = String::new();
        for run in self.plan.runs.iter().take(most) {
            let _ = writeln!(text, "{}", run.id);
            for line in plan::identity(&self.sweep, run).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    /// The scripts that would be submitted for what is missing, and how it is packed into tasks.
    ///
    /// # Errors
    /// Where a journal cannot be read.
    pub fn scripts(&self) -> Result<(String, String), Error> {
        let missing = self.todo().left().count();
        let most = Cluster::default().config().ok().and_then(|config| config.max_array_size).unwrap_or(ARRAY);
        let batch = Batch::of(&vec![(); missing], &self.sweep, &self.results, self.stored.as_ref(), most)?;
        let last = Submission::last(&batch.folder()).unwrap_or(0);
        let script = |(number, tasks): (u64, &Vec<_>)| {
            batch.script(&format!("{}-{number}-00000000", self.sweep.name), tasks.len())
        };
        let scripts = (last + 1..).zip(&batch.arrays).map(script).collect::<Vec<_>>().join("\n");
        let mut summary = self.summary();
        if missing > 0 {
            let (most, why) = (batch.packing.runs_per_task, &batch.packing.why);
            let tasks = counted(missing.div_ceil(most), "task");
            let _ = writeln!(summary, "{} in {tasks} of {most} at most: {why}", counted(missing, "run"));
        }
        Ok((scripts, summary))
    }

    /// Counts by axis, the delta against what exists, time and disk.
    pub fn summary(&self) -> String {
        summary(&self.sweep, &self.plan, &self.todo())
    }

    fn todo(&self) -> Todo<'_> {
        Todo::of(&self.plan, self.stored.as_ref(), &self.version, false)
    }
}

fn grid(plan: &Plan, states: &HashMap<&str, &RunState>, most: usize) -> Grid {
    let header = ["run", "seed"].into_iter().chain(plan.axes.iter().map(|axis| &**axis)).chain(["status"]);
    let row = |run: &Run| {
        let seed = i64::try_from(run.seed).map_or_else(|_| run.seed.to_string().into(), Cell::Integer);
        let axes = plan.axes.iter().map(|axis| run.get(axis).map_or(Cell::Missing, cell));
        let status = states.get(run.id.as_str()).map_or("new".to_owned(), |state| state.status.to_string());
        [Cell::Text(run.id.to_string()), seed].into_iter().chain(axes).chain([status.into()]).collect()
    };
    Grid { header: header.map(str::to_owned).collect(), rows: plan.runs.iter().take(most).map(row).collect() }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Integer(i) => Cell::Integer(*i),
        Value::Number(x) => Cell::Number(*x),
        Value::Bool(b) => Cell::Bool(*b),
        other => Cell::Text(other.to_string()),
    }
}

fn summary(sweep: &Sweep, plan: &Plan, todo: &Todo<'_>) -> String {
    let mut text = String::new();
    let axes: Vec<String> = plan.axes.iter().map(|axis| format!("{axis} {}", levels(plan, axis))).collect();
    let seeds = sweep.grid.seeds.len();
    let cells = plan.runs.len() / seeds.max(1);
    let by = if axes.is_empty() { String::new() } else { format!(" ({})", axes.join(" · ")) };
    let _ = writeln!(
        text,
        "{}: {} = {}{by} × {}",
        sweep.name,
        counted(plan.runs.len(), "run"),
        counted(cells, "cell"),
        counted(seeds, "seed")
    );
    if plan.folded > 0 {
        let _ = writeln!(text, "{} folded into ones before", counted(plan.folded, "equal cell"));
    }
    let _ = writeln!(text, "{}", todo.delta());
    let needs = words(&estimate_of(sweep, plan, todo, todo.stored()));
    if !needs.is_empty() {
        let _ = writeln!(text, "{needs}");
    }
    text
}

fn levels(plan: &Plan, axis: &str) -> usize {
    plan.runs.iter().filter_map(|run| run.get(axis)).map(Value::to_string).collect::<HashSet<_>>().len()
}
