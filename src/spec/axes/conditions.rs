//! Which cells are meant: `when`, `exclude` and `include`.

use super::{Axes, flat};
use crate::spec::grid::{Exclude, Include, When};
use crate::spec::node::Node;
use crate::spec::tree::Tree;
use crate::spec::{Condition, Kind};

impl<'a> Axes<'a> {
    /// Where parameters are active.
    pub(super) fn when(&self) -> Vec<When> {
        let mut all = Vec::new();
        for (name, node) in self.top.get("when").map(|when| when.entries()).unwrap_or_default() {
            let known = self.given.contains(&name) || self.description.parameter(&name).is_some();
            if !known {
                node.error_at_key(format!("unknown parameter `{name}`"), &self.near(&name));
            }
            let Some(text) = node.text() else { continue };
            match Condition::parse(&text) {
                Ok(condition) => {
                    let fine = condition.names().all(|other| self.check_reference(other, &node));
                    if known && fine {
                        all.push(When { name: name.as_str().into(), condition });
                    }
                }
                Err(wrong) => node.error(wrong, "comparisons `== != < <= > >=`, joined by `and` and `or`"),
            }
        }
        all
    }

    /// Cells left out.
    pub(super) fn exclude(&self, node: &Node<'a>) -> Exclude {
        let mut keys = Vec::new();
        if node.map().is_none_or(|map| map.is_empty()) {
            node.error(
                format!("expected a map of parameters and values, found {}", node.found()),
                "`- {method: gamma, learning_rate: 1x}`",
            );
        }
        for (name, tree) in flat(node, false) {
            let value = Node { value: &tree, ..*node };
            if !self.check_reference(&name, &value) {
                continue;
            }
            let list = self.description.parameter(&name).is_some_and(|p| p.kind == Kind::List);
            let items = if list { vec![value] } else { value.items() };
            let read = |item: &Node| self.assignment(&name, item).map(|assignment| assignment.expression);
            keys.push((name.as_str().into(), items.iter().filter_map(read).collect()));
        }
        Exclude { keys, origin: node.origin().clone() }
    }

    /// A cell more.
    pub(super) fn include(&self, node: &Node<'a>) -> Include {
        if node.map().is_none() {
            node.error(
                format!("expected a map of parameters and values, found {}", node.found()),
                "`- {method: none}`",
            );
        }
        let trees = flat(node, false);
        let assign = |(name, tree): &(String, Tree)| self.assignment(name, &Node { value: tree, ..*node });
        Include { level: trees.iter().filter_map(assign).collect(), origin: node.origin().clone() }
    }
}
