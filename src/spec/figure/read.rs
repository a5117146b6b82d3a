//! From an entry of `figures:` to a figure; mistakes go to the document's problems.

use super::names::NUMBERS;
use super::{Band, Figure, FigureKind, Names, Printed, file_name, make_unique};
use crate::record::Value;
use crate::spec::node::suggestion;
use crate::spec::{Node, Reduce};

const KEYS: [&str; 18] = [
    "kind", "name", "probe", "y", "x", "value", "color", "facet", "where", "reduce", "band", "log", "smooth", "bins",
    "filled", "title", "caption", "size",
];

impl Figure {
    /// Reads one entry of `figures:`; mistakes go to the document's problems, and the entry is then left out.
    pub fn read(node: &Node, names: &Names) -> Option<Self> {
        Self::read_with(node, names, &[])
    }

    /// The same where `further` keys may stand beside the figure's own.
    pub(in crate::spec) fn read_with(node: &Node, names: &Names, further: &[&str]) -> Option<Self> {
        node.value.as_mapping().or_else(|| {
            node.error(format!("expected a figure like `{{kind: curve, y: kl}}`, found {}", node.found()), "");
            None
        })?;
        node.check_keys(&[&KEYS, further].concat());
        let Some(probe) = node.get("probe") else { return Self::read_kind(node, names) };
        let known: Vec<&str> = names.description.probes.iter().map(|probe| &*probe.name).collect();
        if known.is_empty() {
            probe.error("runs of this trainer cannot be probed".to_owned(), "`trainer: retina` can");
            return None;
        }
        let what = known[probe.choice(&known)?].to_owned();
        let description = names.description.of_probe(&what)?;
        let names = Names { description: &description, parameters: names.parameters, metric: None };
        let figure = Self::read_kind(node, &names)?;
        let name = if node.get("name").is_some() { figure.name.clone() } else { format!("{what}-{}", figure.name) };
        Some(Self { name, probe: Some(what), ..figure })
    }

    fn read_kind(node: &Node, names: &Names) -> Option<Self> {
        let Some(kind_node) = node.get("kind") else {
            node.error("a figure needs a `kind`".to_owned(), &format!("known here: {}", words().join(", ")));
            return None;
        };
        let kind = FigureKind::ALL[kind_node.choice(&words())?].1;
        let read = Reader { node, names, kind };
        let (y, down) = read.drawn()?;
        let (facet_row, facet_column) = read.facets();
        let (log_x, log_y) = read.log();
        let figure = Self {
            name: String::new(),
            kind,
            probe: None,
            y,
            x: read.x(),
            down,
            color: read.axis("color"),
            facet_row,
            facet_column,
            filters: names.filters(node),
            // Time is counted over the whole run unless the figure itself says otherwise.
            reduce: match (kind, node.get("reduce")) {
                (FigureKind::Profile, None) => Reduce::Last,
                _ => names.reduce(node),
            },
            band: read.word("band", &Band::ALL).unwrap_or(Band::Ci95),
            log_x,
            log_y,
            smooth: read.smooth(),
            bins: node.get("bins").and_then(|bins| bins.whole()).map(|bins| bins.clamp(1, 1000)),
            filled: node.get("filled").and_then(|filled| filled.boolean()).unwrap_or(false),
            title: node.get("title").and_then(|title| title.text()),
            caption: node.get("caption").and_then(|caption| caption.text()),
            size: Printed::read(node),
            about: about(node),
            origin: node.origin().clone(),
        };
        let name = node.get("name").and_then(|name| name.text()).unwrap_or_else(|| figure.automatic_name());
        Some(Self { name: file_name(&name), ..figure })
    }

    /// Reads a list of figures and makes their names unique.
    pub fn read_all(node: &Node, names: &Names) -> Vec<Self> {
        let mut figures: Vec<Self> = node.items().iter().filter_map(|item| Self::read(item, names)).collect();
        make_unique(figures.iter_mut());
        figures
    }
}

fn about(node: &Node) -> String {
    match node.plain() {
        Some(Value::Map(mut keys)) => {
            keys.retain(|key, _| !["name", "title", "caption", "size"].contains(&&**key));
            Value::Map(keys).to_string()
        }
        _ => String::new(),
    }
}
fn words() -> Vec<&'static str> {
    FigureKind::ALL.iter().map(|(word, _)| *word).collect()
}

struct Reader<'n, 'a> {
    node: &'n Node<'a>,
    names: &'n Names<'n>,
    kind: FigureKind,
}

