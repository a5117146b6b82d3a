//! A figure as a line or two of YAML ask for it.

use super::{Reduce, Value};

/// What kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// A metric by step (or another metric), a line a group.
    Curve,
    /// Distribution of an array's values.
    Histogram,
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

/// `where: {method: [lagrange, gamma]}`: keeps the runs whose parameter is one of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// A parameter or fixed column of `runs`.
    pub name: String,
    /// Any of these.
    pub values: Vec<Value>,
}

/// A figure, checked against the sweep.
#[derive(Clone, Debug)]
pub struct Figure {
    /// File name without its ending; unique in the spec.
    pub name: String,
    /// What kind of picture.
    pub kind: FigureKind,
    /// The metrics or arrays drawn.
    pub y: Vec<String>,
    /// What runs along the x axis; the step unless said.
    pub x: Option<String>,
    /// The axis that colours tell apart.
    pub color: Option<String>,
    /// The axis of the panels' rows.
    pub facet_row: Option<String>,
    /// The axis of the panels' columns.
    pub facet_column: Option<String>,
    /// Which runs.
    pub filters: Vec<Filter>,
    /// How a history becomes one number, where the kind needs one.
    pub reduce: Option<Reduce>,
    /// How spread over seeds is shown.
    pub band: Band,
    /// Logarithmic axes.
    pub log_x: bool,
    /// Logarithmic axes.
    pub log_y: bool,
    /// Heading.
    pub title: Option<String>,
    /// Text under the figure, Markdown.
    pub caption: Option<String>,
}
