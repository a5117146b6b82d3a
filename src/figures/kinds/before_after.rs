//! `before_after`: two metrics of the same steps, and below them their difference, which is far smaller than they are.

use super::curve::{by_step, x_axis};
use super::{axis, number};
use crate::figures::FiguresError;
use crate::figures::color::INK;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Data, Key, Legend, Mark, Picture, Row, Sign, not_finite};
use crate::figures::source::{Source, Trace};
use crate::figures::spread::{Spread, smooth};
use crate::spec::Figure;
use std::collections::HashMap;

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let [before, after] = figure.y.as_slice() else {
        return Err(FiguresError::Shape("`before_after` draws two metrics".to_owned()));
    };
    let smoothed = |traces: HashMap<String, Trace>| match figure.smooth {
        Some(share) => traces.into_iter().map(|(run, trace)| (run, smooth(&trace, share))).collect(),
        None => traces,
    };
    let (first, odd) = source.traces(&groups.runs, "step", before)?;
    let (second, more) = source.traces(&groups.runs, "step", after)?;
    let (first, second, odd) = (smoothed(first), smoothed(second), odd + more);
    // Paired by step: only then is the difference that of one batch with one noise.
    let differences: HashMap<String, Trace> = first
        .iter()
        .filter_map(|(run, trace)| {
            let other: HashMap<u64, f64> = second.get(run)?.iter().map(|(step, y)| (step.to_bits(), *y)).collect();
            let pair = |(step, y): &(f64, f64)| Some((*step, other.get(&step.to_bits())? - y));
            Some((run.clone(), trace.iter().filter_map(pair).collect()))
        })
        .collect();
    let mut spread = Spread::new(figure.band);
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(["quantity", &source.label("step"), "mean", "low", "high"].map(str::to_owned));
    let change = format!("{after} − {before}");
    let (mut rows, mut across) = (Vec::new(), Vec::new());
    for level in &groups.rows {
        for both in [true, false] {
            let made = panels(groups, |row, column, runs| {
                let mut marks = Vec::new();
                if row != level {
                    return Ok(marks);
                }
                if !both {
                    marks.push(Mark::Rule { at: 0.0, upright: false });
                }
                for color in &groups.colors {
                    let own = groups.colored(runs, color);
                    let sets: &[(&str, &HashMap<String, Trace>, bool)] = if both {
                        // The one before is drawn last and darker: it all but covers the one after.
                        &[(after, &second, false), (before, &first, true)]
                    } else {
                        &[(&change, &differences, false)]
                    };
                    for (name, traces, dashed) in sets {
                        let lines: Vec<&Trace> = own.iter().filter_map(|run| traces.get(run.run.as_str())).collect();
                        let summary = by_step(&lines, &mut spread);
                        let every = summary.len().div_ceil(100).max(1);
                        for (step, (mean, low, high)) in summary.iter().step_by(every) {
                            let own = [(*name).to_owned(), number(*step), number(*mean), number(*low), number(*high)];
                            data.rows.push(groups.data_cells(row, column, color).into_iter().chain(own).collect());
                        }
                        if !both {
                            let points = summary.iter().map(|&(x, (_, low, high))| (x, low, high)).collect();
                            marks.push(Mark::Band { points, color: color.color });
                        }
                        marks.push(Mark::Line {
                            points: summary.iter().map(|&(x, (mean, ..))| (x, mean)).collect(),
                            color: if *dashed { color.color.toward(INK, 0.65) } else { color.color },
                            width: if both { 1.8 } else { 1.6 },
                            dashed: *dashed,
                            opacity: 1.0,
                        });
                    }
                }
                Ok(marks)
            })?;
            let Some(panels) = made.into_iter().zip(&groups.rows).find(|(_, own)| *own == level).map(|(p, _)| p) else {
                continue;
            };
            let points: Vec<(f64, f64)> = panels.iter().flatten().flat_map(places).collect();
            across.extend(points.iter().map(|point| point.0));
            let unit = source.label(after);
            let unit = unit.strip_prefix(after.as_str()).unwrap_or_default();
            let label = if both { format!("{before}, {after}{unit}") } else { format!("change{unit}") };
            let zero = (!both).then_some(0.0);
            let y = axis(label, figure.log_y && both, points.iter().map(|point| point.1).chain(zero));
            rows.push(Row { label: groups.row_name(level), y, panels });
        }
    }
    let (title, mut keys) = match groups.legend(Sign::Line) {
        Legend::Keys { title, keys } => (title, keys),
        _ => (String::new(), Vec::new()),
    };
    keys.push(Key { label: before.clone(), color: INK, sign: Sign::Dashed });
    keys.push(Key { label: after.clone(), color: INK, sign: Sign::Line });
    let mut notes = groups.notes(figure);
    notes.insert(0, spread.words().to_owned());
    notes.extend(not_finite(odd));
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x: x_axis(source.label("step"), figure.log_x, across),
        legend: Legend::Keys { title, keys },
        notes,
        aspect: None,
        data,
    })
}

fn places(mark: &Mark) -> Vec<(f64, f64)> {
    match mark {
        Mark::Line { points, .. } => points.clone(),
        Mark::Band { points, .. } => points.iter().flat_map(|&(x, low, high)| [(x, low), (x, high)]).collect(),
        _ => Vec::new(),
    }
}