impl Reader<'_, '_> {
    /// What is drawn, and the axis down the side of a heatmap.
    fn drawn(&self) -> Option<(Vec<String>, Option<String>)> {
        let heatmap = self.kind == FigureKind::Heatmap;
        let key = if heatmap { "value" } else { "y" };
        let names = match self.node.get(key) {
            Some(node) => {
                let read = |item: &Node| item.text().filter(|name| self.check_quantity(item, name));
                node.items().iter().map(read).collect::<Option<Vec<_>>>()?
            }
            None => self.default_drawn(key)?,
        };
        if self.kind == FigureKind::BeforeAfter && names.len() != 2 {
            self.node.error("`before_after` draws two metrics".to_owned(), "write `y: [kl_before, kl_after]`");
            return None;
        }
        if !heatmap {
            return Some((names, None));
        }
        let down = self.axis("y");
        if down.is_none() || self.node.get("x").is_none() {
            self.node.error("a heatmap needs the axes `x` and `y`".to_owned(), "what it shows is its `value`");
            return None;
        }
        Some((names, down))
    }

    fn default_drawn(&self, key: &str) -> Option<Vec<String>> {
        let own = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        match self.kind {
            FigureKind::Kernels => own(&["kernels"]),
            FigureKind::BeforeAfter => own(&["kl_before", "kl_after"]),
            FigureKind::Trajectory => own(&["x2_now"]),
            FigureKind::Profile => {
                let metrics = self.names.description.metrics.iter().map(|m| m.name.clone());
                let seconds: Vec<String> = metrics.filter(|name| name.starts_with("seconds_")).collect();
                if seconds.is_empty() {
                    self.node.error("`profile` needs `y`: metrics in seconds".to_owned(), "");
                    return None;
                }
                Some(seconds)
            }
            FigureKind::Histogram | FigureKind::Matrix => {
                let arrays: Vec<&str> = self.names.description.arrays.iter().map(|a| &*a.name).collect();
                self.node.error(
                    format!("`{}` needs `y`: an array", self.kind.word()),
                    &format!("known here: {}", arrays.join(", ")),
                );
                None
            }
            _ => match self.names.metric {
                Some(metric) => own(&[&metric.name]),
                None => {
                    self.node.error(
                        format!("`{key}` is missing, and the sweep names no `metric`"),
                        &format!("write `{key}: NAME` with a metric of the history"),
                    );
                    None
                }
            },
        }
    }

    /// Whether the trainer records this; a trainer that declares nothing is not checked.
    fn check_quantity(&self, node: &Node, name: &str) -> bool {
        let description = self.names.description;
        let metrics = description.metrics.iter().map(|m| &*m.name);
        let arrays = description.arrays.iter().map(|a| &*a.name);
        let known: Vec<&str> = match self.kind.draws_arrays() {
            Some(true) => arrays.collect(),
            Some(false) => metrics.chain(NUMBERS).collect(),
            None => metrics.chain(arrays).chain(NUMBERS).collect(),
        };
        let declared = known.len() > NUMBERS.len() || (self.kind.draws_arrays() == Some(true) && !known.is_empty());
        let found = !declared || known.contains(&name);
        if !found {
            let what = match self.kind.draws_arrays() {
                Some(true) => "array",
                Some(false) => "metric",
                None => "metric or array",
            };
            node.error(format!("no {what} is called `{name}`"), &suggestion(name, &known));
        }
        found
    }

    fn x(&self) -> Option<String> {
        let node = self.node.get("x")?;
        let name = node.text()?;
        match self.kind {
            FigureKind::Curve | FigureKind::Scatter | FigureKind::Trajectory if name != "step" && name != "elapsed" => {
                self.check_quantity(&node, &name).then_some(name)
            }
            FigureKind::Curve => (name != "step").then_some(name),
            _ => self.names.axis(&node),
        }
    }

    fn axis(&self, key: &str) -> Option<String> {
        let node = self.node.get(key)?;
        self.names.axis(&node)
    }

    /// `facet: a` are columns; `facet: {row: a, column: b}` both.
    fn facets(&self) -> (Option<String>, Option<String>) {
        let Some(node) = self.node.get("facet") else { return (None, None) };
        if node.value.as_mapping().is_none() {
            return (None, self.axis("facet"));
        }
        node.check_keys(&["row", "column"]);
        let read = |key: &str| self.names.axis(&node.get(key)?);
        (read("row"), read("column"))
    }

    fn word<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        Some(choices[self.node.get(key)?.choice(&words)?].1)
    }

    /// `log: x`, `log: y`, `log: xy`; true is y.
    fn log(&self) -> (bool, bool) {
        let Some(node) = self.node.get("log") else { return (false, false) };
        match node.choice(&["true", "y", "x", "xy", "false"]) {
            Some(0 | 1) => (false, true),
            Some(2) => (true, false),
            Some(3) => (true, true),
            _ => (false, false),
        }
    }

    /// `smooth: 2%`: a share of the rows.
    fn smooth(&self) -> Option<f64> {
        let node = self.node.get("smooth")?;
        let text = node.text()?;
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match percent.filter(|percent| *percent > 0.0 && *percent <= 50.0) {
            Some(percent) => Some(percent / 100.0),
            None => {
                node.error(
                    format!("expected a share of the rows, found {}", node.found()),
                    "write it like `smooth: 2%`",
                );
                None
            }
        }
    }
}
