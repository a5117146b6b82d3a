//! The numbers of a command, picked up from what it writes without a change to it: TensorBoard event files,
//! `events.jsonl`, `metrics.csv`, `*.jsonl` in its run's folder, while they grow.
//!
//! Takes a folder, gives rows. Reading goes on where the last poll ended; a record that is still being written waits for
//! the next poll. Never writes, and never blocks on a file's end.

mod collector;
mod course;
pub mod encode;
mod event;
mod event_files;
mod events;
mod framing;
mod growing;
mod hyperparameters;
mod json;
mod step_column;
mod steps;
mod table;
mod text_files;
mod unread;
mod window;

use crate::record::{Reading, Rows};
use crate::spec::{Metrics, MetricsSource};
use collector::Collector;
use event_files::{EventFiles, Progress};
use events::Events;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use text_files::{Format, TextFiles};

pub use event_files::find as find_event_files;
pub use events::Said;
pub use hyperparameters::{hyperparameters, literal};
pub use text_files::matching;

/// Values that a poll gives at most, so that memory stays small …
const BUDGET: usize = 1 << 16;
/// … and that a whole history gives at once, so that each step comes once.
const WHOLE: usize = 1 << 22;

/// So often a history is read anew at most: each reading may find another name of the step to be wrong, and there are ten.
const MOST_READINGS: usize = 128;

/// Why a run's numbers cannot be read. What is damaged in a file is no error: it is noted, and the rest is read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read what the program writes to {}: {error}", folder.display())]
pub struct PickupError {
    folder: PathBuf,
    error: std::io::Error,
}

/// Reads the numbers of one attempt as its program writes them.
pub struct Pickup {
    folder: PathBuf,
    collector: Collector,
    /// By rank; the first that has a metric stays alone.
    sources: Vec<Source>,
    decided: bool,
    /// Its rows are wanted where it is among the sources; its arrays and checkpoints always.
    events: Events,
    rank_of_events: Option<usize>,
    live: bool,
    /// The history is given from its beginning and nothing writes any more.
    whole: bool,
    /// Whether rows were handed out.
    handed: bool,
}

enum Source {
    EventFiles(EventFiles),
    Events,
    Text(TextFiles),
}

impl Source {
    /// Hands new values to the collector; says too whether there is any file of this kind.
    fn poll(
        &mut self,
        collector: &mut Collector,
        events: &mut Events,
        budget: usize,
        all: bool,
        now: f64,
    ) -> std::io::Result<(Progress, bool)> {
        Ok(match self {
            Self::EventFiles(files) => (files.poll(collector, budget, all)?, files.exist()),
            Self::Events => (Progress { more: events.poll(collector, all, now)?, restarted: false }, events.exist()),
            Self::Text(files) => (Progress { more: files.poll(collector, all, now)?, restarted: false }, files.exist()),
        })
    }
}

/// What a poll picked up.
#[derive(Debug, Default)]
pub struct Picked {
    /// All rows handed out before for this attempt are void; the history follows again from its beginning. It happens
    /// where a program was started again within one attempt and counts its steps anew.
    pub restarted: bool,
    /// New rows; a step may come again with other metrics, or with a metric's newer value, which counts.
    pub rows: Vec<Rows>,
    /// Array files (safetensors) that the program says it wrote.
    pub arrays: Vec<Said>,
    /// Checkpoints that the program says it wrote.
    pub checkpoints: Vec<Said>,
    /// The first value that is not finite of a metric under `stop_on_nan`.
    pub diverged: Option<(u64, String)>,
    /// There is more to read now.
    pub more: bool,
}

impl Pickup {
    /// Watches a run's folder, which may not exist yet. `started`: when the run began, seconds since 1970, which
    /// `elapsed` counts from (minus the seconds of earlier attempts); none for past runs.
    pub fn new(folder: &Path, metrics: &Metrics, started: Option<f64>) -> Self {
        let sources = sources(folder, metrics, started.is_none());
        let rank_of_events = sources.iter().position(|source| matches!(source, Source::Events));
        Self {
            folder: folder.to_owned(),
            collector: Collector::new(&metrics.tags, &metrics.stop_on_nan, started),
            decided: sources.len() == 1,
            sources,
            events: Events::new(folder, metrics.step.as_deref()),
            rank_of_events,
            live: started.is_some(),
            whole: started.is_none(),
            handed: false,
        }
    }

    /// What was written since the last poll, up to a budget (`more` says that some is left). It is provisional: what counts
    /// is what stands in the files at the end.
    pub fn poll(&mut self) -> Result<Picked, PickupError> {
        let picked = self.pick(false)?;
        self.handed |= !picked.rows.is_empty();
        Ok(picked)
    }

    /// The same when nothing writes any more: what waited to become whole is given too. Called until `more` is false.
    /// Where what was handed out is not what stands in the files now, the history follows once more from its beginning.
    pub fn finish(&mut self) -> Result<Picked, PickupError> {
        let mut picked = self.pick(true)?;
        if picked.more {
            self.handed |= !picked.rows.is_empty();
            return Ok(picked);
        }
        let mut readings = 0;
        while readings < MOST_READINGS && self.is_doubtful()? {
            readings += 1;
            self.read_anew()?;
            let mut again = self.pick(true)?;
            while again.more {
                let next = self.pick(true)?;
                again.rows.extend(next.rows);
                (again.more, again.diverged) = (next.more, next.diverged);
            }
            let (arrays, checkpoints) = (picked.arrays, picked.checkpoints);
            picked = Picked { restarted: picked.restarted || self.handed, arrays, checkpoints, ..again };
        }
        Ok(picked)
    }

