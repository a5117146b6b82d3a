//! Evaluates `0.1x`, `2x learning_rate` and `= 1 - learning_rate` in one cell.

use super::values::{NONE, Values, What};
use crate::record::Value;
use crate::spec::{Expression, Origin, Problem, Severity, multiply};
use std::collections::{HashMap, HashSet};

/// What stands below a cell's own values, by parameter: a block's base, the base, the defaults.
pub(super) struct Layers {
    pub block: Vec<u32>,
    pub base: Vec<u32>,
    pub default: Vec<u32>,
}

impl Layers {
    /// What is first of block, base and default, for each parameter.
    pub fn top(&self) -> Vec<u32> {
        let first = |i: usize| self.below(i, 0).map_or(NONE, |(entry, _)| entry);
        (0..self.default.len()).map(first).collect()
    }

    /// The first entry at or below a depth (0 block, 1 base, 2 default), and the depth below it.
    fn below(&self, name: usize, depth: usize) -> Option<(u32, usize)> {
        let layers = [&self.block, &self.base, &self.default];
        (depth..3).find(|&d| layers[d][name] != NONE).map(|d| (layers[d][name], d + 1))
    }
}

/// Resolves expressions and remembers what it has resolved.
#[derive(Default)]
pub(super) struct Resolver {
    /// (entry, entry that it multiplies) → entry.
    multiples: HashMap<(u32, u32), u32>,
    /// Parameters whose value in `base` something refers to.
    pub referred: HashSet<u32>,
    complained: HashSet<u32>,
    pub problems: Vec<Problem>,
    /// Parameters being resolved.
    stack: Vec<u32>,
}

impl Resolver {
    /// Resolves every expression of a cell. `own` says whether a parameter's entry is the cell's own. False after a
    /// mistake, which is reported once an entry.
    pub fn cell(&mut self, values: &mut Values, layers: &Layers, own: &dyn Fn(u32) -> bool, cell: &mut [u32]) -> bool {
        let mut fine = true;
        for name in 0..cell.len() as u32 {
            fine &= self.parameter(values, layers, own, cell, name).is_some();
        }
        fine
    }

    /// Resolves one parameter of a cell; `None` after a mistake, or where it has no value and is asked for.
    fn parameter(
        &mut self,
        values: &mut Values,
        layers: &Layers,
        own: &dyn Fn(u32) -> bool,
        cell: &mut [u32],
        name: u32,
    ) -> Option<u32> {
        let entry = cell[name as usize];
        if entry == NONE || values.value(entry).is_some() {
            return Some(entry);
        }
        if self.stack.contains(&name) {
            let message = format!("`{}` is made of itself", values.names[name as usize]);
            self.complain(values, entry, message, "one of the parameters of the circle needs a value");
            return None;
        }
        let depth = if own(name) { 0 } else { layers.below(name as usize, 0)?.1 };
        self.stack.push(name);
        let resolved = self.entry(values, layers, own, cell, entry, depth);
        self.stack.pop();
        cell[name as usize] = resolved?;
        resolved
    }

    /// The value of an entry; `depth` is where the values that it multiplies begin.
    pub fn entry(
        &mut self,
        values: &mut Values,
        layers: &Layers,
        own: &dyn Fn(u32) -> bool,
        cell: &mut [u32],
        entry: u32,
        depth: usize,
    ) -> Option<u32> {
        let name = values.entries[entry as usize].name;
        match values.entries[entry as usize].what.clone() {
            What::Value(_) => Some(entry),
            What::Expression(Expression::Value(_)) => None,
            What::Expression(Expression::Multiple { factor, of: None }) => {
                let Some((below, next)) = layers.below(name as usize, depth) else {
                    let name = values.names[name as usize].clone();
                    let message = format!("`{factor}x` multiplies the base value, and `{name}` has none");
                    self.complain(values, entry, message, &format!("give one: `base: {{{name}: …}}`"));
                    return None;
                };
                self.referred.insert(name);
                let below = self.entry(values, layers, own, cell, below, next)?;
                self.multiple(values, entry, factor, below)
            }
            What::Expression(Expression::Multiple { factor, of: Some(of) }) => {
                let other = values.number(&of)?;
                self.referred.insert(other);
                let below = self.parameter(values, layers, own, cell, other)?;
                self.multiple(values, entry, factor, below)
            }
            What::Expression(Expression::Formula(formula)) => {
                let mut number = |of: &str| {
                    let other = values.number(of).ok_or(())?;
                    self.referred.insert(other);
                    let found = self.parameter(values, layers, own, cell, other).ok_or(())?;
                    values.value(found).and_then(Value::as_f64).ok_or_else(|| {
                        let message = format!("`{of}` has no number here");
                        self.complain(
                            values,
                            entry,
                            message,
                            "arithmetic takes parameters with a number in every cell",
                        );
                    })
                };
                let x = formula.evaluate(&mut number).ok()?;
                self.derived(values, entry, x)
            }
        }
    }

    fn multiple(&mut self, values: &mut Values, entry: u32, factor: f64, below: u32) -> Option<u32> {
        if let Some(known) = self.multiples.get(&(entry, below)) {
            return Some(*known).filter(|known| *known != NONE);
        }
        let resolved = match values.value(below).and_then(Value::as_f64) {
            Some(x) => self.derived(values, entry, multiply(factor, x)),
            None => {
                let found = values.value(below).map_or("nothing".to_owned(), Value::to_string);
                self.complain(values, entry, format!("`{factor}x` multiplies a number, found {found}"), "");
                None
            }
        };
        self.multiples.insert((entry, below), resolved.unwrap_or(NONE));
        resolved
    }

    /// The entry of a computed number, checked against the parameter.
    fn derived(&mut self, values: &mut Values, entry: u32, x: f64) -> Option<u32> {
        let name = values.entries[entry as usize].name;
        let parameter = values.parameters[name as usize];
        if !x.is_finite() {
            let message = format!("`{}` comes out as {x}", values.names[name as usize]);
            self.complain(values, entry, message, "is something divided by zero?");
            return None;
        }
        let value = match parameter.map(|p| p.check(&Value::from(x))) {
            None => Value::from(x).canonical(),
            Some(Ok(value)) => value,
            Some(Err((message, help))) => {
                self.complain(values, entry, message, &help);
                return None;
            }
        };
        let origin = values.origin(entry).cloned();
        Some(values.intern(name, value, origin.as_ref()))
    }

    /// Reports a mistake, once an entry.
    fn complain(&mut self, values: &Values, entry: u32, message: String, help: &str) {
        if self.complained.insert(entry) {
            self.problems.extend(values.origin(entry).map(|at: &Origin| at.problem(Severity::Error, message, help)));
        }
    }
}
