//! Collects the cells of a plan: decides activity, fingerprints data, folds equal cells.

use super::activity::Activity;
use super::values::{NONE, Values, place};
use crate::record::Value;
use crate::spec::{Kind, Origin, Problem, Severity, Sweep};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

/// A kept cell: its active entries of the parameters that can vary, in the order of names.
pub(super) struct Row {
    pub picks: Box<[u32]>,
}

/// The identity lines of a cell: those of all parameters in the order of names.
pub(super) struct Lines {
    /// (parameter, line) of the parameters that cannot vary.
    fixed: Vec<(u32, Box<str>)>,
}

impl Lines {
    /// The lines of a row, sorted by name.
    pub fn text(&self, picks: &[u32], values: &Values) -> String {
        let mut text = String::with_capacity(256);
        let mut fixed = self.fixed.iter().peekable();
        for &pick in picks {
            let entry = &values.entries[pick as usize];
            while let Some((_, line)) = fixed.next_if(|(name, _)| *name < entry.name) {
                text.push_str(line);
            }
            text.extend(entry.line.as_deref());
        }
        fixed.for_each(|(_, line)| text.push_str(line));
        text
    }
}

/// The cells that are kept.
pub(super) struct Cells<'a> {
    sweep: &'a Sweep,
    fingerprint: &'a dyn Fn(&Path) -> Result<String, String>,
    activity: Activity,
    varying: Vec<u32>,
    fixed: Vec<u32>,
    /// (path, fingerprint): parameters whose data count by their fingerprint.
    data: Vec<(u32, u32)>,
    fingerprints: HashMap<u32, u32>,
    /// Parameters that must be given where they are active.
    required: Vec<u32>,
    by_identity: HashMap<[u8; 16], u32>,
    /// Parameters that are axes by their name.
    axes: Vec<bool>,
    first: Vec<u32>,
    /// Base values that some cell uses; base values that are inactive wherever no axis replaces them.
    pub used: Vec<bool>,
    pub inactive: Vec<bool>,
    /// Parameters with more than one value among the cells.
    pub several: Vec<bool>,
    pub rows: Vec<Row>,
    /// Entries of the parameters that cannot vary.
    pub common: Vec<u32>,
    pub common_lines: Lines,
    pub folded: usize,
    pub problems: Vec<Problem>,
}

impl<'a> Cells<'a> {
    pub fn new(
        sweep: &'a Sweep,
        values: &Values,
        varying: &[bool],
        fingerprint: &'a dyn Fn(&Path) -> Result<String, String>,
    ) -> Self {
        let activity = Activity::new(sweep, values);
        let count = values.names.len() as u32;
        let data: Vec<(u32, u32)> = (0..count).filter_map(|name| Some((name, fingerprint_of(values, name)?))).collect();
        let mut vary = varying.to_vec();
        for (name, vary) in vary.iter_mut().enumerate() {
            *vary |= activity.is_conditional(name) || data.iter().any(|(_, print)| *print as usize == name);
        }
        let required = |name: &u32| values.parameters[*name as usize].is_some_and(|p| p.default.is_none());
        Self {
            sweep,
            fingerprint,
            activity,
            varying: (0..count).filter(|&name| vary[name as usize]).collect(),
            fixed: (0..count).filter(|&name| !vary[name as usize]).collect(),
            data,
            fingerprints: HashMap::new(),
            required: (0..count).filter(required).collect(),
            by_identity: HashMap::new(),
            axes: axes(sweep, values),
            first: vec![NONE; count as usize],
            used: vec![false; count as usize],
            inactive: vec![false; count as usize],
            several: vec![false; count as usize],
            rows: Vec::new(),
            common: Vec::new(),
            common_lines: Lines { fixed: Vec::new() },
            folded: 0,
            problems: Vec::new(),
        }
    }

