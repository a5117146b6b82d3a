//! A figure as a line or two of YAML ask for it, checked against what the trainer says of itself.
//!
//! ```yaml
//! figures:
//!   - {kind: curve, y: kl, color: method, facet: fr_learning_rate}
//!   - {kind: histogram, y: rate_per_neuron, color: method, facet: {row: seed, column: fr_learning_rate}}
//! ```

use super::node::suggestion;
use super::{Description, Metric, NoReduce, Node, Origin, Reduce, Value};

/// What kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FigureKind {
    /// A metric by step (or another metric), a line a group.
    Curve,
    /// Distribution of an array's values.
    Histogram,
    /// A summary (or an array's values) by the levels of an axis: quartiles and the single points.
    Box,
    /// The same as smoothed densities.
    Violin,
    /// A summary over two axes, with the values written in.
    Heatmap,
    /// Square arrays as images on one colour scale.
    Matrix,
    /// Receptive fields as a mosaic.
    Kernels,
    /// Two metrics of the same steps and their difference.
    BeforeAfter,
    /// One summary against another, a point a run.
    Scatter,
    /// A summary over a numeric axis, a line a group, the best level marked.
    Response,
    /// Paths of two metrics over the contours of the objective.
    Trajectory,
    /// Where the time goes, stacked by phase.
    Profile,
}

impl FigureKind {
    /// Each kind by its word in YAML.
    pub const ALL: [(&'static str, Self); 12] = [
        ("curve", Self::Curve),
        ("histogram", Self::Histogram),
        ("box", Self::Box),
        ("violin", Self::Violin),
        ("heatmap", Self::Heatmap),
        ("matrix", Self::Matrix),
        ("kernels", Self::Kernels),
        ("before_after", Self::BeforeAfter),
        ("scatter", Self::Scatter),
        ("response", Self::Response),
        ("trajectory", Self::Trajectory),
        ("profile", Self::Profile),
    ];

    /// Its word in YAML.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Whether it draws arrays rather than metrics; `None`: either.
    fn draws_arrays(self) -> Option<bool> {
        match self {
            Self::Histogram | Self::Matrix | Self::Kernels => Some(true),
            Self::Box | Self::Violin => None,
            _ => Some(false),
        }
    }
}

/// How the spread over seeds is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// 95% interval of the mean.
    Ci95,
    /// Standard deviation.
    Sd,
    /// Smallest to largest.
    MinMax,
    /// Each seed as a thin line.
    Each,
}

