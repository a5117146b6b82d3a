//! Expands a grid into its runs. The order: blocks, each a product of its dimensions → multiples and arithmetic →
//! `exclude` → `include` → activity → equal cells folded → seeds.

use super::cells::Cells;
use super::identity::head;
use super::resolve::{Layers, Resolver};
use super::run::{Cell, Plan, Run, Shared};
use super::values::{NONE, Values};
use crate::record::{RunId, Value};
use crate::spec::{Assignment, Block, Include, Level, Problem, Problems, Severity, Sweep};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Expands a sweep. `fingerprint` gives the fingerprint of a folder or file of data, or says why it cannot.
///
/// # Errors
/// What can only be seen in cells: values out of bounds after arithmetic, an `exclude` that matches nothing, two
/// different cells with one id.
pub fn expand(sweep: &Sweep, fingerprint: &dyn Fn(&Path) -> Result<String, String>) -> Result<Plan, Problems> {
    let mut expansion = Expansion::new(sweep, fingerprint);
    for block in &sweep.grid.blocks {
        expansion.block(block);
    }
    for include in &sweep.grid.include {
        expansion.include(include);
    }
    expansion.finish()
}

struct Expansion<'a> {
    sweep: &'a Sweep,
    values: Values<'a>,
    resolver: Resolver,
    cells: Cells<'a>,
    base: Vec<u32>,
    default: Vec<u32>,
    /// By exclude: its keys and the entries that match.
    excludes: Vec<Vec<(u32, Vec<u32>)>>,
    matched: Vec<bool>,
    /// Which cell touched a parameter last.
    touched: Vec<u64>,
    cell: u64,
}

/// The entries that a level assigns.
type Assigned = Vec<(u32, u32)>;

impl<'a> Expansion<'a> {
    fn new(sweep: &'a Sweep, fingerprint: &'a dyn Fn(&Path) -> Result<String, String>) -> Self {
        let mut values = Values::new(sweep);
        let mut default = vec![NONE; values.names.len()];
        for (name, default) in default.iter_mut().enumerate() {
            if let Some(value) = values.parameters[name].and_then(|p| p.default.clone()) {
                *default = values.intern(name as u32, value, None);
            }
        }
        let base = layer(&mut values, &sweep.grid.base);
        let exclude = |exclude: &crate::spec::Exclude, values: &mut Values| {
            let mut keys = Vec::new();
            for (name, expressions) in &exclude.keys {
                let Some(number) = values.number(name) else { continue };
                keys.push((number, expressions.iter().map(|e| values.add(number, e, &exclude.origin)).collect()));
            }
            keys
        };
        let excludes = sweep.grid.exclude.iter().map(|e| exclude(e, &mut values)).collect();
        let varying = varying(sweep, &values);
        Self {
            cells: Cells::new(sweep, &values, &varying, fingerprint),
            touched: vec![0; values.names.len()],
            matched: vec![false; sweep.grid.exclude.len()],
            resolver: Resolver::default(),
            cell: 0,
            sweep,
            values,
            base,
            default,
            excludes,
        }
    }

    fn block(&mut self, block: &Block) {
        let layers = self.layers(&block.base);
        let top = layers.top();
        let dimensions: Vec<Vec<Assigned>> =
            block.dimensions.iter().map(|d| d.levels.iter().map(|level| self.assigned(level)).collect()).collect();
        if dimensions.iter().any(Vec::is_empty) {
            return;
        }
        let mut place = vec![0; dimensions.len()];
        loop {
            let levels = place.iter().zip(&dimensions).map(|(&i, levels)| &levels[i]);
            self.one(&layers, &top, levels, true);
            // The last dimension moves first.
            let Some(moves) = (0..place.len()).rev().find(|&d| place[d] + 1 < dimensions[d].len()) else { return };
            place[moves] += 1;
            place[moves + 1..].fill(0);
        }
    }

    fn include(&mut self, include: &Include) {
        let layers = self.layers(&[]);
        let assigned = self.assigned(&include.level);
        self.one(&layers, &layers.top(), [&assigned].into_iter(), false);
    }

    fn layers(&mut self, block: &[Assignment]) -> Layers {
        Layers { block: layer(&mut self.values, block), base: self.base.clone(), default: self.default.clone() }
    }

