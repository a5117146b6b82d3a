//! `heatmap`: a summary over two axes, as a mean over seeds; the values are written in where there is room.

use super::{not_finite_of, number};
use crate::analyse::{level_value, significant};
use crate::figures::FiguresError;
use crate::figures::color::{Map, Rgb};
use crate::figures::draw::minus;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Legend, Mark, Picture, Row, Scale, not_finite, not_on_axis, range};
use crate::figures::source::{Source, levels, spelled};
use crate::record::Value;
use crate::spec::Figure;
use crate::store::Status;
use std::collections::HashMap;

/// Above so many cells the map is one image without written values.
const WRITTEN: usize = 150;
/// Cells without a value.
const EMPTY: Rgb = Rgb(0xf0, 0xf0, 0xf0);

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let (Some(x), Some(down), Some(name)) = (&figure.x, &figure.down, figure.y.first()) else {
        return Err(FiguresError::Shape("a heatmap needs `x`, `y` and a `value`".to_owned()));
    };
    let (across, along) = (sorted(levels(&groups.runs, x)), sorted(levels(&groups.runs, down)));
    let numbers = source.summaries(&groups.runs, name, figure.reduce)?;
    let odd = not_finite_of(&groups.runs, &numbers);
    let by_run: HashMap<&str, f64> = groups
        .runs
        .iter()
        .zip(numbers)
        .filter_map(|(run, number)| Some((run.run.as_str(), number.filter(|x| x.is_finite())?)))
        .collect();
    let (places_across, places_along) = (places(&across), places(&along));
    let mut tables = Vec::new();
    for row in &groups.rows {
        for column in &groups.columns {
            let mut sums = vec![vec![Cell::default(); across.len()]; along.len()];
            for run in groups.panel(row, column) {
                let at = (
                    places_along.get(&level_value(run, down).to_string()),
                    places_across.get(&level_value(run, x).to_string()),
                );
                let (Some(b), Some(a)) = at else { continue };
                let cell: &mut Cell = &mut sums[*b][*a];
                match by_run.get(run.run.as_str()) {
                    _ if run.status == Status::Diverged => cell.diverged += 1,
                    Some(value) => {
                        (cell.sum, cell.small, cell.n) = (cell.sum + value, cell.small + value * SMALL, cell.n + 1);
                    }
                    None => {}
                }
            }
            tables.push(sums);
        }
    }
    // Halves: the whole range may be more than a float holds.
    let shown = |x: f64| if figure.log_y { x.ln() } else { x / 2.0 };
    let finite = tables.iter().flatten().flatten().filter_map(Cell::mean);
    let (low, high) = range(finite.filter(|x| !figure.log_y || *x > 0.0)).unwrap_or((0.0, 1.0));
    let (low, high) = if high > low { (low, high) } else { beside(low, figure.log_y) };
    let no_place = |mean: f64| figure.log_y && mean <= 0.0;
    let out = tables.iter().flatten().flatten().filter_map(Cell::mean).filter(|mean| no_place(*mean)).count();
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend([x, down, name, "n", "diverged"].map(str::to_owned));
    let mut tables = tables.into_iter();
    let made = panels(groups, |row_level, column_level, _| {
        let Some(table) = tables.next() else { return Ok(Vec::new()) };
        let mut marks = Vec::new();
        let mut cells = Vec::new();
        // The image runs from the top down, the axis from the bottom up.
        for (b, row) in table.iter().enumerate().rev() {
            for (a, cell) in row.iter().enumerate() {
                let color = cell
                    .mean()
                    .filter(|mean| !no_place(*mean))
                    .map_or(EMPTY, |mean| Map::Viridis.at((shown(mean) - shown(low)) / (shown(high) - shown(low))));
                cells.push(color);
                if cell.n + cell.diverged == 0 {
                    continue;
                }
                let counts = [cell.n.to_string(), cell.diverged.to_string()];
                let own = [across[a].to_string(), along[b].to_string(), cell.mean().map_or(String::new(), number)];
                let panel =
                    groups.colors.iter().take(1).flat_map(|one| groups.data_cells(row_level, column_level, one));
                data.rows.push(panel.chain(own).chain(counts).collect());
                if across.len() * along.len() <= WRITTEN {
                    let mean = cell.mean().map(|mean| minus(significant(mean, 3)));
                    let cross = (cell.diverged > 0).then(|| "×".to_owned());
                    let text = mean.into_iter().chain(cross).collect::<Vec<_>>().join(" ");
                    marks.push(Mark::Words { at: (a as f64, b as f64), text, color: color.text() });
                }
            }
        }
        let (right, top) = (across.len() as f64 - 0.5, along.len() as f64 - 0.5);
        marks.insert(0, Mark::Raster { sides: [-0.5, right, -0.5, top], size: (across.len(), along.len()), cells });
        Ok(marks)
    })?;
    let names = |levels: &[Value]| Scale::Names(thinned(levels));
    let rows = groups.rows.iter().zip(made).map(|(level, panels)| Row {
        label: groups.row_name(level),
        y: Axis { label: source.label(down), scale: names(&along) },
        panels,
    });
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows: rows.collect(),
        x: Axis { label: source.label(x), scale: names(&across) },
        legend: Legend::Bar {
            title: source.label(name),
            map: Map::Viridis,
            scale: if figure.log_y { Scale::Log(low, high) } else { Scale::Linear(low, high) },
        },
        notes: groups.notes(figure).into_iter().chain(not_finite(odd)).chain(not_on_axis(out)).collect(),
        aspect: (across.len() > 12 && along.len() > 12).then_some(1.0),
        data,
    })
}

/// A range around equal values.
fn beside(value: f64, log: bool) -> (f64, f64) {
    let (low, high) = if log { (value / 2.0, value * 2.0) } else { (value, value + value.abs().max(1.0)) };
    (low.max(f64::MIN), high.min(f64::MAX))
}

/// The runs of one cell; those that diverged have no part in its mean.
#[derive(Clone, Copy, Default)]
struct Cell {
    sum: f64,
    /// The same of smaller values, where the sum is more than a float holds.
    small: f64,
    n: usize,
    diverged: usize,
}

/// How much smaller.
const SMALL: f64 = 1.0 / (1_u64 << 40) as f64;

impl Cell {
    fn mean(&self) -> Option<f64> {
        let sum = if self.sum.is_finite() { self.sum / self.n as f64 } else { self.small / self.n as f64 / SMALL };
        (self.n > 0).then_some(sum)
    }
}

fn places(levels: &[Value]) -> HashMap<String, usize> {
    levels.iter().enumerate().map(|(place, level)| (level.to_string(), place)).collect()
}

fn sorted(mut levels: Vec<Value>) -> Vec<Value> {
    if levels.iter().all(|level| level.as_f64().is_some()) {
        levels.sort_by(|a, b| a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(std::cmp::Ordering::Equal));
    }
    levels
}

/// The names of levels; of many only every few, since they would run into each other.
fn thinned(levels: &[Value]) -> Vec<String> {
    let every = levels.len().div_ceil(14).max(1);
    levels.iter().enumerate().map(|(i, l)| if i % every == 0 { spelled(l) } else { String::new() }).collect()
}
