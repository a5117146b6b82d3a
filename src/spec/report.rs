//! A report as YAML asks for it.

use super::Figure;

/// A report, checked.
#[derive(Clone, Debug)]
pub struct Report {
    /// A plain folder name.
    pub name: String,
    /// Heading of the page.
    pub title: String,
    /// The sweeps it draws from.
    pub sweeps: Vec<String>,
    /// Numbered sections.
    pub sections: Vec<Section>,
    /// The last list.
    pub ideas: Vec<String>,
}

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// (sweep, figure).
    pub figures: Vec<(String, Figure)>,
    /// Pivots.
    pub tables: Vec<TableRequest>,
    /// Comparisons.
    pub compare: Vec<Comparison>,
}

/// A pivot of one summary.
#[derive(Clone, Debug)]
pub struct TableRequest {
    /// Where from.
    pub sweep: String,
    /// The metric.
    pub value: String,
    /// Axes down.
    pub rows: Vec<String>,
    /// Axes across.
    pub columns: Vec<String>,
}

/// Differences between the levels of one axis.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Where from.
    pub sweep: String,
    /// The metric.
    pub value: String,
    /// The axis.
    pub by: String,
}
