//! `tessera plan`: the runs of a spec, and which of them exist already.

use crate::analyse::{Cell, Format, Grid};
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::plan::{self, Plan, Run};
use crate::record::Value;
use crate::record::counted;
use crate::session::estimate::{estimate_of, words};
use crate::session::execution::On;
use crate::session::planned::planned;
use crate::session::slurm::Batch;
use crate::session::todo::Todo;
use crate::session::trainer::version;
use crate::slurm::cluster::Cluster;
use crate::slurm::submission::Submission;
use crate::spec::Sweep;
use crate::store::{self, RunState};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// More runs than this are not listed for people, unless asked.
const LISTED: usize = 60;
/// Slurm's own `MaxArraySize`, where no cluster says another.
const ARRAY: usize = 1001;

/// Show the runs of a spec: which exist already, counts by axis, estimated time and disk
#[derive(clap::Args)]
pub struct PlanCommand {
    /// A sweep's YAML file
    spec: PathBuf,
    /// Replace a base value, or an axis by grid.NAME=[…]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
    /// Show what each run id is the hash of
    #[arg(short, long)]
    verbose: bool,
    /// Where runs would be executed; `slurm` prints the scripts that would be submitted
    #[arg(long, value_enum, default_value_t)]
    on: On,
    /// List every run, however many
    #[arg(long)]
    all: bool,
    /// Output format of the list of runs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PlanCommand {
    /// Prints the plan.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (sweep, plan) = planned(&self.spec, &self.sets, results)?;
        let stored = store::Sweep::open_if_any(results, &sweep.name)?;
        let states: HashMap<&str, &RunState> =
            stored.iter().flat_map(|stored| stored.states()).map(|state| (state.run.as_str(), state)).collect();
        if self.on == On::Slurm {
            return on_slurm(&sweep, &plan, results, stored.as_ref());
        }
        if self.verbose {
            return self.verbose(&sweep, &plan);
        }
        let listed = if self.all || !self.format.is_for_people() { plan.runs.len() } else { LISTED };
        let list = grid(&plan, &states, listed).render(self.format);
        let todo = Todo::of(&plan, stored.as_ref(), &version(&sweep)?, false);
        let summary = summary(&sweep, &plan, &todo);
        let more = plan.runs.len().saturating_sub(listed);
        if self.format.is_for_people() {
            let more = if more > 0 { format!("… {more} more (--all lists them)\n") } else { String::new() };
            answer(&format!("{list}{more}\n{summary}"))?;
        } else {
            answer(&list)?;
            eprint!("{summary}");
        }
        Ok(ExitCode::Success)
    }

    /// What each id is the hash of.
    fn verbose(&self, sweep: &Sweep, plan: &Plan) -> Result<ExitCode, Error> {
        let mut text = String::new();
        for run in plan.runs.iter().take(if self.all { usize::MAX } else { LISTED }) {
            let _ = writeln!(text, "{}", run.id);
            for line in plan::identity(sweep, run).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        let rest = plan.runs.len().saturating_sub(LISTED);
        if rest > 0 && !self.all {
            let _ = writeln!(text, "… {rest} more (--all lists them)");
        }
        answer(&text)?;
        Ok(ExitCode::Success)
    }
}

/// The scripts that would be submitted for what is missing.
fn on_slurm(sweep: &Sweep, plan: &Plan, results: &Path, stored: Option<&store::Sweep>) -> Result<ExitCode, Error> {
    let todo = Todo::of(plan, stored, &version(sweep)?, false);
    let missing = todo.left().count();
    let most = Cluster::default().config().ok().and_then(|config| config.max_array_size).unwrap_or(ARRAY);
    let batch = Batch::of(&vec![(); missing], sweep, results, stored, most)?;
    let last = Submission::last(&batch.folder()).unwrap_or(0);
    let script =
        |(number, tasks): (u64, &Vec<_>)| batch.script(&format!("{}-{number}-00000000", sweep.name), tasks.len());
    answer(&(last + 1..).zip(&batch.arrays).map(script).collect::<Vec<_>>().join("\n"))?;
    eprint!("{}", summary(sweep, plan, &todo));
    if missing > 0 {
        let (most, why) = (batch.packing.runs_per_task, &batch.packing.why);
        let tasks = counted(missing.div_ceil(most), "task");
        eprintln!("{} in {tasks} of {most} at most: {why}", counted(missing, "run"));
    }
    Ok(ExitCode::Success)
}

/// One line a run: id, seed, axes, where it stands.
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

/// Counts by axis, the delta against what exists, time and disk.
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
