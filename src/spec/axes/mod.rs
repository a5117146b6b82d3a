//! The sections that make runs: `base`, `grid`, `zip`, `samples`, `blocks`, `when`, `exclude`, `include` and `seeds`.

mod assignment;
mod conditions;
mod dimensions;
mod seeds;

use super::axis::RANGES_IN_WORDS;
use super::flatten::flatten;
use super::grid::{Block, Grid};
use super::keys;
use super::node::{Node, suggestion};
use super::tree::Tree;
use super::{Description, Parameter};
use seeds::{MOST_RUNS, read_seeds};
use std::collections::HashSet;

/// Reads the sections that make runs.
pub(in crate::spec) struct Axes<'a> {
    top: Node<'a>,
    description: &'a Description,
    /// Whether the trainer says what its parameters are.
    strict: bool,
    /// Every name that the spec gives something.
    given: HashSet<String>,
    /// Undeclared names with a number in `base`.
    numeric: HashSet<String>,
}

impl<'a> Axes<'a> {
    /// Looks through a document for the names that it gives.
    pub fn new(top: Node<'a>, description: &'a Description) -> Self {
        let mut axes = Self {
            top,
            description,
            strict: !description.parameters.is_empty(),
            given: HashSet::new(),
            numeric: HashSet::new(),
        };
        for base in axes.blocks().iter().chain([&top]).filter_map(|block| block.get("base")) {
            for (name, value) in base.map().into_iter().flatten() {
                axes.given.insert(name.clone());
                if value.plain().is_some_and(|value| value.as_f64().is_some()) {
                    axes.numeric.insert(name.clone());
                }
            }
        }
        for block in axes.blocks().iter().chain([&top]) {
            axes.given.extend(block.get("grid").iter().filter_map(Node::map).flat_map(|map| map.keys().cloned()));
            for group in block.get("zip").iter().flat_map(Node::items) {
                axes.given.extend(flat(&group, true).into_iter().map(|(name, _)| name));
            }
        }
        for include in top.get("include").iter().flat_map(Node::items) {
            axes.given.extend(flat(&include, false).into_iter().map(|(name, _)| name));
        }
        axes
    }

    /// Names that the spec itself gives something, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.given.iter().cloned().collect();
        names.sort();
        names
    }

    /// Reads it all; mistakes are reported.
    pub fn read(&self) -> Grid {
        let base = self.top.get("base").map(|base| self.assignments(&base)).unwrap_or_default();
        let blocks = match self.top.get("blocks") {
            Some(blocks) => self.read_blocks(&blocks),
            None => vec![self.block(&self.top, Vec::new())],
        };
        let grid = Grid {
            base,
            blocks,
            when: self.when(),
            exclude: self.top.get("exclude").iter().flat_map(Node::items).map(|node| self.exclude(&node)).collect(),
            include: self.top.get("include").iter().flat_map(Node::items).map(|node| self.include(&node)).collect(),
            seeds: self.top.get("seeds").map_or_else(|| vec![0], |seeds| read_seeds(&seeds)),
            origin: self.top.origin().clone(),
        };
        self.check_size(&grid);
        grid
    }

    fn check_size(&self, grid: &Grid) {
        let most = self.top.get("max_runs").and_then(|node| node.whole()).unwrap_or(MOST_RUNS);
        let product =
            |block: &Block| block.dimensions.iter().map(|d| d.levels.len() as u128).fold(1_u128, u128::saturating_mul);
        let cells = grid.blocks.iter().map(product).fold(grid.include.len() as u128, u128::saturating_add);
        let runs = cells.saturating_mul(grid.seeds.len() as u128);
        if runs > u128::from(most) {
            let places = ["max_runs", "blocks", "grid", "zip", "samples", "seeds"];
            let node = places.iter().find_map(|key| self.top.get(key)).unwrap_or(self.top);
            node.error_at_key(
                format!("the grid has {cells} cells × {} seeds = {runs} runs, more than {most}", grid.seeds.len()),
                "`max_runs: N` moves the limit; `samples` draws some instead of taking all",
            );
        }
    }

    /// Whether a parameter named in an expression or condition is known; reports it otherwise.
    fn check_reference(&self, name: &str, node: &Node) -> bool {
        let known = self.given.contains(name) || self.description.parameter(name).is_some();
        if !known {
            node.error(format!("unknown parameter `{name}`"), &self.near(name));
        }
        known
    }

    fn check_name(&self, name: &str, node: &Node) -> bool {
        if name == "seed" {
            node.error_at_key(
                "`seed` is not a parameter".to_owned(),
                "replicates are `seeds: 3` or `seeds: [0, 1, 2]` at the top",
            );
            return false;
        }
        let known = !self.strict || self.description.parameter(name).is_some();
        if !known {
            let help = if keys::is_known(name) {
                format!("`{name}` stands at the top of a spec, not here")
            } else {
                self.near(name)
            };
            node.error_at_key(format!("unknown parameter `{name}`"), &help);
        }
        known
    }

    fn near(&self, name: &str) -> String {
        // A map under a number's name was meant as a range.
        let above = name.rsplit_once('.').and_then(|(above, _)| self.description.parameter(above));
        if above.is_some_and(Parameter::is_numeric) {
            return RANGES_IN_WORDS.to_owned();
        }
        let declared = self.description.parameters.iter().map(|p| p.name.as_str());
        let given = self.given.iter().map(String::as_str).filter(|_| !self.strict);
        let mut known: Vec<&str> = declared.chain(given).filter(|other| *other != name).collect();
        known.sort_unstable();
        match suggestion(name, &known) {
            help if help.is_empty() && self.strict => {
                format!("`tessera schema --trainer {}` lists them", self.description.trainer)
            }
            help => help,
        }
    }
}

/// The names and values of an entry of a list.
fn flat(node: &Node, ranges: bool) -> Vec<(String, Tree)> {
    let mut trees = Vec::new();
    if node.map().is_some_and(|map| !map.is_empty()) {
        flatten("", node.value, ranges, &mut trees);
    }
    trees.retain(|(name, _)| !name.is_empty());
    trees
}
