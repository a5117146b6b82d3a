//! Interned parameters and values.

use super::identity::{line, spelled};
use crate::record::Value;
use crate::spec::{Expression, Origin, Parameter, Sweep};
use std::collections::HashMap;
use std::sync::Arc;

/// No value.
pub(super) const NONE: u32 = u32::MAX;

/// What an entry is.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A value; equal values of one parameter are one entry.
    Value(Value),
    /// To be resolved in a cell.
    Expression(Expression),
}

/// A parameter given something.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: u32,
    pub what: What,
    /// Where it was written first; none for defaults.
    pub origin: Option<Origin>,
    /// What it adds to the identity.
    pub line: Option<Box<str>>,
}

/// All parameters of a sweep, and everything that any of them is given.
pub(super) struct Values<'a> {
    /// By number; in the order of names.
    pub names: Vec<Arc<str>>,
    /// What the trainer says of each.
    pub parameters: Vec<Option<&'a Parameter>>,
    pub entries: Vec<Entry>,
    numbers: HashMap<Arc<str>, u32>,
    known: HashMap<(u32, String), u32>,
}

impl<'a> Values<'a> {
    /// The parameters of a sweep: declared ones and those that the spec gives something.
    pub fn new(sweep: &'a Sweep) -> Self {
        let grid = &sweep.grid;
        let levels = grid.blocks.iter().flat_map(|block| &block.dimensions).flat_map(|d| &d.levels).flatten();
        let given = grid.base.iter().chain(grid.blocks.iter().flat_map(|block| &block.base));
        let given = given.chain(grid.include.iter().flat_map(|include| &include.level)).chain(levels);
        let mut seen = std::collections::HashSet::new();
        let mut names: Vec<Arc<str>> = given.filter(|a| seen.insert(&*a.name)).map(|a| a.name.clone()).collect();
        names.extend(
            sweep.description.parameters.iter().filter(|p| !seen.contains(&*p.name)).map(|p| Arc::from(&*p.name)),
        );
        names.sort();
        let parameters = names.iter().map(|name| sweep.description.parameter(name)).collect();
        let numbers = names.iter().zip(0..).map(|(name, number)| (name.clone(), number)).collect();
        Self { names, parameters, entries: Vec::new(), numbers, known: HashMap::new() }
    }

    pub fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The entry of a value.
    pub fn intern(&mut self, name: u32, value: Value, origin: Option<&Origin>) -> u32 {
        let next = self.entries.len() as u32;
        let entry = *self.known.entry((name, spelled(&value))).or_insert(next);
        if entry == next {
            let line = line(&self.names[name as usize], &value, self.parameters[name as usize]);
            let line = line.map(String::into_boxed_str);
            self.entries.push(Entry { name, what: What::Value(value), origin: origin.cloned(), line });
        }
        entry
    }

    /// The entry of what is written somewhere.
    pub fn add(&mut self, name: u32, expression: &Expression, origin: &Origin) -> u32 {
        match expression {
            Expression::Value(value) => self.intern(name, value.clone(), Some(origin)),
            other => {
                let what = What::Expression(other.clone());
                self.entries.push(Entry { name, what, origin: Some(origin.clone()), line: None });
                self.entries.len() as u32 - 1
            }
        }
    }

    /// The value of an entry; none for expressions and no entry.
    pub fn value(&self, entry: u32) -> Option<&Value> {
        match &self.entries.get(entry as usize)?.what {
            What::Value(value) => Some(value),
            What::Expression(_) => None,
        }
    }

    /// Where an entry was written.
    pub fn origin(&self, entry: u32) -> Option<&Origin> {
        self.entries.get(entry as usize)?.origin.as_ref()
    }
}

/// Where a parameter of a cell was written, for a message.
pub(super) fn place<'v>(values: &'v Values, cell: &[u32], names: impl Iterator<Item = u32>) -> Option<&'v Origin> {
    names.filter_map(|name| values.origin(cell[name as usize])).next()
}
