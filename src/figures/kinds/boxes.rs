//! `box` and `violin`: a summary (a point a run) or an array's values by the levels of an axis, colours side by side.

use super::{axis, not_finite_of, number};
use crate::analyse::level_value;
use crate::figures::FiguresError;
use crate::figures::color::Rgb;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Mark, Picture, Row, Scale, Shape, Sign, not_finite, range};
use crate::figures::source::{Source, levels, spelled};
use crate::figures::spread::quantile;
use crate::record::Value;
use crate::spec::{Figure, FigureKind};
use crate::store::{RunState, Status};
use std::collections::HashMap;

/// Above so many values single points are no longer drawn.
const POINTS: usize = 300;
/// Places at which a violin's density is computed.
const DENSITY: usize = 80;

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let along: Vec<Value> = figure.x.as_ref().map_or(vec![Value::Null], |axis| levels(&groups.runs, axis));
    let slots = Slots::of(figure, groups, &along);
    let width = 0.8 / slots.most as f64;
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(figure.x.iter().cloned().chain(["quantity", "value"].map(str::to_owned)));
    let mut rows = Vec::new();
    let mut odd = 0;
    for name in &figure.y {
        let (samples, count) = samples(figure, source, groups, name)?;
        odd += count;
        let panels = panels(groups, |row, column, runs| {
            let mut marks = Vec::new();
            for (c, color) in groups.colors.iter().enumerate() {
                let own = groups.colored(runs, color);
                for (place, value) in along.iter().enumerate() {
                    let here = own.iter().filter(|run| figure.x.as_ref().is_none_or(|x| level_value(run, x) == *value));
                    let here: Vec<&RunState> = here.copied().collect();
                    let center = place as f64 + slots.aside(place, c) * width;
                    let (broken, whole): (Vec<&RunState>, Vec<&RunState>) =
                        here.into_iter().partition(|run| run.status == Status::Diverged);
                    let values = |runs: &[&RunState]| -> Vec<f64> {
                        let own = runs.iter().filter_map(|run| samples.get(run.run.as_str()));
                        own.flatten().copied().filter(|x| x.is_finite()).collect()
                    };
                    let sample = values(&whole);
                    let kept = sample.iter().take(DATA).map(|x| {
                        let cells = groups.data_cells(row, column, color).into_iter();
                        let x_cell = figure.x.as_ref().map(|_| value.to_string());
                        cells.chain(x_cell).chain([name.clone(), number(*x)]).collect()
                    });
                    data.rows.extend(kept);
                    marks.extend(one(figure.kind, &sample, center, width, color.color));
                    let middle = |run: &&RunState| {
                        let mut own = values(&[*run]);
                        own.sort_by(f64::total_cmp);
                        (center, quantile(&own, 0.5))
                    };
                    let points: Vec<(f64, f64)> = broken.iter().map(middle).collect();
                    marks.push(Mark::Points { points, color: color.color, shape: Shape::Cross, radius: 4.0 });
                }
            }
            Ok(marks)
        })?;
        let values: Vec<f64> = samples.into_values().flatten().filter(|x| x.is_finite()).collect();
        for (level, panels) in groups.rows.iter().zip(panels) {
            let y = axis(source.label(name), figure.log_y, values.iter().copied());
            rows.push(Row { label: groups.row_name(level), y, panels });
        }
    }
    let names = along.iter().map(|value| if figure.x.is_some() { spelled(value) } else { String::new() }).collect();
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x: Axis { label: figure.x.as_ref().map_or(String::new(), |x| source.label(x)), scale: Scale::Names(names) },
        legend: groups.legend(Sign::Patch),
        notes: groups.notes(figure).into_iter().chain(not_finite(odd)).collect(),
        aspect: None,
        data,
    })
}

/// Which colours stand side by side at each level: where colours tell what the levels tell, one stands alone.
struct Slots {
    at: Vec<Vec<usize>>,
    most: usize,
}

impl Slots {
    fn of(figure: &Figure, groups: &Groups, along: &[Value]) -> Self {
        let colored: Vec<Vec<&RunState>> = groups.colors.iter().map(|c| groups.colored(&groups.runs, c)).collect();
        let here = |value: &Value, runs: &[&RunState]| {
            runs.iter().any(|run| figure.x.as_ref().is_none_or(|x| level_value(run, x) == *value))
        };
        let at = |value| (0..colored.len()).filter(|c| here(value, &colored[*c])).collect();
        let at: Vec<Vec<usize>> = along.iter().map(at).collect();
        let most = at.iter().map(Vec::len).max().unwrap_or(0).max(1);
        Self { at, most }
    }

