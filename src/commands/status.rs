//! `tessera status`: how sweeps stand, also those that another process executes.

use crate::agent::progress;
use crate::error::{Error, ExitCode, printable};
use crate::output::answer;
use crate::presence::heartbeat::Heartbeat;
use crate::presence::view::duration;
use crate::process::host;
use crate::record::counted;
use crate::session::recovery::end_orphans;
use crate::session::slurm::Tasks;
use crate::session::stored::executed;
use crate::slurm::cluster::Cluster;
use crate::store::{RunState, Status as RunStatus, Sweep};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// Of so many agents the state is shown.
const BEATS: usize = 16;

/// States of the runs, what executes now, and what failed
#[derive(clap::Args)]
pub struct Status {
    /// A sweep's name [default: a line for each sweep]
    sweep: Option<String>,
    /// Go on showing it until all is done
    #[arg(long)]
    watch: bool,
    /// What a run waits for, by (the beginning of) its id
    #[arg(long, value_name = "RUN", requires = "sweep")]
    why: Option<String>,
}

impl Status {
    /// Prints the state.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let names = match &self.sweep {
            Some(name) => vec![name.clone()],
            None => crate::store::sweeps(results)?,
        };
        if names.is_empty() {
            eprintln!("no sweep has been run in {}", results.display());
        }
        let cluster = Cluster::default();
        loop {
            let mut text = String::new();
            let mut busy = false;
            for name in &names {
                let sweep = Sweep::open(results, name)?;
                for pid in end_orphans(&sweep) {
                    eprintln!("ended process {pid}, which an earlier tessera left behind");
                }
                let tasks = Tasks::look(sweep.layout(), &cluster)?;
                busy |= executed(&sweep) || tasks.is_busy();
                match &self.why {
                    Some(prefix) => text += &why(&sweep, &tasks, sweep.find(prefix)?),
                    None => text += &stands(&sweep, &tasks, self.sweep.is_some()),
                }
            }
            if !self.watch {
                answer(&text)?;
                return Ok(ExitCode::Success);
            }
            // On a terminal the screen is written anew; elsewhere one state follows the other.
            let clear = if std::io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
            let written = std::io::stdout().write_all(format!("{clear}{}", printable(&text)).as_bytes());
            if written.and_then(|()| std::io::stdout().flush()).is_err() || !busy {
                return Ok(ExitCode::Success);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// A sweep in lines: counts, slots, failures.
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
        if executed(sweep) || tasks.is_busy() { Heartbeat::read_all(sweep.layout().root()) } else { Vec::new() };
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

/// What a run waits for.
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
    let beats = Heartbeat::read_all(sweep.layout().root());
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
