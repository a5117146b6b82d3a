//! Reads `base`, `grid`, `zip`, `samples`, `blocks`, `when`, `exclude`, `include` and `seeds`.

use super::axis::{Random, is_range, range};
use super::check::number;
use super::expression::multiple;
use super::flatten::flatten;
use super::grid::{Assignment, Block, Dimension, Exclude, Grid, Include, Level, When};
use super::node::{Node, suggestion};
use super::problem::Severity;
use super::tree::Tree;
use super::{Condition, Description, Expression, Formula, Kind, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Cells × seeds before folding, unless `max_runs` says otherwise.
const MOST_RUNS: u64 = 1_000_000;

/// Reads the sections that make runs.
pub(super) struct Axes<'a> {
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

    fn blocks(&self) -> Vec<Node<'a>> {
        self.top.get("blocks").iter().flat_map(Node::items).collect()
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

    fn read_blocks(&self, blocks: &Node<'a>) -> Vec<Block> {
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
    fn block(&self, node: &Node<'a>, base: Vec<Assignment>) -> Block {
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
            let is_random = axis.map().is_some_and(|map| super::axis::RANDOM.iter().any(|key| map.contains_key(*key)));
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
            if axis.map().is_some_and(|map| super::axis::RANDOM.iter().any(|key| map.contains_key(*key))) {
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
                    "random axes are `{uniform: [a, b]}` and `{log_uniform: [a, b]}`"
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

    fn assignments(&self, section: &Node<'a>) -> Vec<Assignment> {
        section.entries().iter().filter_map(|(name, node)| self.assignment(name, node)).collect()
    }

    /// Checks a name and what it is given.
    fn assignment(&self, name: &str, node: &Node) -> Option<Assignment> {
        if !self.check_name(name, node) {
            return None;
        }
        if is_range(node) || (node.value.as_list().is_some() && !self.takes_list(name)) {
            node.error(
                format!("`{name}` has several values here"),
                &format!("an axis stands under `grid:`; on the command line `--set grid.{name}=[…]`"),
            );
            return None;
        }
        if node.value.is_null() {
            node.error_at_key(format!("`{name}` has no value"), "give it one, or remove the line");
            return None;
        }
        let Some(value) = node.plain() else {
            node.error(format!("`{name}` must be finite, found {}", node.found()), "");
            return None;
        };
        if let Value::Text(text) = &value
            && let Some(expression) = self.expression(name, text, node)
        {
            return expression.map(|expression| Assignment {
                name: name.into(),
                expression,
                origin: node.origin().clone(),
            });
        }
        self.value(name, node, value)
    }

    fn takes_list(&self, name: &str) -> bool {
        self.description.parameter(name).is_none_or(|p| p.kind == Kind::List)
    }

    fn value(&self, name: &str, node: &Node, value: Value) -> Option<Assignment> {
        let checked = match self.description.parameter(name) {
            Some(parameter) => parameter.check(&value),
            None => undeclared(name, value),
        };
        match checked {
            Ok(value) => Some(Assignment {
                name: name.into(),
                expression: Expression::Value(value),
                origin: node.origin().clone(),
            }),
            Err((message, help)) => {
                node.error(message, &help);
                None
            }
        }
    }

    /// `0.1x`, `= …`; the outer `None` if it is plain text, the inner one after a mistake.
    #[expect(clippy::option_option, reason = "not one, a wrong one, one")]
    fn expression(&self, name: &str, text: &str, node: &Node) -> Option<Option<Expression>> {
        let numeric = self.description.parameter(name).map(super::Parameter::is_numeric);
        if let Some(formula) = text.strip_prefix('=').filter(|_| numeric != Some(false)) {
            let formula = match Formula::parse(formula) {
                Ok(formula) => formula,
                Err(wrong) => {
                    node.error(
                        format!("cannot read the arithmetic: {wrong}"),
                        "numbers, parameters, `+ - * /` and brackets",
                    );
                    return Some(None);
                }
            };
            let known = formula.names().iter().all(|other| self.check_reference(other, node));
            return Some(known.then(|| Expression::Formula(Arc::new(formula))));
        }
        let (factor, of) = multiple(text)?;
        if !numeric.unwrap_or_else(|| self.numeric.contains(name) || of.is_some_and(|of| self.numeric.contains(of))) {
            return None;
        }
        if let Some(of) = of
            && !self.check_reference(of, node)
        {
            return Some(None);
        }
        Some(Some(Expression::Multiple { factor, of: of.map(Arc::from) }))
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
            let help = if super::fold::KEYS.contains(&name) {
                format!("`{name}` stands at the top of a spec, not here")
            } else {
                self.near(name)
            };
            node.error_at_key(format!("unknown parameter `{name}`"), &help);
        }
        known
    }

    fn near(&self, name: &str) -> String {
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

    fn when(&self) -> Vec<When> {
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

    fn exclude(&self, node: &Node<'a>) -> Exclude {
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

    fn include(&self, node: &Node<'a>) -> Include {
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

/// The names and values of an entry of a list.
fn flat(node: &Node, ranges: bool) -> Vec<(String, Tree)> {
    let mut trees = Vec::new();
    if node.map().is_some_and(|map| !map.is_empty()) {
        flatten("", node.value, ranges, &mut trees);
    }
    trees.retain(|(name, _)| !name.is_empty());
    trees
}

/// What a trainer that declares nothing may be given.
fn undeclared(name: &str, value: Value) -> Result<Value, (String, String)> {
    let scalar = |value: Value| match value {
        Value::Number(x) => Some(number(x)),
        Value::Bool(_) | Value::Integer(_) | Value::Text(_) => Some(value),
        _ => None,
    };
    let found = value.to_string();
    let checked = match value {
        Value::List(items) => {
            let numbers = items.into_iter().map(|item| item.as_f64().map(number));
            numbers.collect::<Option<_>>().map(Value::List)
        }
        other => scalar(other),
    };
    checked.ok_or_else(|| {
        (
            format!("`{name}` is `{found}`"),
            "a parameter is a number, a text, true or false, or a list of numbers".to_owned(),
        )
    })
}

/// `seeds: 3`, `seeds: [1, 5]`, `seeds: {range: [0, 9]}`.
fn read_seeds(node: &Node) -> Vec<u64> {
    let mut seeds = Vec::new();
    let mut add = |seed: Option<u64>, place: &Node| match seed {
        Some(seed) => seeds.push(seed),
        None => place.error(format!("expected a whole number of 0 or more, found {}", place.found()), ""),
    };
    if is_range(node) {
        range(node).iter().for_each(|value| add(value.as_i64().and_then(|i| u64::try_from(i).ok()), node));
    } else if node.value.as_list().is_some() {
        for item in node.items() {
            if is_range(&item) {
                range(&item).iter().for_each(|value| add(value.as_i64().and_then(|i| u64::try_from(i).ok()), &item));
            } else {
                add(item.plain().and_then(|value| u64::try_from(value.as_i64()?).ok()), &item);
            }
        }
    } else {
        match node.whole() {
            Some(n) if n > MOST_RUNS * 10 => {
                node.error(
                    format!("`seeds: {n}` are {n} replicates of each cell"),
                    "a list holds chosen seeds: `seeds: [1234]`",
                );
            }
            Some(n) => seeds.extend(0..n),
            None => return vec![0],
        }
    }
    if seeds.is_empty() {
        let any = node.problems.borrow().0.iter().any(|problem| problem.severity == Severity::Error);
        if !any {
            node.error("no seed here".to_owned(), "`seeds: 3` is 0, 1, 2");
        }
        return vec![0];
    }
    let mut seen = HashSet::new();
    if let Some(twice) = seeds.iter().find(|seed| !seen.insert(**seed)) {
        node.error(format!("the seed {twice} is there twice"), "each seed once; a repeated run would be the same run");
    }
    seeds
}
