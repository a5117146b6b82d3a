//! What varies: `grid`, `zip` and `samples`, of a sweep or of one of its blocks.

use super::{Axes, MOST_RUNS, flat};
use crate::record::Value;
use crate::spec::axis::{RANDOM, Random, is_range, range};
use crate::spec::expression::multiple;
use crate::spec::flatten::flatten;
use crate::spec::grid::{Assignment, Block, Dimension, Level};
use crate::spec::node::Node;
use crate::spec::{Expression, Kind};
use std::collections::{HashMap, HashSet};

impl<'a> Axes<'a> {
    /// The blocks of the list.
    pub(super) fn blocks(&self) -> Vec<Node<'a>> {
        self.top.get("blocks").iter().flat_map(Node::items).collect()
    }

    /// Reads the list of blocks.
    pub(super) fn read_blocks(&self, blocks: &Node<'a>) -> Vec<Block> {
        for key in ["grid", "zip", "samples"] {
            if let Some(node) = self.top.get(key) {
                node.error_at_key(
                    format!("`{key}` stands beside `blocks`"),
                    "with `blocks`, each block has its own `grid`, `zip` and `samples`; a block more is one list entry more",
                );
            }
        }
        let read = |node: &Node<'a>| {
            node.check_keys(&["about", "base", "grid", "zip", "samples"]);
            let base = node.get("base").map(|base| self.assignments(&base)).unwrap_or_default();
            self.block(node, base)
        };
        let blocks: Vec<Block> = blocks.items().iter().map(read).collect();
        if blocks.is_empty() {
            self.top.get("blocks").iter().for_each(|node| node.error("no block here".to_owned(), "remove the key"));
        }
        blocks
    }

    /// The dimensions of `grid`, `zip` and `samples` under a node.
    pub(super) fn block(&self, node: &Node<'a>, base: Vec<Assignment>) -> Block {
        let mut taken: HashMap<String, &str> = HashMap::new();
        let mut take = |name: &str, node: &Node, section: &'static str| {
            let Some(other) = taken.insert(name.to_owned(), section) else { return };
            let place = match other == section {
                true => format!("twice in `{section}`"),
                false => format!("in `{other}` and in `{section}`"),
            };
            node.error_at_key(format!("the axis `{name}` is {place}"), "an axis varies in one way; remove one");
        };
        let mut dimensions = Vec::new();
        let mut random = Vec::new();
        for (name, axis) in node.get("grid").map(|grid| grid.entries()).unwrap_or_default() {
            take(&name, &axis, "grid");
            if !self.check_name(&name, &axis) {
                continue;
            }
            let is_random = axis.map().is_some_and(|map| RANDOM.iter().any(|key| map.contains_key(*key)));
            if is_random {
                random.extend(Random::read(&axis).map(|draws| (name, axis, draws)));
            } else {
                dimensions.push(Dimension { names: vec![name.as_str().into()], levels: self.levels(&name, &axis) });
            }
        }
        for group in node.get("zip").iter().flat_map(Node::items) {
            dimensions.extend(self.zip(&group, &mut take));
        }
        dimensions.extend(self.samples(node, &random));
        Block { base, dimensions }
    }

    fn zip(&self, group: &Node<'a>, take: &mut impl FnMut(&str, &Node, &'static str)) -> Option<Dimension> {
        if group.map().is_none() {
            group.error(
                format!("expected a map of axes that move together, found {}", group.found()),
                "`- {a: [1, 2], b: [3, 4]}`",
            );
            return None;
        }
        let mut dimension = Dimension { names: Vec::new(), levels: Vec::new() };
        let trees = flat(group, true);
        for (name, tree) in &trees {
            let axis = Node { value: tree, ..*group };
            take(name, &axis, "zip");
            if !self.check_name(name, &axis) {
                continue;
            }
            if axis.map().is_some_and(|map| RANDOM.iter().any(|key| map.contains_key(*key))) {
                axis.error(
                    "a random axis cannot move with others".to_owned(),
                    "put it into `grid:`; `samples:` draws all random axes together",
                );
                continue;
            }
            let levels = self.levels(name, &axis);
            if levels.is_empty() {
                continue;
            }
            if let Some(first) = dimension.names.first()
                && levels.len() != dimension.levels.len()
            {
                axis.error(
                    format!("`{name}` has {} values, `{first}` has {}", levels.len(), dimension.levels.len()),
                    "axes of one zip group move together: as many values each",
                );
                continue;
            }
            if dimension.names.is_empty() {
                dimension.levels = levels;
            } else {
                dimension.levels.iter_mut().zip(levels).for_each(|(level, more)| level.extend(more));
            }
            dimension.names.push(name.as_str().into());
        }
        (!dimension.names.is_empty()).then_some(dimension)
    }

    fn samples(&self, node: &Node<'a>, random: &[(String, Node<'a>, Random)]) -> Option<Dimension> {
        let n = match (node.get("samples"), random) {
            (None, []) => return None,
            (None, [(name, axis, _), ..]) => {
                axis.error_at_key(
                    format!("`{name}` is random, and nothing says how many samples"),
                    "add `samples: 20`",
                );
                return None;
            }
            (Some(samples), []) => {
                let mistaken =
                    node.get("grid").is_some_and(|grid| grid.entries().iter().any(|(_, axis)| is_range(axis)));
                let help = if mistaken {
                    "random axes are `{uniform: [a, b]}`, `{log_uniform: [a, b]}`, `{int_uniform: [a, b]}` and `{choice: [a, b]}`"
                } else {
                    "remove it, or add `{uniform: [a, b]}` to `grid:`"
                };
                samples.error_at_key("`samples` without a random axis".to_owned(), help);
                return None;
            }
            (Some(samples), _) => match samples.whole()? {
                0 => {
                    samples.error("at least one sample".to_owned(), "");
                    return None;
                }
                n if n > MOST_RUNS * 10 => {
                    samples.error(format!("at most {} samples", MOST_RUNS * 10), "");
                    return None;
                }
                n => n,
            },
        };
        let seed = self.top.get("sample_seed").and_then(|node| node.whole()).unwrap_or(0);
        let mut faulty = HashSet::new();
        let mut draw = |(name, axis, draws): &(String, Node, Random), index: u64| {
            let parameter = self.description.parameter(name);
            let whole = parameter.is_some_and(|p| p.kind == Kind::Integer);
            let value = draws.draw(seed, name, index, whole);
            if let Some(Err((message, help))) = parameter.map(|p| p.check(&value))
                && faulty.insert(name.clone())
            {
                axis.error(message, &help);
            }
            Assignment {
                name: name.as_str().into(),
                expression: Expression::Value(value),
                origin: axis.origin().clone(),
            }
        };
        let levels = (0..n).map(|index| random.iter().map(|axis| draw(axis, index)).collect()).collect();
        Some(Dimension { names: random.iter().map(|(name, ..)| name.as_str().into()).collect(), levels })
    }

    /// The levels of an axis; none after a mistake.
    fn levels(&self, name: &str, axis: &Node<'a>) -> Vec<Level> {
        let mut levels = Vec::new();
        let items = axis.items();
        if items.is_empty() || axis.value.is_null() {
            axis.error(format!("the axis `{name}` has no values"), "give it some, or remove it");
            return levels;
        }
        // Texts like `2x` mean multiples only where there is something to multiply.
        let undeclared = self.description.parameter(name).is_none() && !self.numeric.contains(name);
        let looks =
            |item: &Node| item.value.scalar_text().is_some_and(|text| matches!(multiple(&text), Some((_, None))));
        if undeclared && items.iter().all(looks) {
            axis.error(
                format!("`{name}` has multiples and no base value"),
                &format!("give the base value that they multiply: `base: {{{name}: …}}`"),
            );
            return levels;
        }
        for item in &items {
            if is_range(item) {
                let assign = |value| self.value(name, item, value).into_iter().collect();
                let before = self.top.problems.borrow().0.len();
                for value in range(item) {
                    levels.push(assign(value));
                    // One complaint for a range is enough.
                    if self.top.problems.borrow().0.len() > before {
                        break;
                    }
                }
            } else if item.value.is_null() && self.top.get("command").is_some() {
                // A program may be given nothing: Python's None.
                levels.push(self.value(name, item, Value::Null).into_iter().collect());
            } else {
                let mut trees = Vec::new();
                flatten(name, item.value, false, &mut trees);
                levels.push(
                    trees
                        .iter()
                        .filter_map(|(name, tree)| self.assignment(name, &Node { value: tree, ..*item }))
                        .collect(),
                );
            }
        }
        levels
    }
}
