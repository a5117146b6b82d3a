//! Tells in words how a sweep is doing and what a run waits for.

use super::recovery::end_orphans;
use super::slurm::Tasks;
use super::stored::executed;
use crate::agent::progress;
use crate::error::Error;
use crate::presence::heartbeat::Heartbeat;
use crate::presence::view::duration;
use crate::process::host;
use crate::record::counted;
use crate::slurm::cluster::Cluster;
use crate::store::{RunState, Status as RunStatus, Sweep};
use std::collections::BTreeMap;
use std::path::Path;

/// Of so many agents the state is shown.
const BEATS: usize = 16;

/// How sweeps stand now.
pub struct Look {
    /// In lines.
    pub text: String,
    /// Whether any of them is executed.
    pub is_busy: bool,
    /// Processes that earlier agents had left behind, and that were ended.
    pub ended: Vec<u32>,
}

/// Looks at sweeps, and ends what agents that are gone have left behind. `whole`: with what each slot executes, and each
/// failed run; `run`: instead what the run waits for whose id begins so.
///
/// # Errors
/// Where a sweep cannot be read, Slurm does not answer, or no run or several have such an id.
pub fn look(results: &Path, names: &[String], whole: bool, run: Option<&str>) -> Result<Look, Error> {
    let cluster = Cluster::default();
    let mut look = Look { text: String::new(), is_busy: false, ended: Vec::new() };
    for name in names {
        let sweep = Sweep::open(results, name)?;
        look.ended.extend(end_orphans(&sweep));
        let tasks = Tasks::look(sweep.layout(), &cluster)?;
        look.is_busy |= executed(&sweep) || tasks.is_busy();
        look.text += &match run {
            Some(prefix) => why(&sweep, &tasks, sweep.find(prefix)?),
            None => stands(&sweep, &tasks, whole),
        };
    }
    Ok(look)
}

/// A sweep in lines: counts, slots, failures; with `whole` what each slot executes, and each failed run.
fn stands(sweep: &Sweep, tasks: &Tasks, whole: bool) -> String {
    let mut counts: BTreeMap<RunStatus, usize> = BTreeMap::new();
    let current: Vec<&RunState> = sweep.states().iter().filter(|state| state.current).collect();
    for state in &current {
        *counts.entry(tasks.seen(state)).or_insert(0) += 1;
    }
    let words: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let mut text = format!("{}: {}: {}\n", sweep.name(), counted(current.len(), "run"), words.join(" · "));
    if tasks.is_busy() {
        text += &format!("  slurm: {}\n", tasks.words());
    }
    let beats =
        if executed(sweep) || tasks.is_busy() { Heartbeat::read_all(&sweep.layout().heartbeats()) } else { Vec::new() };
    for beat in beats.iter().take(BEATS) {
        let age = host::unix_time() - beat.time;
        text += &format!("  {}, seen {} ago: {}\n", beat.agent, duration(age), progress::counts(&beat.view));
        if whole {
            for slot in &beat.view.slots {
                text += &format!("    {}\n", progress::slot_line(slot, &beat.view.metric));
            }
            for wait in beat.waits.iter().filter(|_| beat.view.running == 0) {
                text += &format!("    waits: {wait}\n");
            }
        }
    }
    let failed: Vec<&&RunState> = current.iter().filter(|state| state.status == RunStatus::Failed).collect();
    let shown = if whole { 20 } else { 0 };
    for state in failed.iter().take(shown) {
        let class = state.failure.map(|failure| failure.to_string()).unwrap_or_default();
        let line = state.message.lines().next().unwrap_or_default();
        text += &format!("  {} seed {}: {class}: {line}\n", state.run, state.seed);
    }
    if whole && failed.len() > shown {
        text += &format!("  and {} more that failed\n", failed.len() - shown);
    }
    text
}

/// What a run waits for, in words.
fn why(sweep: &Sweep, tasks: &Tasks, state: &RunState) -> String {
    let name = sweep.name();
    let say = |words: String| format!("{}: {words}\n", state.run);
    match state.status {
        RunStatus::Finished | RunStatus::Diverged => return say(format!("it is {}", state.status)),
        _ if tasks.is_busy()
            && let Some(words) = tasks.why(&state.run) =>
        {
            return say(words);
        }
        _ if !executed(sweep) => {
            return say(format!("{}; no process executes `{name}`: `tessera run` goes on with it", tasks.seen(state)));
        }
        _ => {}
    }
    let beats = Heartbeat::read_all(&sweep.layout().heartbeats());
    let Some(beat) = beats.first() else { return say("its agent has said nothing yet".to_owned()) };
    if let Some(slot) = beat.view.slots.iter().find(|slot| slot.run == state.run.as_str()) {
        return say(format!("it executes: {}", progress::slot_line(slot, &beat.view.metric)));
    }
    if let Some((_, seconds)) = beat.paused.iter().find(|(run, _)| *run == state.run.as_str()) {
        return say(format!("it failed and is tried again in {}", duration(*seconds)));
    }
    if state.status == RunStatus::Failed {
        return say(format!("it failed; `tessera retry {name} {}` tries it again", &state.run.as_str()[..8]));
    }
    if beat.waits.is_empty() {
        return say(format!("its turn has not come: {} runs wait", beat.view.waiting));
    }
    format!("{} waits:\n{}", state.run, beat.waits.iter().map(|wait| format!("  {wait}\n")).collect::<String>())
}
