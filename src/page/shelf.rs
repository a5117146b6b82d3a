//! The sweeps that are looked at, opened once and again only when their files say that something came. What changed
//! gets a number, so that whoever knows a number is told what is newer.

use super::PageError;
use crate::presence::claim::{AGENT, holder};
use crate::presence::heartbeat::Heartbeat;
use crate::record::RunId;
use crate::store::{RunState, Status, Sweep};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// All sweeps of a results folder, as far as anybody asked.
pub(super) struct Shelf {
    results: PathBuf,
    /// Tells the numbers of this process from those of an earlier one.
    born: u64,
    places: Mutex<HashMap<String, Arc<Mutex<Option<Place>>>>>,
    /// What was computed of a sweep as its journals told it, by the number of that.
    computed: Mutex<HashMap<String, (u64, serde_json::Value)>>,
}

struct Place {
    journal: u64,
    folders: [Option<SystemTime>; 2],
    beat: f64,
    view: View,
    newest: HashMap<RunId, ((Status, u32), u64)>,
}

/// A sweep at a moment.
#[derive(Clone)]
pub(super) struct View {
    /// As its journals tell it.
    pub sweep: Arc<Sweep>,
    /// What its agents say.
    pub beats: Arc<Vec<Heartbeat>>,
    /// The number of the newest change of anything.
    pub number: u64,
    /// That of the newest rows.
    pub grown: u64,
    /// That of what the journals tell.
    pub read: u64,
    /// The runs that changed, by the number of their change.
    changes: Arc<HashMap<RunId, u64>>,
}

impl Shelf {
    pub fn new(results: &Path) -> Self {
        let born = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64);
        Self { results: results.to_owned(), born, places: Mutex::default(), computed: Mutex::default() }
    }

    /// The results folder.
    pub fn results(&self) -> &Path {
        &self.results
    }

    /// A number as it is told: with who counts.
    pub fn told(&self, number: u64) -> String {
        format!("{}.{number}", self.born)
    }

    /// The number that was told; 0 where another process counted.
    pub fn read(&self, told: &str) -> u64 {
        let parts = told.split_once('.').filter(|(born, _)| *born == self.born.to_string());
        parts.and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
    }

    /// The sweep as it is now. Its journals are read only where they grew.
    pub fn look(&self, name: &str) -> Result<View, PageError> {
        // A name is never made a path that is not a sweep's.
        let known = |places: &HashMap<_, _>| places.contains_key(name);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !known(&places) {
            Sweep::open_readable(&self.results, name)?;
        }
        let place = places.entry(name.to_owned()).or_default().clone();
        drop(places);
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.seen(name, place.take())?;
        Ok(place.insert(next).view.clone())
    }

    /// What costs time to compute, once for each state of the journals.
    pub fn once(&self, name: &str, view: &View, compute: impl FnOnce(&View) -> serde_json::Value) -> serde_json::Value {
        let computed = || self.computed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = computed().get(name).filter(|(read, _)| *read == view.read) {
            return value.clone();
        }
        let value = compute(view);
        computed().insert(name.to_owned(), (view.read, value.clone()));
        value
    }

    fn seen(&self, name: &str, before: Option<Place>) -> Result<Place, PageError> {
        let layout = crate::record::Layout::new(&self.results, name);
        let journal = layout.journal_bytes();
        let time = |folder: PathBuf| std::fs::metadata(folder).and_then(|about| about.modified()).ok();
        let folders = [time(layout.segments()), time(layout.parts("history"))];
        let beats = Heartbeat::read_all(&layout.heartbeats());
        let beat = beats.first().map_or(0.0, |beat| beat.time);
        let mut place = match before {
            Some(place) if place.journal == journal => place,
            before => Self::opened(Sweep::open_readable(&self.results, name)?, before),
        };
        place.journal = journal;
        if place.folders != folders {
            place.folders = folders;
            place.view.number += 1;
            place.view.grown = place.view.number;
        }
        if place.beat != beat {
            (place.beat, place.view.beats) = (beat, Arc::new(beats));
            place.view.number += 1;
        }
        Ok(place)
    }

    fn opened(sweep: Sweep, before: Option<Place>) -> Place {
        let number = before.as_ref().map_or(0, |place| place.view.number) + 1;
        let mut newest = before.as_ref().map(|place| place.newest.clone()).unwrap_or_default();
        for state in sweep.states() {
            let now = (state.status, state.attempt);
            let entry = newest.entry(state.run.clone()).or_insert((now, number));
            if entry.0 != now {
                *entry = (now, number);
            }
        }
        let changes = Arc::new(newest.iter().map(|(run, (_, number))| (run.clone(), *number)).collect());
        let (grown, folders) = before.as_ref().map_or((0, [None, None]), |place| (place.view.grown, place.folders));
        let beats = before.as_ref().map(|place| place.view.beats.clone()).unwrap_or_default();
        let beat = before.as_ref().map_or(0.0, |place| place.beat);
        let view = View { sweep: Arc::new(sweep), beats, number, grown, read: number, changes };
        Place { journal: 0, folders, beat, view, newest }
    }
}

impl View {
    /// The current runs of which something is newer than a number: their states, or rows where they execute.
    pub fn newer(&self, than: u64) -> Vec<&RunState> {
        let grew = self.grown > than;
        let is_newer = |run: &&RunState| {
            let executes = matches!(run.status, Status::Running | Status::Unknown);
            run.current && (self.changes.get(&run.run).is_some_and(|number| *number > than) || grew && executes)
        };
        self.sweep.states().iter().filter(is_newer).collect()
    }

    /// Whether a process that may be alive executes the sweep.
    pub fn is_executed(&self) -> bool {
        let claim = self.sweep.layout().claims().join(AGENT);
        holder(&claim).is_some_and(|holder| holder.is_alive() != Some(false)) || !self.beats.is_empty()
    }
}
