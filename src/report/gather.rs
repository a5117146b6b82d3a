//! What stands in a report, before it becomes Markdown or HTML.

use super::error::ReportError;
use super::table::Table;
use super::told::{Told, Verdict};
use crate::figures::{Drawing, Palette, Source, draw_all};
use crate::store::{Scope, Sweep};

/// A report's contents.
#[derive(Clone, Debug)]
pub struct Body {
    /// Heading.
    pub title: String,
    /// Markdown.
    pub last_week: String,
    /// What changed since the last report, one line each; found once all else is there.
    pub changes: Vec<String>,
    /// In the order of the spec.
    pub parts: Vec<Part>,
    /// Markdown.
    pub ideas: Vec<String>,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Part {
    /// Heading.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// What the text concludes, looked at.
    pub claims: Vec<Verdict>,
    /// Drawn.
    pub figures: Vec<Drawing>,
    /// Pivots and comparisons.
    pub tables: Vec<Table>,
    /// How many figures and tables stand in the sections before.
    pub before: (usize, usize),
}

/// Draws the figures (in parallel) and computes the tables.
///
/// # Errors
/// Where a figure or a table cannot be made.
pub fn gather(told: &Told, sweeps: &[Sweep]) -> Result<Body, ReportError> {
    let report = &told.report;
    let mut sources = Vec::new();
    for (spec, sweep) in report.sweeps.iter().zip(sweeps) {
        let goal = spec.metric.as_ref().map(|metric| (&*metric.name, metric.maximize));
        let source = Source::new(sweep, &Scope::Current, &spec.description, goal);
        sources.push(source.map_err(|error| ReportError::sweep(&spec.name, error))?);
    }
    // One palette for the whole report: a level has one colour in all its figures.
    let mut palette = Palette::default();
    sources.iter().for_each(|source| source.color(&mut palette));
    let place = |name: &str| report.sweeps.iter().position(|spec| spec.name == name).unwrap_or(0);
    let entries: Vec<_> = report.sections.iter().flat_map(|section| &section.figures).collect();
    let requests: Vec<_> = entries.iter().map(|entry| (&entry.figure, &sources[place(&entry.sweep)])).collect();
    let mut drawings = Vec::with_capacity(requests.len());
    for (entry, drawing) in entries.iter().zip(draw_all(&requests, &palette)) {
        drawings.push(drawing.map_err(|error| ReportError::figure(&entry.figure, error))?);
    }
    let mut drawings = drawings.into_iter();
    let mut parts = Vec::with_capacity(report.sections.len());
    let mut before = (0, 0);
    for (section, claims) in report.sections.iter().zip(&told.claims) {
        let mut tables = Vec::new();
        for request in &section.tables {
            tables.push(Table::pivot(&sweeps[place(&request.sweep)], request)?);
        }
        for request in &section.compare {
            tables.push(Table::comparison(&sweeps[place(&request.sweep)], request)?);
        }
        let here = before;
        before = (here.0 + section.figures.len(), here.1 + tables.len());
        parts.push(Part {
            before: here,
            title: section.title.clone(),
            text: section.text.clone(),
            claims: claims.clone(),
            figures: drawings.by_ref().take(section.figures.len()).collect(),
            tables,
        });
    }
    Ok(Body {
        title: report.title.clone(),
        last_week: report.last_week.clone(),
        changes: Vec::new(),
        parts,
        ideas: report.ideas.clone(),
    })
}