    /// How many widths a colour stands right of its level.
    fn aside(&self, place: usize, color: usize) -> f64 {
        let slot = self.at[place].iter().position(|c| *c == color).unwrap_or(0);
        slot as f64 - (self.at[place].len().max(1) - 1) as f64 / 2.0
    }
}

/// Values a group under the figure.
const DATA: usize = 500;

/// The values of each run: its summary, or its array; and how many are not finite.
fn samples(
    figure: &Figure,
    source: &Source,
    groups: &Groups,
    name: &str,
) -> Result<(HashMap<String, Vec<f64>>, usize), FiguresError> {
    if source.description.arrays.iter().any(|array| array.name == name) {
        let arrays = source.tensors(&groups.runs, name, figure.reduce)?.into_iter();
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let arrays: HashMap<String, Vec<f64>> = arrays.map(|(run, array)| (run, wide(array.values))).collect();
        let of = |run: &&RunState| run.status != Status::Diverged;
        let values = groups.runs.iter().copied().filter(of).filter_map(|run| arrays.get(run.run.as_str())).flatten();
        let odd = values.filter(|x| !x.is_finite()).count();
        return Ok((arrays, odd));
    }
    let numbers = source.summaries(&groups.runs, name, figure.reduce)?;
    let odd = not_finite_of(&groups.runs, &numbers);
    let pairs = groups.runs.iter().zip(numbers);
    Ok((pairs.filter_map(|(run, number)| Some((run.run.to_string(), vec![number?]))).collect(), odd))
}

/// One box or violin with its points.
fn one(kind: FigureKind, sample: &[f64], center: f64, width: f64, color: Rgb) -> Vec<Mark> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut marks = Vec::new();
    let half = width * 0.4;
    let line = |points: Vec<(f64, f64)>, width: f64| Mark::Line { points, color, width, dashed: false, opacity: 1.0 };
    if sorted.len() >= 4 {
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
        if kind == FigureKind::Violin {
            marks.push(Mark::Polygon { points: violin(&sorted, center, half), color, opacity: 0.3 });
            marks.push(line(vec![(center - half * 0.5, middle), (center + half * 0.5, middle)], 2.0));
        } else {
            // Whiskers reach the last values within 1.5 times the box.
            let reach = 1.5 * (high - low);
            let (first, last) = range(sorted.iter().copied().filter(|x| *x >= low - reach && *x <= high + reach))
                .unwrap_or((low, high));
            marks.push(Mark::Bar { sides: [center - half, center + half, low, high], color, opacity: 0.25 });
            marks.push(line(vec![(center - half, middle), (center + half, middle)], 2.0));
            marks.push(line(vec![(center, high), (center, last)], 1.2));
            marks.push(line(vec![(center, low), (center, first)], 1.2));
        }
    } else if sorted.len() > 1 {
        let middle = quantile(&sorted, 0.5);
        marks.push(line(vec![(center - half, middle), (center + half, middle)], 2.0));
    }
    if sorted.len() <= POINTS {
        // Points stand side by side in a fixed order rather than at random.
        let spread = |i: usize| ((i * 7) % 11) as f64 / 10.0 - 0.5;
        let points = sample.iter().enumerate().map(|(i, x)| (center + spread(i) * half * 0.9, *x)).collect();
        marks.push(Mark::Points {
            points,
            color,
            shape: Shape::Dot,
            radius: if sample.len() > 60 { 1.6 } else { 2.6 },
        });
    }
    marks
}

/// A smoothed density by Gaussian kernels of Silverman's width, mirrored.
fn violin(sorted: &[f64], center: f64, half: f64) -> Vec<(f64, f64)> {
    let n = sorted.len() as f64;
    let spread = crate::analyse::standard_deviation(sorted);
    let quartiles = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.34;
    let narrow = if quartiles > 0.0 { spread.min(quartiles) } else { spread };
    let width = (0.9 * narrow * n.powf(-0.2)).max(f64::MIN_POSITIVE);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let place = |i: usize| low + (high - low) * i as f64 / (DENSITY - 1) as f64;
    let density = |at: f64| sorted.iter().map(|x| (-0.5 * ((at - x) / width).powi(2)).exp()).sum::<f64>();
    let heights: Vec<(f64, f64)> = (0..DENSITY).map(place).map(|at| (at, density(at))).collect();
    let most = heights.iter().map(|(_, d)| *d).fold(f64::MIN_POSITIVE, f64::max);
    let right = heights.iter().map(|(at, d)| (center + half * d / most, *at));
    let left = heights.iter().rev().map(|(at, d)| (center - half * d / most, *at));
    right.chain(left).collect()
}
