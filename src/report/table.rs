//! A table of a report: what is shown, and what it is sorted by.

use super::write::ReportError;
use crate::analyse::{CompareRequest, Format, Grid, PivotRequest, compare, pivot};
use crate::spec::{Comparison, Sweep as Spec, TableRequest};
use crate::store::{Scope, Sweep};

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What it shows, where from.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells as people read them.
    pub rows: Vec<Vec<String>>,
    /// What the reader must know.
    pub notes: Vec<String>,
}

impl Table {
    /// A pivot: mean ± 95% interval with n in each cell.
    ///
    /// # Errors
    /// Where a metric or axis is unknown to the runs, or the store cannot be read.
    pub fn pivot(sweep: &Sweep, request: &TableRequest) -> Result<Self, ReportError> {
        let pivot = pivot(
            sweep,
            &PivotRequest {
                value: Some(request.value.clone()),
                reduce: Some(request.reduce),
                rows: request.rows.clone(),
                columns: request.columns.clone(),
                scope: Scope::Current,
            },
        )?;
        let grid = pivot.grid(Format::Md);
        Ok(Self {
            caption: format!("{} ({}), mean ± 95% interval · sweep {}", request.value, request.reduce, request.sweep),
            notes: pivot.notes,
            ..Self::of(grid)
        })
    }

    /// Differences between the levels of an axis, each pair with its 95% interval and n.
    ///
    /// # Errors
    /// Where a metric or axis is unknown to the runs, or the store cannot be read.
    pub fn comparison(sweep: &Sweep, spec: &Spec, request: &Comparison) -> Result<Self, ReportError> {
        let compared = compare(
            sweep,
            &CompareRequest {
                by: request.by.clone(),
                value: Some(request.value.clone()),
                reduce: Some(request.reduce),
                baseline: None,
                maximize: spec.metric.as_ref().is_some_and(|metric| metric.maximize),
                scope: Scope::Current,
            },
        )?;
        Ok(Self {
            caption: format!(
                "{} ({}) compared by {} · sweep {}",
                request.value, request.reduce, request.by, request.sweep
            ),
            notes: compared.warnings.clone(),
            ..Self::of(compared.grid(Format::Md))
        })
    }

    fn of(grid: Grid) -> Self {
        let text = |cell: &crate::analyse::Cell| match cell {
            crate::analyse::Cell::Text(text) => text.clone(),
            crate::analyse::Cell::Missing => String::new(),
            crate::analyse::Cell::Integer(i) => i.to_string(),
            crate::analyse::Cell::Number(x) => crate::analyse::significant(*x, 6),
            crate::analyse::Cell::Bool(b) => b.to_string(),
        };
        let rows = grid.rows.iter().map(|row| row.iter().map(text).collect()).collect();
        Self { caption: String::new(), header: grid.header, rows, notes: Vec::new() }
    }
}
