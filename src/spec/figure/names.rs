//! What a figure, a table or a comparison may name, and which runs its `where` keeps.

use crate::record::Value;
use crate::spec::node::suggestion;
use crate::spec::{Description, Metric, NoReduce, Node, Reduce};

/// `where: {method: [lagrange, gamma]}`: keeps the runs whose parameter is one of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// A parameter or fixed column of `runs`.
    pub name: String,
    /// Any of these.
    pub values: Vec<Value>,
}

impl std::fmt::Display for Filter {
    /// `method is lagrange or gamma`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values: Vec<String> = self.values.iter().map(Value::to_string).collect();
        write!(f, "{} is {}", self.name, values.join(" or "))
    }
}

/// What a figure may name.
pub struct Names<'a> {
    /// What the trainer says of itself; empty lists are not checked against.
    pub description: &'a Description,
    /// Parameters that the spec itself names: axes and base.
    pub parameters: &'a [String],
    /// The number that runs are judged by: the default of `y` and of `reduce`.
    pub metric: Option<&'a Metric>,
}

impl Names<'_> {
    /// The name of a parameter or of a column of `runs` that groups runs; reports a mistake otherwise.
    pub(in crate::spec) fn axis(&self, node: &Node) -> Option<String> {
        let name = node.text()?;
        self.is_axis(node, &name).then_some(name)
    }

    pub(super) fn is_axis(&self, node: &Node, name: &str) -> bool {
        let declared = self.description.parameters.iter().map(|p| &*p.name);
        let known: Vec<&str> = self.parameters.iter().map(|p| &**p).chain(declared).chain(COLUMNS).collect();
        let found = known.len() == COLUMNS.len() || known.contains(&name);
        if !found {
            node.error(format!("no parameter is called `{name}`"), &suggestion(name, &known));
        }
        found
    }

    /// `where` of a map.
    pub(in crate::spec) fn filters(&self, node: &Node) -> Vec<Filter> {
        let Some(node) = node.get("where") else { return Vec::new() };
        let read = |(name, node): (String, Node)| {
            let known = self.is_axis(&node, &name);
            let values = node.items().iter().filter_map(Node::plain).collect();
            known.then_some(Filter { name, values })
        };
        node.entries().into_iter().filter_map(read).collect()
    }

    /// `reduce` of a map, else the sweep's own, else the last value.
    pub(super) fn reduce(&self, node: &Node) -> Reduce {
        let own = self.metric.map_or(Reduce::Last, |metric| metric.reduce);
        let Some(node) = node.get("reduce") else { return own };
        match node.text().map(|text| text.parse()) {
            Some(Ok(reduce)) => reduce,
            Some(Err(expected)) => {
                node.error(format!("no reduction: {}", node.found()), &NoReduce::to_string(&expected));
                own
            }
            None => own,
        }
    }

    /// `value` and `reduce` of a table or comparison; the sweep's own where they are not said.
    pub(in crate::spec) fn summary(&self, node: &Node) -> Option<(String, Reduce)> {
        let name = match (node.get("value"), self.metric) {
            (Some(value), _) => {
                let name = value.text()?;
                let metrics = self.description.metrics.iter().map(|m| &*m.name);
                let known: Vec<&str> = metrics.chain(NUMBERS).collect();
                if known.len() > NUMBERS.len() && !known.contains(&&*name) {
                    value.error(format!("no metric is called `{name}`"), &suggestion(&name, &known));
                    return None;
                }
                name
            }
            (None, Some(metric)) => metric.name.clone(),
            (None, None) => {
                node.error("`value` is missing, and the sweep names no `metric`".to_owned(), "");
                return None;
            }
        };
        Some((name, self.reduce(node)))
    }
}

/// Columns of `runs` that figures may group by, besides parameters.
pub const COLUMNS: [&str; 8] = ["seed", "status", "failure", "attempt", "host", "device", "git", "spec"];

/// Columns of `runs` that are numbers and may be drawn like a summary.
pub(super) const NUMBERS: [&str; 2] = ["seconds", "peak_memory_mib"];