    /// Takes a resolved cell in. `own` says whether a parameter's entry is the cell's own rather than base or default.
    pub fn add(&mut self, values: &mut Values, cell: &mut [u32], own: &dyn Fn(u32) -> bool) {
        let active = self.activity.of(cell, values);
        self.note_base(&active, own);
        if !self.complete(values, cell, &active) {
            return;
        }
        if self.rows.is_empty() {
            self.common = self.fixed.iter().map(|&name| cell[name as usize]).filter(|&entry| entry != NONE).collect();
            let line = |entry: &u32| {
                Some((values.entries[*entry as usize].name, values.entries[*entry as usize].line.clone()?))
            };
            self.common_lines.fixed = self.common.iter().filter_map(line).collect();
        }
        let kept = |&&name: &&u32| active[name as usize] && cell[name as usize] != NONE;
        let picks: Box<[u32]> = self.varying.iter().filter(kept).map(|&name| cell[name as usize]).collect();
        let lines = self.common_lines.text(&picks, values);
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(lines.as_bytes()).as_bytes()[..16]);
        match self.by_identity.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(self.rows.len() as u32);
                for &pick in &picks {
                    let name = values.entries[pick as usize].name;
                    // What a choice brings along (`lr_schedule.factor`) is an axis only among cells that say it.
                    if !self.axes[name as usize] && !own(name) {
                        continue;
                    }
                    let first = &mut self.first[name as usize];
                    if *first == NONE {
                        *first = pick;
                    }
                    self.several[name as usize] |= *first != pick;
                }
                self.rows.push(Row { picks });
            }
            Entry::Occupied(there) => {
                let there = *there.get() as usize;
                if self.rows[there].picks == picks {
                    self.folded += 1;
                } else if !self.problems.iter().any(Problem::fatal) {
                    let problem = self.clash(values, there, &picks);
                    self.problems.push(problem);
                }
            }
        }
    }

    /// Remembers which base values are used, and which are inactive where no axis replaces them.
    fn note_base(&mut self, active: &[bool], own: &dyn Fn(u32) -> bool) {
        for (name, &active) in active.iter().enumerate() {
            if !self.used[name] && !own(name as u32) {
                self.used[name] = active;
                self.inactive[name] |= !active;
            }
        }
    }

    /// Fills fingerprints of data in; false if something is missing.
    fn complete(&mut self, values: &mut Values, cell: &mut [u32], active: &[bool]) -> bool {
        for i in 0..self.required.len() {
            let name = self.required[i];
            if active[name as usize] && cell[name as usize] == NONE {
                self.missing(values, cell, name);
                return false;
            }
        }
        for i in 0..self.data.len() {
            let (path, print) = self.data[i];
            let given = values.value(cell[print as usize]).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            if given || !active[path as usize] || !active[print as usize] || cell[path as usize] == NONE {
                continue;
            }
            match self.print(values, cell[path as usize], print) {
                Some(entry) => cell[print as usize] = entry,
                None => return false,
            }
        }
        true
    }

    /// The entry of the fingerprint of the data at a path; each path is looked at once.
    fn print(&mut self, values: &mut Values, path: u32, print: u32) -> Option<u32> {
        if let Some(known) = self.fingerprints.get(&path) {
            return Some(*known).filter(|known| *known != NONE);
        }
        let folder = values.value(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let entry = match (self.fingerprint)(Path::new(&folder)) {
            Ok(text) => values.intern(print, Value::Text(text), None),
            Err(why) => {
                let help = format!(
                    "if the data are on another machine, say which they are: `{}: <16 hex digits>`",
                    values.names[print as usize]
                );
                let at = values.origin(path).unwrap_or(&self.sweep.grid.origin);
                self.problems.push(at.problem(Severity::Error, format!("the data cannot be read: {why}"), &help));
                NONE
            }
        };
        self.fingerprints.insert(path, entry);
        Some(entry).filter(|entry| *entry != NONE)
    }

    fn missing(&mut self, values: &Values, cell: &[u32], name: u32) {
        let parameter = &values.names[name as usize];
        let message = format!("`{parameter}` must be given");
        if self.problems.iter().any(|problem| problem.message.starts_with(&message)) {
            return;
        }
        let declared = values.parameters[name as usize];
        let message = match declared.and_then(|p| p.active.as_ref()) {
            Some(active) => format!("{message} where {active}"),
            None => message,
        };
        let about = declared.map_or("", |p| &p.about);
        let deciding = self.activity.deciding(name as usize);
        let at: &Origin = place(values, cell, deciding).unwrap_or(&self.sweep.grid.origin);
        self.problems.push(at.problem(Severity::Error, message, about));
    }

    /// Two different cells with one id.
    fn clash(&self, values: &Values, there: usize, picks: &[u32]) -> Problem {
        let other = &self.rows[there].picks;
        let differs = |pick: &&u32| !other.contains(pick);
        let mut names: Vec<&str> = picks
            .iter()
            .filter(differs)
            .map(|&pick| &*values.names[values.entries[pick as usize].name as usize])
            .collect();
        names.dedup();
        let at = picks.iter().filter(differs).find_map(|&pick| values.origin(pick)).unwrap_or(&self.sweep.grid.origin);
        at.problem(
            Severity::Error,
            format!("two different cells would be the same run: they differ only in `{}`", names.join("`, `")),
            "that is not part of what a run is; use one value, or two sweeps",
        )
    }
}

/// Parameters that name a dimension, a block's base value or an entry of `include`.
fn axes(sweep: &Sweep, values: &Values) -> Vec<bool> {
    let grid = &sweep.grid;
    let named = grid.blocks.iter().flat_map(|block| &block.dimensions).flat_map(|d| &d.names);
    let given = grid.blocks.iter().flat_map(|b| &b.base).chain(grid.include.iter().flat_map(|i| &i.level));
    let mut axes = vec![false; values.names.len()];
    for number in named.chain(given.map(|a| &a.name)).filter_map(|name| values.number(name)) {
        axes[number as usize] = true;
    }
    axes
}

/// The parameter that holds the fingerprint of the data at a path: `data.fingerprint` for `data.path`.
fn fingerprint_of(values: &Values, name: u32) -> Option<u32> {
    values.parameters[name as usize].filter(|p| p.kind == Kind::Path)?;
    let name = &values.names[name as usize];
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    let print = if stem.is_empty() { "fingerprint".to_owned() } else { format!("{stem}.fingerprint") };
    values.number(&print)
}
