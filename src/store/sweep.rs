//! A sweep as its files tell it: plans, the state of each run, and its tables.

use super::damage::Damage;
use super::state::Fold;
use super::{Planned, RunState, StoreError, files};
use crate::record::{Fact, Layout, RunId, check_sweep_name};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

/// Which runs of a sweep are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Those that the newest plan asks for.
    #[default]
    Current,
    /// Every run that was ever asked for.
    All,
    /// Those of one version of the spec, by (the beginning of) its hash.
    Spec(String),
}

/// A stored sweep, as it was when it was opened.
pub struct Sweep {
    pub(super) layout: Layout,
    pub(super) name: String,
    plans: Vec<Planned>,
    states: Vec<RunState>,
    places: HashMap<RunId, usize>,
    pub(super) skip_damaged: bool,
    pub(super) damage: Mutex<Damage>,
    /// What makes the runs void of which damaged journals may not say all.
    pub(super) doubts: Vec<Fact>,
}

impl Sweep {
    /// Reads the journals of a sweep.
    ///
    /// # Errors
    /// Where there is no such sweep, or a journal cannot be read.
    pub fn open(results: &Path, name: &str) -> Result<Self, StoreError> {
        let layout = Self::layout_of(results, name)?;
        Self::read(layout, name, false)
    }

    /// As [`Sweep::open`], but what is damaged is passed over: lines of journals, rows of tables. Runs of which something is
    /// lost have no numbers; [`damage`](Self::damage) names them.
    ///
    /// # Errors
    /// Where there is no such sweep, or a journal cannot be read at all.
    pub fn open_readable(results: &Path, name: &str) -> Result<Self, StoreError> {
        let layout = Self::layout_of(results, name)?;
        Self::read(layout, name, true)
    }

    fn layout_of(results: &Path, name: &str) -> Result<Layout, StoreError> {
        let layout = Layout::new(results, name);
        let well_named = check_sweep_name(name);
        if let Err(wrong) = well_named
            && name != ".."
            && layout.journals().is_dir()
        {
            return Err(StoreError::Name { folder: layout.root().to_owned(), wrong });
        }
        if well_named.is_err() || !layout.root().is_dir() {
            return Err(StoreError::NoSweep {
                name: name.to_owned(),
                results: results.to_owned(),
                known: sweeps(results).unwrap_or_default(),
            });
        }
        Ok(layout)
    }

    fn read(layout: Layout, name: &str, skip_damaged: bool) -> Result<Self, StoreError> {
        let damage = Mutex::new(Damage::default());
        let mut sweep = Self {
            layout,
            name: name.to_owned(),
            plans: Vec::new(),
            states: Vec::new(),
            places: HashMap::new(),
            skip_damaged,
            damage,
            doubts: Vec::new(),
        };
        sweep.fold()?;
        if sweep.has_damaged_lines() {
            sweep.doubts = sweep.doubted()?;
            sweep.fold()?;
        }
        Ok(sweep)
    }

    /// Folds the facts of all journals and the doubts into the states of runs.
    fn fold(&mut self) -> Result<(), StoreError> {
        let mut fold = Fold::default();
        for path in files::list(&self.layout.journals(), ".jsonl")? {
            self.read_journal(&path, |fact| fold.take(fact))?;
        }
        self.doubts.iter().for_each(|fact| fold.take(fact.clone()));
        (self.plans, self.states) = fold.finish();
        self.places = self.states.iter().enumerate().map(|(i, state)| (state.run.clone(), i)).collect();
        Ok(())
    }

    /// As [`Sweep::open`], but `None` where there is no such sweep yet.
    ///
    /// # Errors
    /// Where a journal cannot be read.
    pub fn open_if_any(results: &Path, name: &str) -> Result<Option<Self>, StoreError> {
        match Self::open(results, name) {
            Err(StoreError::NoSweep { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Passes over files that cannot be read instead of refusing; `verify` names them.
    pub fn skip_damaged(mut self, skip: bool) -> Self {
        self.skip_damaged = skip;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its files are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What was asked for last.
    pub fn planned(&self) -> Option<&Planned> {
        self.plans.last()
    }

    /// Every version of the spec that was asked for, oldest first.
    pub fn plans(&self) -> &[Planned] {
        &self.plans
    }

    /// Every run that was ever asked for: those of the newest plan in its order, then the others.
    pub fn states(&self) -> &[RunState] {
        &self.states
    }

    /// One run.
    pub fn state(&self, run: &RunId) -> Option<&RunState> {
        self.places.get(run).map(|&place| &self.states[place])
    }

    /// The one run whose id begins so.
    ///
    /// # Errors
    /// Where none or more than one does.
    pub fn find(&self, prefix: &str) -> Result<&RunState, StoreError> {
        let mut hits = self.states.iter().filter(|state| state.run.as_str().starts_with(prefix));
        match (hits.next(), hits.next(), hits.next()) {
            (Some(state), None, _) => Ok(state),
            (None, ..) => Err(StoreError::NoRun(format!("no run of `{}` begins with `{prefix}`", self.name))),
            (Some(a), Some(b), third) => Err(StoreError::NoRun(format!(
                "`{prefix}` is the beginning of more than one run of `{}`: {}, {}{}",
                self.name,
                a.run,
                b.run,
                if third.is_some() { " …" } else { "" }
            ))),
        }
    }

    /// The runs that a scope means.
    ///
    /// # Errors
    /// Where no version of the spec, or more than one, has that hash.
    pub fn scoped(&self, scope: &Scope) -> Result<Vec<&RunState>, StoreError> {
        match scope {
            Scope::Current => Ok(self.states.iter().filter(|state| state.current).collect()),
            Scope::All => Ok(self.states.iter().collect()),
            Scope::Spec(hash) => {
                let mut specs: Vec<&Planned> = self.plans.iter().filter(|plan| plan.spec.starts_with(hash)).collect();
                specs.dedup_by(|a, b| a.spec == b.spec);
                let [.., plan] = specs.as_slice() else {
                    let known: Vec<&str> = self.plans.iter().map(|plan| plan.spec.as_str()).collect();
                    return Err(StoreError::Query(format!(
                        "no spec of `{}` has the hash `{hash}`; there are: {}",
                        self.name,
                        known.join(", ")
                    )));
                };
                Ok(plan.runs.iter().filter_map(|run| self.state(run)).collect())
            }
        }
    }
}

/// The names of the sweeps that have a journal, sorted.
///
/// # Errors
/// Where the folder cannot be listed; one that is not there has none.
pub fn sweeps(results: &Path) -> Result<Vec<String>, StoreError> {
    let names = files::list(results, "")?;
    let names = names.iter().filter(|path| Layout::at(path).journals().is_dir());
    Ok(names
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .filter(|name| check_sweep_name(name).is_ok())
        .collect())
}