    fn assigned(&mut self, level: &Level) -> Assigned {
        let mut assign = |a: &Assignment| {
            let number = self.values.number(&a.name)?;
            Some((number, self.values.add(number, &a.expression, &a.origin)))
        };
        level.iter().filter_map(&mut assign).collect()
    }

    /// Takes one cell in, unless it is excluded.
    fn one<'l>(&mut self, layers: &Layers, top: &[u32], levels: impl Iterator<Item = &'l Assigned>, exclude: bool) {
        let mut cell = top.to_vec();
        self.cell += 1;
        for &(name, entry) in levels.flatten() {
            cell[name as usize] = entry;
            self.touched[name as usize] = self.cell;
        }
        let (touched, now) = (&self.touched, self.cell);
        let own = |name: u32| touched[name as usize] == now;
        if !self.resolver.cell(&mut self.values, layers, &own, &mut cell) {
            return;
        }
        if exclude {
            let mut out = false;
            for (keys, matched) in self.excludes.iter().zip(&mut self.matched) {
                let matches = keys.iter().all(|(name, entries)| {
                    entries.iter().any(|&entry| {
                        let resolved = self.resolver.entry(&mut self.values, layers, &own, &mut cell, entry, 0);
                        resolved.is_some_and(|resolved| resolved == cell[*name as usize])
                    })
                });
                *matched |= matches;
                out |= matches;
            }
            if out {
                return;
            }
        }
        self.cells.add(&mut self.values, &mut cell, &own);
    }

    fn finish(mut self) -> Result<Plan, Problems> {
        let mut problems = std::mem::take(&mut self.resolver.problems);
        problems.append(&mut self.cells.problems);
        let failed = problems.iter().any(Problem::fatal);
        for (exclude, matched) in self.sweep.grid.exclude.iter().zip(&self.matched) {
            if !matched && !failed {
                let message = "this excludes nothing: no cell has all of these values".to_owned();
                let help = "are the values spelled as in `grid`? each entry must match at least one cell";
                problems.push(exclude.origin.problem(Severity::Error, message, help));
            }
        }
        if self.cells.rows.is_empty() && !problems.iter().any(Problem::fatal) {
            let help = "`exclude` leaves no cell of the grid";
            problems.push(self.sweep.grid.origin.problem(Severity::Error, "no run is left".to_owned(), help));
        }
        if !problems.iter().any(Problem::fatal) {
            problems.extend(self.unused());
        }
        if problems.iter().any(Problem::fatal) {
            return Err(Problems(problems));
        }
        Ok(self.plan(problems))
    }

    /// Base values that no cell uses.
    fn unused(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for given in &self.sweep.grid.base {
            let Some(number) = self.values.number(&given.name) else { continue };
            let written_here = given.origin.same_text(&self.sweep.grid.origin) || given.origin.is_argument();
            if !written_here || self.cells.used[number as usize] || self.resolver.referred.contains(&number) {
                continue;
            }
            let name = &given.name;
            let (severity, message, help) = if self.cells.inactive[number as usize] {
                let active = self.values.parameters[number as usize].and_then(|p| p.active.as_ref());
                let help = active.map_or_else(String::new, |active| format!("`{name}` means something where {active}"));
                (Severity::Warning, format!("`{name}` is inactive in every cell"), help)
            } else if given.origin.is_argument() {
                let message = format!("this changes nothing: `{name}` is an axis, and every cell has its own value");
                (Severity::Error, message, format!("to replace the axis, write `--set grid.{name}=[…]`"))
            } else {
                let message = format!("no cell uses this value: the grid gives every cell its own `{name}`");
                (Severity::Warning, message, "remove the line, or the axis".to_owned())
            };
            problems.push(given.origin.problem_at_key(severity, message, &help));
        }
        problems
    }

    fn plan(self, problems: Vec<Problem>) -> Plan {
        let axes = self.axes();
        let Cells { rows, common, folded, .. } = self.cells;
        let count = rows.len();
        // What all cells have is common, though it could have varied.
        let mut uses = vec![0_usize; self.values.entries.len()];
        rows.iter().flat_map(|row| row.picks.iter()).for_each(|&pick| uses[pick as usize] += 1);
        let name = |pick: u32| self.values.entries[pick as usize].name as usize;
        let entry = |pick: u32| {
            let value = self.values.value(pick).cloned().unwrap_or(Value::Null);
            (self.values.names[name(pick)].clone(), value)
        };
        let everywhere = (0..uses.len() as u32).filter(|&pick| uses[pick as usize] == count);
        let common = common.iter().copied().chain(everywhere).map(entry).map(|(k, v)| (k.to_string(), v)).collect();
        // Only entries that cells pick are kept, under new numbers.
        let mut place = vec![NONE; uses.len()];
        let mut entries = Vec::new();
        for pick in 0..uses.len() as u32 {
            if uses[pick as usize] > 0 && uses[pick as usize] < count {
                place[pick as usize] = entries.len() as u32;
                entries.push(entry(pick));
            }
        }
        as_one_kind(&mut entries);
        let shared = Arc::new(Shared { common, entries });
        let mut runs = Vec::with_capacity(count * self.sweep.grid.seeds.len());
        let heads: Vec<String> = self.sweep.grid.seeds.iter().map(|&seed| head(self.sweep, seed)).collect();
        for row in rows {
            let picks = row.picks.iter().map(|&pick| place[pick as usize]).filter(|&pick| pick != NONE).collect();
            let cell = Arc::new(Cell { shared: shared.clone(), picks });
            let lines = self.cells.common_lines.text(&row.picks, &self.values);
            for (head, &seed) in heads.iter().zip(&self.sweep.grid.seeds) {
                runs.push(Run { id: RunId::of(&format!("{head}{lines}")), seed, cell: cell.clone() });
            }
        }
        Plan { runs, axes, folded, problems, shared }
    }

    /// Parameters that more than one value was asked for, in the order of the spec.
    fn axes(&self) -> Vec<String> {
        let grid = &self.sweep.grid;
        let dimensions = grid.blocks.iter().flat_map(|block| &block.dimensions).flat_map(|d| &d.levels);
        let asked = dimensions.chain(grid.include.iter().map(|include| &include.level)).flatten();
        let asked = asked.chain(grid.blocks.iter().flat_map(|block| &block.base));
        let mut order: Vec<&str> = Vec::new();
        let mut seen = HashSet::new();
        for assignment in asked {
            if seen.insert(&*assignment.name) {
                order.push(&assignment.name);
            }
        }
        let several = |name: &&str| self.values.number(name).is_some_and(|n| self.cells.several[n as usize]);
        order.into_iter().filter(several).map(str::to_owned).collect()
    }
}