    /// Whether what was handed out may differ from what stands in the files.
    fn is_doubtful(&self) -> Result<bool, PickupError> {
        let mut doubt = !self.whole && self.collector.outdated > 0;
        for source in &self.sources {
            let of_source = match source {
                Source::Text(files) => files.doubt(),
                Source::Events => self.events.doubt(),
                Source::EventFiles(_) => Ok(false),
            };
            doubt |= of_source.map_err(|error| PickupError { folder: self.folder.clone(), error })?;
        }
        Ok(doubt)
    }

    /// Begins at the tops of the files again. Only the source in use is read anew; what else the program said has been
    /// handed out.
    fn read_anew(&mut self) -> Result<(), PickupError> {
        self.whole = true;
        self.collector.restart();
        for source in &mut self.sources {
            match source {
                Source::Text(files) => *files = files.again(),
                Source::EventFiles(files) => *files = EventFiles::new(&self.folder),
                Source::Events => self.events.rewind(),
            }
        }
        Ok(())
    }

    /// The folder that it watches.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The step of the value that was read last, which may wait to be handed on.
    pub fn newest(&self) -> Option<u64> {
        self.collector.newest
    }

    /// The metrics that were seen, in their order.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.collector.names()
    }

    /// When the run began, seconds since 1970: as was said, else the time of its first value.
    pub fn started(&self) -> Option<f64> {
        self.collector.started()
    }

    /// What people should know, for the end of a run: values replaced by later ones of the same step, damaged records.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .collector
            .replaced()
            .map(|(name, n)| format!("{name}: {n} values replaced by later ones of the same step"))
            .collect();
        for source in &self.sources {
            notes.extend(match source {
                Source::EventFiles(files) => files.notes(),
                Source::Text(files) => files.notes(),
                Source::Events => Vec::new(),
            });
        }
        notes.extend(self.events.notes(|name| self.collector.names().any(|known| known == name)));
        notes
    }

    /// What the files gave, for the record of a run: what should be known of it, where its steps come from, and its first.
    pub fn reading(&self) -> Reading {
        let steps = |source: &Source| if let Source::Text(files) = source { files.steps() } else { Vec::new() };
        let steps = self.sources.iter().flat_map(steps).collect();
        Reading { first: self.collector.first(), steps, notes: self.notes() }
    }

    /// Says that the program has ended: by itself, so that what it wrote is whole, or not.
    pub fn end(&mut self, by_itself: bool) {
        for source in &mut self.sources {
            if let Source::Text(files) = source {
                files.end(by_itself);
            }
        }
    }

    fn pick(&mut self, all: bool) -> Result<Picked, PickupError> {
        self.read(all).map_err(|error| PickupError { folder: self.folder.clone(), error })
    }

    fn read(&mut self, all: bool) -> std::io::Result<Picked> {
        let now = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(now) if self.live => now.as_secs_f64(),
            _ => f64::NAN,
        };
        let mut picked = Picked::default();
        let mut chosen = None;
        for (rank, source) in self.sources.iter_mut().enumerate() {
            let budget = match source {
                // Steps that go back take values back, so that none is handed out before all are known.
                Source::Text(_) | Source::Events if self.whole => usize::MAX,
                _ if self.whole => WHOLE,
                _ => BUDGET,
            };
            let exist = loop {
                let (progress, exist) = source.poll(&mut self.collector, &mut self.events, budget, all, now)?;
                picked.restarted |= progress.restarted;
                picked.more = progress.more;
                if !(self.whole && progress.more && self.collector.size < budget) {
                    break exist;
                }
            };
            if self.collector.size > 0 {
                chosen = Some(rank);
                break;
            }
            // A source of higher rank that is there may still get its first metric: what comes after it waits.
            if exist && !all {
                break;
            }
        }
        if let Some(rank) = chosen.filter(|_| !self.decided) {
            self.sources = self.sources.drain(rank..=rank).collect();
            self.rank_of_events = self.rank_of_events.filter(|r| *r == rank).map(|_| 0);
            self.decided = true;
        }
        if self.rank_of_events.is_none_or(|rank| rank > 0) && self.decided {
            // Its arrays and checkpoints count beside another source of numbers.
            self.events.poll(&mut Collector::default(), all, now)?;
        }
        picked.rows = self.collector.take(all && !picked.more);
        picked.diverged = self.collector.diverged.clone();
        picked.arrays = std::mem::take(&mut self.events.arrays);
        picked.checkpoints = std::mem::take(&mut self.events.checkpoints);
        Ok(picked)
    }
}

/// The sources that a spec names, or all by their rank.
fn sources(folder: &Path, metrics: &Metrics, whole: bool) -> Vec<Source> {
    let text = |pattern: &glob::Pattern, format| {
        Source::Text(TextFiles::new(folder, pattern, format, metrics.step.as_deref(), whole))
    };
    let named = |pattern, format| glob::Pattern::new(pattern).map(|pattern| text(&pattern, format));
    match &metrics.source {
        Some(MetricsSource::TensorBoard) => vec![Source::EventFiles(EventFiles::new(folder))],
        Some(MetricsSource::Events) => vec![Source::Events],
        Some(MetricsSource::Csv(pattern)) => vec![text(pattern, Format::Csv)],
        Some(MetricsSource::JsonLines(pattern)) => vec![text(pattern, Format::JsonLines)],
        None => [Source::EventFiles(EventFiles::new(folder)), Source::Events]
            .into_iter()
            .chain([named("metrics.csv", Format::Csv), named("*.jsonl", Format::JsonLines)].into_iter().flatten())
            .collect(),
    }
}
