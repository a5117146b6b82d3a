//! Values as they come, turned into rows of a history. Of values with the same metric and step the last one counts.

use super::steps::Steps;
use crate::record::{Real, Rows};
use glob::Pattern;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A metric's number in a collector.
pub type Tag = usize;

/// Gathers values until they are taken as rows.
#[derive(Default)]
pub struct Collector {
    names: IndexMap<String, Seen>,
    wanted: Vec<Pattern>,
    watched: Vec<Pattern>,
    pending: BTreeMap<u64, Pending>,
    held_back: Option<u64>,
    /// The step of the value that came last.
    pub newest: Option<u64>,
    started: Option<f64>,
    /// Values that wait to be taken.
    pub size: usize,
    /// Values that replaced ones which had been taken already.
    pub outdated: u64,
    /// The first step and metric that was watched and not finite.
    pub diverged: Option<(u64, String)>,
}

struct Seen {
    steps: Steps,
    watched: bool,
    replaced: u64,
}

struct Pending {
    /// NaN while no time is known.
    elapsed: f64,
    values: Vec<(Tag, f64)>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { elapsed: f64::NAN, values: Vec::new() }
    }
}

impl Collector {
    /// Takes metrics that match `wanted` (all if empty); `started` is the time that `elapsed` counts from, in seconds
    /// since 1970; the time of the first value where nothing is said.
    pub fn new(wanted: &[Pattern], watched: &[Pattern], started: Option<f64>) -> Self {
        Self { wanted: wanted.to_vec(), watched: watched.to_vec(), started, ..Self::default() }
    }

    /// What `elapsed` counts from, seconds since 1970.
    pub fn started(&self) -> Option<f64> {
        self.started
    }

    /// The metrics that were seen, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// The number of a metric; none if it is not wanted.
    pub fn tag(&mut self, name: &str) -> Option<Tag> {
        if let Some(tag) = self.names.get_index_of(name) {
            return Some(tag);
        }
        if !self.wanted.is_empty() && !self.wanted.iter().any(|pattern| pattern.matches(name)) {
            return None;
        }
        let watched = self.watched.iter().any(|pattern| pattern.matches(name));
        Some(self.names.insert_full(name.to_owned(), Seen { steps: Steps::default(), watched, replaced: 0 }).0)
    }

    /// Takes a value. `wall`: seconds since 1970; NaN where not known.
    pub fn push(&mut self, tag: Tag, step: u64, value: f64, wall: f64) {
        let Some((name, seen)) = self.names.get_index_mut(tag) else { return };
        let new = seen.steps.insert(step);
        seen.replaced += u64::from(!new);
        if seen.watched && !value.is_finite() && self.diverged.is_none() {
            self.diverged = Some((step, name.clone()));
        }
        let row = self.pending.entry(step).or_default();
        if wall.is_finite() {
            row.elapsed = row.elapsed.max(wall - *self.started.get_or_insert(wall));
        }
        match row.values.iter_mut().find(|(other, _)| !new && *other == tag) {
            Some((_, old)) => *old = value,
            None => {
                self.outdated += u64::from(!new);
                row.values.push((tag, value));
                self.size += 1;
            }
        }
        (self.held_back, self.newest) = (Some(step), Some(step));
    }

    /// Says how long a run took up to a step, seconds, where its program says it itself.
    pub fn elapsed(&mut self, step: u64, seconds: f64) {
        if let Some(row) = self.pending.get_mut(&step).filter(|_| seconds.is_finite()) {
            row.elapsed = seconds;
        }
    }

    /// The rows gathered. The step that came last may still be incomplete: it waits for the next call, unless `all`
    /// are wanted or nothing came since the last call.
    pub fn take(&mut self, all: bool) -> Vec<Rows> {
        let held = self.held_back.take().filter(|_| !all).and_then(|step| self.pending.remove_entry(&step));
        let pending = std::mem::take(&mut self.pending);
        self.size = held.as_ref().map_or(0, |(_, row)| row.values.len());
        self.pending.extend(held);
        // One `Rows` for each set of metrics that come together, in order of their first steps.
        let mut groups: IndexMap<Vec<Tag>, Rows> = IndexMap::new();
        for (step, mut row) in pending {
            row.values.sort_unstable_by_key(|(tag, _)| *tag);
            let tags: Vec<Tag> = row.values.iter().map(|(tag, _)| *tag).collect();
            let rows = groups.entry(tags).or_default();
            rows.step.push(step);
            rows.elapsed.push(Real(row.elapsed));
            for (tag, value) in row.values {
                if let Some((name, _)) = self.names.get_index(tag) {
                    match rows.metrics.get_mut(name) {
                        Some(column) => column.push(Real(value)),
                        None => drop(rows.metrics.insert(name.clone(), vec![Real(value)])),
                    }
                }
            }
        }
        groups.into_values().collect()
    }

    /// Takes back the values of some metrics at a step and after it, as far as they were not taken as rows; how many.
    pub fn void(&mut self, tags: &[Tag], from: u64) -> u64 {
        let mut count = 0;
        for row in self.pending.range_mut(from..).map(|(_, row)| row) {
            let before = row.values.len();
            row.values.retain(|(tag, _)| !tags.contains(tag));
            count += before - row.values.len();
        }
        self.pending.retain(|_, row| !row.values.is_empty());
        for tag in tags {
            if let Some((_, seen)) = self.names.get_index_mut(*tag) {
                seen.steps.truncate(from);
            }
        }
        self.size -= count;
        count as u64
    }

    /// Forgets all values, for a history that is read anew.
    pub fn restart(&mut self) {
        for seen in self.names.values_mut() {
            (seen.steps, seen.replaced) = (Steps::default(), 0);
        }
        self.pending.clear();
        (self.held_back, self.newest, self.size, self.outdated) = (None, None, 0, 0);
    }

    /// The first step of the metric that has the most values; of equals the last, since what a program says of its
    /// parameters stands at its first step each time.
    pub fn first(&self) -> Option<u64> {
        let firsts = self.names.values().filter_map(|seen| Some((seen.steps.count(), seen.steps.first()?)));
        firsts.max().map(|(_, first)| first)
    }

    /// Metrics of which values were replaced by later ones of the same step, and how many.
    pub fn replaced(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(name, seen)| (name.as_str(), seen.replaced)).filter(|(_, n)| *n > 0)
    }
}