/// A parameter that is a fraction in some cell is no whole number in another: rates 1 and 0.1 are of one kind.
fn as_one_kind(entries: &mut [(Arc<str>, Value)]) {
    let fractions: HashSet<Arc<str>> =
        entries.iter().filter(|(_, value)| matches!(value, Value::Number(_))).map(|(name, _)| name.clone()).collect();
    for (name, value) in entries {
        // Beyond 2^53 a float could be another number.
        if let Value::Integer(i) = *value
            && i.unsigned_abs() <= 1 << 53
            && fractions.contains(name)
        {
            *value = Value::Number(i as f64);
        }
    }
}

/// A layer of assignments by parameter.
fn layer(values: &mut Values, assignments: &[Assignment]) -> Vec<u32> {
    let mut layer = vec![NONE; values.names.len()];
    for assignment in assignments {
        if let Some(number) = values.number(&assignment.name) {
            layer[number as usize] = values.add(number, &assignment.expression, &assignment.origin);
        }
    }
    layer
}

/// Parameters that can differ between cells by what they are given.
fn varying(sweep: &Sweep, values: &Values) -> Vec<bool> {
    let grid = &sweep.grid;
    let mut varying = vec![false; values.names.len()];
    let names = grid.blocks.iter().flat_map(|b| &b.dimensions).flat_map(|d| &d.levels).flatten();
    let names = names.chain(grid.include.iter().flat_map(|i| &i.level));
    let names = names.chain(grid.blocks.iter().flat_map(|b| &b.base)).map(|a| (&a.name, true));
    let base = grid.base.iter().map(|a| (&a.name, !matches!(a.expression, crate::spec::Expression::Value(_))));
    for (name, varies) in names.chain(base) {
        if let Some(number) = values.number(name).filter(|_| varies) {
            varying[number as usize] = true;
        }
    }
    varying
}
