//! `curve`: a metric by step (or another metric), a line a colour, with a band over seeds. Several metrics make
//! several rows of panels, each with its own axis.

use super::{axis, number};
use crate::figures::FiguresError;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Mark, Picture, Row, Shape, Sign, not_finite};
use crate::figures::source::{Source, Trace};
use crate::figures::spread::{Spread, smooth};
use crate::figures::thin::thin_band;
use crate::spec::{Band, Figure};
use crate::store::{RunState, Status};
use std::collections::HashMap;

/// Entries of a line in the data under the figure.
const DATA: usize = 100;

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let x = figure.x.as_deref().unwrap_or("step");
    let each = figure.band == Band::Each || x != "step";
    let mut spread = Spread::new(if each { Band::Each } else { figure.band });
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    let counted = if x == "step" { source.label(x) } else { x.to_owned() };
    data.columns.extend(["metric", &counted, "mean", "low", "high"].map(str::to_owned));
    let (mut rows, mut across) = (Vec::new(), Vec::new());
    let mut odd = 0;
    for y in &figure.y {
        let (traces, count) = source.traces(&groups.runs, x, y)?;
        odd += count;
        let traces: HashMap<String, Trace> = match figure.smooth {
            Some(share) => traces.into_iter().map(|(run, trace)| (run, smooth(&trace, share))).collect(),
            None => traces,
        };
        let panels = panels(groups, |row, column, runs| {
            let mut marks = Vec::new();
            for color in &groups.colors {
                let own = groups.colored(runs, color);
                let lines: Vec<&Trace> = own.iter().filter_map(|run| traces.get(run.run.as_str())).collect();
                let summary = if x == "step" { by_step(&lines, &mut spread) } else { Vec::new() };
                let cells = groups.data_cells(row, column, color);
                let keep = |rows: &mut Vec<Vec<String>>, point: (f64, f64, f64), mean: f64| {
                    let own = [y.clone(), number(point.0), number(mean), number(point.1), number(point.2)];
                    rows.push(cells.iter().cloned().chain(own).collect());
                };
                if each || figure.band == Band::Each {
                    let opacity = if lines.len() > 1 && x == "step" { 0.35 } else { 0.9 };
                    let line = |points: &&Trace| Mark::Line {
                        points: (*points).clone(),
                        color: color.color,
                        width: if x == "step" { 1.0 } else { 1.4 },
                        dashed: false,
                        opacity,
                    };
                    marks.extend(lines.iter().map(line));
                }
                if x == "step" {
                    let band: Vec<_> = summary.iter().map(|&(x, (_, low, high))| (x, low, high)).collect();
                    if band.iter().any(|point| point.1.is_finite()) {
                        marks.push(Mark::Band { points: band, color: color.color });
                    }
                    let mean: Vec<_> = summary.iter().map(|&(x, (mean, ..))| (x, mean)).collect();
                    let every = summary.len().div_ceil(DATA).max(1);
                    let last = summary.len().saturating_sub(1);
                    for (i, &(x, (mean, low, high))) in summary.iter().enumerate() {
                        if i % every == 0 || i == last {
                            keep(&mut data.rows, (x, low, high), mean);
                        }
                    }
                    marks.push(Mark::Line {
                        points: mean,
                        color: color.color,
                        width: 1.8,
                        dashed: false,
                        opacity: 1.0,
                    });
                } else {
                    for line in &lines {
                        let every = line.len().div_ceil(DATA).max(1);
                        for (a, b) in line.iter().step_by(every) {
                            keep(&mut data.rows, (*a, f64::NAN, f64::NAN), *b);
                        }
                    }
                }
                marks.extend(crosses(&own, &traces, color.color));
            }
            Ok(marks)
        })?;
        let drawn: Vec<(f64, f64)> = panels.iter().flatten().flatten().flat_map(extent).collect();
        across.extend(drawn.iter().map(|point| point.0));
        let range: Vec<f64> = drawn.into_iter().map(|point| point.1).collect();
        let label = source.label(y);
        for (level, panels) in groups.rows.iter().zip(panels) {
            rows.push(Row {
                label: groups.row_name(level),
                y: axis(label.clone(), figure.log_y, range.clone()),
                panels,
            });
        }
    }
    let mut notes = groups.notes(figure);
    if groups.runs.len() > groups.colors.len() && x == "step" {
        notes.insert(0, spread.words().to_owned());
    }
    notes.extend(not_finite(odd));
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x: x_axis(source.label(x), figure.log_x, across),
        legend: groups.legend(Sign::Line),
        notes,
        aspect: None,
        data,
    })
}

/// An x axis that begins and ends with the data.
pub fn x_axis(label: String, log: bool, values: Vec<f64>) -> Axis {
    if log { Axis::log(label, values) } else { Axis::tight(label, values) }
}

/// Mean and band at each step that any line has.
pub fn by_step(lines: &[&Trace], spread: &mut Spread) -> Vec<(f64, (f64, f64, f64))> {
    let mut rows: Vec<(f64, f64)> = lines.iter().flat_map(|line| line.iter().copied()).collect();
    if lines.len() > 1 {
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let mut sample = Vec::new();
    let of = |chunk: &[(f64, f64)]| {
        sample.clear();
        sample.extend(chunk.iter().map(|row| row.1));
        (chunk[0].0, spread.of(&sample))
    };
    rows.chunk_by(|a, b| a.0 == b.0).map(of).collect()
}

/// A cross where each run that diverged was last seen.
fn crosses(runs: &[&RunState], traces: &HashMap<String, Trace>, color: crate::figures::Rgb) -> Option<Mark> {
    let diverged = runs.iter().filter(|run| run.status == Status::Diverged);
    let last = |run: &&RunState| traces.get(run.run.as_str())?.iter().rev().find(|p| p.1.is_finite()).copied();
    let points: Vec<(f64, f64)> = diverged.filter_map(last).collect();
    (!points.is_empty()).then_some(Mark::Points { points, color, shape: Shape::Cross, radius: 4.0 })
}

/// What an axis must hold of a mark; bands of very few seeds may reach beyond twice the lines' own range.
fn extent(mark: &Mark) -> Vec<(f64, f64)> {
    match mark {
        Mark::Line { points, .. } | Mark::Points { points, .. } => points.clone(),
        Mark::Band { points, .. } => {
            thin_band(points, 500).iter().flat_map(|&(x, low, high)| [(x, low), (x, high)]).collect()
        }
        _ => Vec::new(),
    }
}
