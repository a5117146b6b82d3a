//! A figure as a line or two of YAML ask for it, checked against what the trainer says of itself.
//!
//! ```yaml
//! figures:
//!   - {kind: curve, y: kl, color: method, facet: fr_learning_rate}
//!   - {kind: histogram, y: rate_per_neuron, color: method, facet: {row: seed, column: fr_learning_rate}}
//! ```

mod names;
mod printed;
mod read;
mod suggested;

use super::{Origin, Reduce};
pub use names::{COLUMNS, Filter, Names};
pub use printed::Printed;

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
    /// How large it is on paper; as a page of the screen wants it unless said.
    pub size: Option<Printed>,
    /// The figure as the spec writes it, without the words that stand around it: its provenance.
    pub about: String,
    /// Where it was written.
    pub origin: Origin,
}

impl Figure {
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
        let parts: indexmap::IndexSet<&str> = parts.collect();
        parts.into_iter().collect::<Vec<_>>().join("-")
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
/// The text as a plain file name: letters, digits, `-`, `_` and `.` stay.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = text.chars().map(plain).take(80).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "figure".to_owned() } else { name.to_owned() }
}
