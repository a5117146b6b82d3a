//! Decides which parameters of a cell are active, by the trainer's description and by `when`.

use super::values::{NONE, Values};
use crate::spec::{Clause, Condition, Sweep};
use std::collections::HashMap;
use std::rc::Rc;

/// A comparison with its parameter by number.
struct Compiled {
    name: Option<u32>,
    clause: Clause,
}

/// Conditions of one parameter: each must hold; each is any of alternatives, which are all of comparisons.
type Conditions = Vec<Vec<Vec<Compiled>>>;

/// Decides activity, once for each combination of the values that conditions look at.
pub(super) struct Activity {
    conditions: Vec<Conditions>,
    inputs: Vec<u32>,
    known: HashMap<Vec<u32>, Rc<[bool]>>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unknown,
    Open,
    Active(bool),
}

impl Activity {
    pub fn new(sweep: &Sweep, values: &Values) -> Self {
        let compile = |condition: &Condition| -> Vec<Vec<Compiled>> {
            let clause = |clause: &Clause| Compiled { name: values.number(&clause.name), clause: clause.clone() };
            condition.any.iter().map(|all| all.iter().map(clause).collect()).collect()
        };
        let of = |(number, name): (usize, &std::sync::Arc<str>)| -> Conditions {
            let declared = values.parameters[number].and_then(|p| p.active.as_ref());
            let when = sweep.grid.when.iter().filter(|when| when.name == *name).map(|when| &when.condition);
            declared.into_iter().chain(when).map(compile).collect()
        };
        let conditions: Vec<Conditions> = values.names.iter().enumerate().map(of).collect();
        let mut inputs: Vec<u32> = conditions.iter().flatten().flatten().flatten().filter_map(|c| c.name).collect();
        inputs.sort_unstable();
        inputs.dedup();
        Self { conditions, inputs, known: HashMap::new() }
    }

    /// Whether a parameter is active only sometimes.
    pub fn is_conditional(&self, name: usize) -> bool {
        !self.conditions[name].is_empty()
    }

    /// The parameters that decide about another.
    pub fn deciding(&self, name: usize) -> impl Iterator<Item = u32> {
        self.conditions[name].iter().flatten().flatten().filter_map(|c| c.name)
    }

    /// Which parameters of a cell are active. A comparison with an inactive parameter, or with one that has no value,
    /// does not hold.
    pub fn of(&mut self, cell: &[u32], values: &Values) -> Rc<[bool]> {
        let key: Vec<u32> = self.inputs.iter().map(|&name| cell[name as usize]).collect();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let mut states = vec![State::Unknown; cell.len()];
        let active: Rc<[bool]> = (0..cell.len()).map(|name| self.decide(name, cell, values, &mut states)).collect();
        self.known.insert(key, active.clone());
        active
    }

    fn decide(&self, name: usize, cell: &[u32], values: &Values, states: &mut [State]) -> bool {
        match states[name] {
            State::Active(active) => return active,
            // A circle of conditions: nothing speaks against it from here.
            State::Open => return true,
            State::Unknown => {}
        }
        states[name] = State::Open;
        let mut holds = |compiled: &Compiled| {
            let Some(other) = compiled.name.map(|other| other as usize) else { return false };
            let Some(value) = values.value(cell[other]).filter(|_| cell[other] != NONE) else { return false };
            compiled.clause.holds(value) && self.decide(other, cell, values, states)
        };
        let active = self.conditions[name].iter().all(|any| any.iter().any(|all| all.iter().all(&mut holds)));
        states[name] = State::Active(active);
        active
    }
}
