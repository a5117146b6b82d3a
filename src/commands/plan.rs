//! `tessera plan`: what a spec would run, and what of it exists already.

use super::answer::answer;
use super::planned::planned;
use crate::analyse::{Cell, Format, Grid};
use crate::error::{Error, ExitCode};
use crate::plan::{self, Plan, Run};
use crate::spec::{Sweep, Value};
use crate::store::{self, RunState, Status};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// More runs than this are not listed for people, unless asked.
const LISTED: usize = 60;

/// The runs of a spec: what exists already, counts by axis, estimated time and disk
#[derive(clap::Args)]
pub struct PlanCommand {
    /// A sweep's YAML file
    spec: PathBuf,
    /// Replaces a base value, or an axis by grid.NAME=[…]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
    /// What each run id is made of
    #[arg(short, long)]
    verbose: bool,
    /// List every run, however many
    #[arg(long)]
    all: bool,
    /// How the list of runs is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PlanCommand {
    /// Prints the plan.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let (sweep, plan) = planned(&self.spec, &self.sets, results)?;
        let stored = store::Sweep::open(results, &sweep.name).ok();
        let states: HashMap<&str, &RunState> =
            stored.iter().flat_map(|stored| stored.states()).map(|state| (state.run.as_str(), state)).collect();
        if self.verbose {
            return self.verbose(&sweep, &plan);
        }
        let listed = if self.all || !self.format.is_for_people() { plan.runs.len() } else { LISTED };
        let list = grid(&plan, &states, listed).render(self.format);
        let summary = summary(&sweep, &plan, &states, stored.as_ref());
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

/// One line a run: id, seed, axes, where it stands.
fn grid(plan: &Plan, states: &HashMap<&str, &RunState>, most: usize) -> Grid {
    let header = ["run", "seed"].into_iter().chain(plan.axes.iter().map(|axis| &**axis)).chain(["status"]);
    let row = |run: &Run| {
        let seed = i64::try_from(run.seed).map_or_else(|_| run.seed.to_string().into(), Cell::Integer);
        let axes = plan.axes.iter().map(|axis| run.get(axis).map_or(Cell::Missing, cell));
        let status = states.get(&*run.id).map_or("new".to_owned(), |state| state.status.to_string());
        [Cell::Text(run.id.clone()), seed].into_iter().chain(axes).chain([status.into()]).collect()
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
fn summary(sweep: &Sweep, plan: &Plan, states: &HashMap<&str, &RunState>, stored: Option<&store::Sweep>) -> String {
    let mut text = String::new();
    let axes: Vec<String> = plan.axes.iter().map(|axis| format!("{axis} {}", levels(plan, axis))).collect();
    let seeds = sweep.grid.seeds.len();
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let cells = plan.runs.len() / seeds.max(1);
    let by = if axes.is_empty() { String::new() } else { format!(" ({})", axes.join(" · ")) };
    let _ = writeln!(
        text,
        "{}: {} = {}{by} × {}",
        sweep.name,
        plural(plan.runs.len(), "run"),
        plural(cells, "cell"),
        plural(seeds, "seed")
    );
    if plan.folded > 0 {
        let _ = writeln!(text, "{} folded into ones before", plural(plan.folded, "equal cell"));
    }
    let asked: HashSet<&str> = plan.runs.iter().map(|run| &*run.id).collect();
    let count = |want: fn(Status) -> bool| {
        plan.runs.iter().filter(|run| states.get(&*run.id).is_some_and(|state| want(state.status))).count()
    };
    let done = count(Status::is_done);
    let failed = count(|status| status == Status::Failed);
    let stopped = count(|status| status == Status::Stopped);
    let running = count(|status| matches!(status, Status::Queued | Status::Running));
    let unknown = count(|status| status == Status::Unknown);
    let gone = states.keys().filter(|id| !asked.contains(**id)).count();
    let new = plan.runs.len() - done - failed - stopped - running - unknown;
    let parts = [
        (new, "new"),
        (done, "done"),
        (running, "running"),
        (stopped, "stopped"),
        (failed, "failed"),
        (unknown, "unknown"),
        (gone, "no longer asked for (kept)"),
    ];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let _ = writeln!(text, "{}", said.join(" · "));
    let left = plan.runs.len() - done;
    text.extend(stored.and_then(|stored| estimate(stored, left)));
    text
}

/// Time and disk of what is left, from what is done.
fn estimate(stored: &store::Sweep, left: usize) -> Option<String> {
    let seconds: Vec<f64> = stored.states().iter().filter(|s| s.status.is_done()).filter_map(|s| s.seconds).collect();
    if seconds.is_empty() || left == 0 {
        return None;
    }
    let each = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let bytes = disk(stored.layout().root()) as f64 / seconds.len() as f64;
    let size = |bytes: f64| match bytes {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).max(1.0)),
    };
    Some(format!(
        "about {} of work for one slot and {} more on disk, by the {} runs that are done\n",
        words(each * left as f64),
        size(bytes * left as f64),
        seconds.len()
    ))
}

/// Bytes of all files under a folder.
fn disk(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn words(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

fn levels(plan: &Plan, axis: &str) -> usize {
    plan.runs.iter().filter_map(|run| run.get(axis)).map(Value::to_string).collect::<HashSet<_>>().len()
}
