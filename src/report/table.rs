//! A table of a report: what is shown, and what it is sorted by.

use super::block::Span;
use super::error::ReportError;
use crate::analyse::{CompareRequest, Format, Grid, PivotCell, PivotRequest, compare, pivot};
use crate::spec::{Comparison, Filter, TableRequest};
use crate::store::{Scope, Sweep};

/// Above so many cells a pivot is no longer read by people.
const CELLS: usize = 2000;

/// A cell's mean and the ends of its interval; none where they are not known.
pub type Ends = [Option<f64>; 3];

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

/// Widths of columns that together are no wider than the room: narrow ones keep theirs, the others share what is left by
/// what they want.
pub(super) fn within(mut widths: Vec<f64>, room: f64) -> Vec<f64> {
    if widths.iter().sum::<f64>() > room {
        let fair = room / widths.len() as f64;
        let kept: f64 = widths.iter().filter(|width| **width <= fair).sum();
        let rest: f64 = widths.iter().filter(|width| **width > fair).sum();
        widths.iter_mut().filter(|width| **width > fair).for_each(|width| *width *= (room - kept) / rest);
    }
    widths
}

impl Table {
    /// Its cells as words, the header first.
    pub(super) fn cells(&self) -> Vec<Vec<Vec<Span>>> {
        let words = |row: &Vec<String>| row.iter().map(|cell| vec![Span::plain(cell)]).collect();
        std::iter::once(&self.header).chain(&self.rows).map(words).collect()
    }

    /// A pivot: mean ± 95% interval with n in each cell.
    ///
    /// # Errors
    /// Where a metric or axis is unknown to the runs, or the store cannot be read.
    pub fn pivot(sweep: &Sweep, request: &TableRequest) -> Result<Self, ReportError> {
        let pivot = pivot(sweep, &asked(request))?;
        let caption = format!(
            "{} ({}), mean ± 95% interval · {}",
            request.value,
            request.reduce,
            of(&request.sweep, &request.filters)
        );
        let cells = pivot.rows.len() * pivot.columns.len();
        if cells > CELLS {
            let note = format!("{cells} cells: too many to show. `tessera table {}` prints them.", request.sweep);
            return Ok(Self { caption, header: Vec::new(), rows: Vec::new(), notes: vec![note] });
        }
        Ok(Self { caption, notes: pivot.notes.clone(), ..Self::of(pivot.grid(Format::Md)) })
    }

    /// Differences between the levels of an axis, each pair with its 95% interval and n.
    ///
    /// # Errors
    /// Where a metric or axis is unknown to the runs, or the store cannot be read.
    pub fn comparison(sweep: &Sweep, request: &Comparison) -> Result<Self, ReportError> {
        let compared = compare(
            sweep,
            &CompareRequest {
                by: request.by.clone(),
                value: Some(request.value.clone()),
                reduce: Some(request.reduce),
                baseline: None,
                goal: None,
                scope: Scope::Current,
                filters: request.filters.clone(),
            },
        )?;
        Ok(Self {
            caption: format!(
                "{} ({}) compared by {} · {}",
                request.value,
                request.reduce,
                request.by,
                of(&request.sweep, &request.filters)
            ),
            notes: compared.warnings.clone(),
            ..Self::of(compared.grid(Format::Md))
        })
    }

    /// The cells of a pivot by what they show, each with mean, low and high: what the next edition compares with.
    ///
    /// # Errors
    /// As [`pivot`](Self::pivot).
    pub fn numbers(sweep: &Sweep, request: &TableRequest) -> Result<Vec<(String, Ends)>, ReportError> {
        let pivot = pivot(sweep, &asked(request))?;
        if pivot.rows.len() * pivot.columns.len() > CELLS {
            return Ok(Vec::new());
        }
        let of = of(&request.sweep, &request.filters);
        let axes: Vec<&String> = pivot.row_axes.iter().chain(&pivot.column_axes).collect();
        let named = |(&(row, column), cell): (&(usize, usize), &PivotCell)| {
            let levels = pivot.rows[row].iter().chain(&pivot.columns[column]);
            let at: Vec<String> = axes.iter().zip(levels).map(|(axis, level)| format!("{axis} {level}")).collect();
            let ends = cell
                .interval()
                .map_or([None; 3], |i| [i.mean, i.low, i.high].map(|x| Some(x).filter(|x| x.is_finite())));
            (format!("{} at {} · {of}", request.value, at.join(", ")), ends)
        };
        Ok(pivot.cells.iter().map(named).collect())
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

fn asked(request: &TableRequest) -> PivotRequest {
    PivotRequest {
        value: Some(request.value.clone()),
        reduce: Some(request.reduce),
        rows: request.rows.clone(),
        columns: request.columns.clone(),
        scope: Scope::Current,
        filters: request.filters.clone(),
    }
}

/// `sweep fr_lr, where lr_schedule is constant`
fn of(sweep: &str, filters: &[Filter]) -> String {
    let said: Vec<String> = filters.iter().map(Filter::to_string).collect();
    if said.is_empty() { format!("sweep {sweep}") } else { format!("sweep {sweep}, where {}", said.join(" and ")) }
}