impl Band {
    const ALL: [(&'static str, Self); 4] =
        [("ci95", Self::Ci95), ("sd", Self::Sd), ("min-max", Self::MinMax), ("each", Self::Each)];
}

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

/// A figure, checked against the sweep.
#[derive(Clone, Debug)]
pub struct Figure {
    /// File name without its ending; unique in the spec.
    pub name: String,
    /// What kind of picture.
    pub kind: FigureKind,
    /// The probe whose numbers are drawn; the runs' own unless said.
    pub probe: Option<String>,
    /// The metrics or arrays drawn.
    pub y: Vec<String>,
    /// What runs along the x axis; the step unless said.
    pub x: Option<String>,
    /// The axis that runs down the side; heatmaps alone.
    pub down: Option<String>,
    /// The axis that colours tell apart.
    pub color: Option<String>,
    /// The axis of the panels' rows.
    pub facet_row: Option<String>,
    /// The axis of the panels' columns.
    pub facet_column: Option<String>,
    /// Which runs.
    pub filters: Vec<Filter>,
    /// How a history becomes one number, where the kind needs one; the sweep's own unless said.
    pub reduce: Reduce,
    /// How spread over seeds is shown.
    pub band: Band,
    /// Logarithmic x axis.
    pub log_x: bool,
    /// Logarithmic y axis, or colour scale.
    pub log_y: bool,
    /// Running mean over this share of the rows, 0.02 for `smooth: 2%`.
    pub smooth: Option<f64>,
    /// Number of bins of a histogram.
    pub bins: Option<u64>,
    /// Histograms as filled areas rather than outlines.
    pub filled: bool,
    /// Heading.
    pub title: Option<String>,
    /// Text under the figure, Markdown.
    pub caption: Option<String>,
    /// The figure as the spec writes it, without the words that stand around it: its provenance.
    pub about: String,
    /// Where it was written.
    pub origin: Origin,
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
    pub(super) fn axis(&self, node: &Node) -> Option<String> {
        let name = node.text()?;
        self.is_axis(node, &name).then_some(name)
    }

    fn is_axis(&self, node: &Node, name: &str) -> bool {
        let declared = self.description.parameters.iter().map(|p| &*p.name);
        let known: Vec<&str> = self.parameters.iter().map(|p| &**p).chain(declared).chain(COLUMNS).collect();
        let found = known.len() == COLUMNS.len() || known.contains(&name);
        if !found {
            node.error(format!("no parameter is called `{name}`"), &suggestion(name, &known));
        }
        found
    }

    /// `where` of a map.
    pub(super) fn filters(&self, node: &Node) -> Vec<Filter> {
        let Some(node) = node.get("where") else { return Vec::new() };
        let read = |(name, node): (String, Node)| {
            let known = self.is_axis(&node, &name);
            let values = node.items().iter().filter_map(Node::plain).collect();
            known.then_some(Filter { name, values })
        };
        node.entries().into_iter().filter_map(read).collect()
    }

    /// `reduce` of a map, else the sweep's own, else the last value.
    fn reduce(&self, node: &Node) -> Reduce {
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
    pub(super) fn summary(&self, node: &Node) -> Option<(String, Reduce)> {
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
const NUMBERS: [&str; 2] = ["seconds", "peak_memory_mib"];

const KEYS: [&str; 17] = [
    "kind", "name", "probe", "y", "x", "value", "color", "facet", "where", "reduce", "band", "log", "smooth", "bins",
    "filled", "title", "caption",
];

impl Figure {
    /// Reads one entry of `figures:`; mistakes go to the document's problems, and the entry is then left out.
    pub fn read(node: &Node, names: &Names) -> Option<Self> {
        Self::read_with(node, names, &[])
    }

    /// The same where `further` keys may stand beside the figure's own.
    pub(super) fn read_with(node: &Node, names: &Names, further: &[&str]) -> Option<Self> {
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

    /// The heading: what was given, else made of what is drawn and what tells groups apart.
    pub fn heading(&self) -> String {
        if let Some(title) = &self.title {
            return title.clone();
        }
        let drawn = self.y.join(", ");
        let axes = [&self.color, &self.facet_row, &self.facet_column].into_iter().flatten();
        let axes: indexmap::IndexSet<&str> = axes.map(|a| &**a).filter(|a| self.x.as_deref() != Some(a)).collect();
        let axes: Vec<&str> = axes.into_iter().collect();
        let by = match axes.as_slice() {
            [] => String::new(),
            [only] => format!(" by {only}"),
            [first @ .., last] => format!(" by {} and {last}", first.join(", ")),
        };
        match (self.kind, &self.x) {
            (FigureKind::Profile, _) => format!("Where the time goes{by}"),
            (FigureKind::BeforeAfter, _) => format!("{}{by}", self.y.join(" and ")),
            (FigureKind::Heatmap, Some(x)) => format!("{drawn} over {x} and {}", self.down.as_deref().unwrap_or("")),
            (_, Some(x)) => format!("{drawn} over {x}{by}"),
            _ => format!("{drawn}{by}"),
        }
    }

    fn automatic_name(&self) -> String {
        let axes = [&self.color, &self.facet_row, &self.facet_column].into_iter().flatten();
        let parts = [self.kind.word()].into_iter().chain(self.y.iter().take(2).map(|y| &**y));
        let parts = parts.chain(self.x.as_deref()).chain(self.down.as_deref()).chain(axes.map(|axis| &**axis));
        parts.collect::<Vec<_>>().join("-")
    }
}

/// Gives figures with equal names an ending of their own: `curve-kl`, `curve-kl-2`.
pub fn make_unique<'f>(figures: impl Iterator<Item = &'f mut Figure>) {
    let mut taken = std::collections::HashSet::new();
    for figure in figures {
        let base = figure.name.clone();
        let mut n = 1;
        while !taken.insert(figure.name.clone()) {
            n += 1;
            figure.name = format!("{base}-{n}");
        }
    }
}

fn about(node: &Node) -> String {
    match node.plain() {
        Some(Value::Map(mut keys)) => {
            keys.retain(|key, _| !["name", "title", "caption"].contains(&&**key));
            Value::Map(keys).to_string()
        }
        _ => String::new(),
    }
}

fn words() -> Vec<&'static str> {
    FigureKind::ALL.iter().map(|(word, _)| *word).collect()
}

/// The text as a plain file name: letters, digits, `-`, `_` and `.` stay.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = text.chars().map(plain).take(80).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "figure".to_owned() } else { name.to_owned() }
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
