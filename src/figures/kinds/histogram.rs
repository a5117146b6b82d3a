//! `histogram`: how an array's values are distributed, with bins that all panels share.

use super::number;
use crate::figures::FiguresError;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Mark, Picture, Row, Scale, Sign, range};
use crate::figures::source::{Source, Tensor};
use crate::spec::Figure;
use crate::store::RunState;
use std::collections::HashMap;

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(["array", "from", "to", "share", "n"].map(str::to_owned));
    let mut rows = Vec::new();
    let mut x = None;
    for name in &figure.y {
        let arrays = source.tensors(&groups.runs, name, figure.reduce)?;
        if arrays.is_empty() {
            return Err(source.missing("array", name));
        }
        let all = || arrays.values().flat_map(|array| &array.values).map(|v| f64::from(*v));
        let bins = Bins::of(all().filter(|v| v.is_finite() && (!figure.log_x || *v > 0.0)).collect(), figure);
        let panels = panels(groups, |row, column, runs| {
            let mut marks = Vec::new();
            for color in &groups.colors {
                let values = pooled(&groups.colored(runs, color), &arrays);
                if values.is_empty() {
                    continue;
                }
                let shares = bins.shares(&values);
                let outline = bins.outline(&shares);
                if figure.filled {
                    let points = outline.iter().copied().filter(|point| point.0.is_finite()).collect();
                    marks.push(Mark::Polygon { points, color: color.color, opacity: 0.35 });
                }
                marks.push(Mark::Line { points: outline, color: color.color, width: 1.8, dashed: false, opacity: 1.0 });
                for (i, share) in shares.iter().enumerate() {
                    let ends = [name.clone(), number(bins.edges[i]), number(bins.edges[i + 1])];
                    let counts = [number(*share), values.len().to_string()];
                    let cells = groups.data_cells(row, column, color).into_iter();
                    data.rows.push(cells.chain(ends).chain(counts).collect());
                }
            }
            Ok(marks)
        })?;
        let highest = range(panels.iter().flatten().flatten().flat_map(heights)).map_or(1.0, |(_, high)| high);
        for (level, panels) in groups.rows.iter().zip(panels) {
            let y = Axis { label: "share (%)".to_owned(), scale: Scale::Linear(0.0, highest * 1.06) };
            rows.push(Row { label: groups.row_name(level), y, panels });
        }
        let label = if figure.y.len() == 1 { source.label(name) } else { figure.y.join(", ") };
        let (low, high) = (bins.edges[0], bins.edges[bins.edges.len() - 1]);
        let own = if figure.log_x { Scale::Log(low, high) } else { Scale::Linear(low, high) };
        x = Some(match (x, own) {
            (Some(Axis { scale: Scale::Linear(a, b), .. }), Scale::Linear(c, d)) => {
                Axis { label, scale: Scale::Linear(f64::min(a, c), f64::max(b, d)) }
            }
            (_, scale) => Axis { label, scale },
        });
    }
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x: x.unwrap_or(Axis { label: String::new(), scale: Scale::Linear(0.0, 1.0) }),
        legend: groups.legend(if figure.filled { Sign::Patch } else { Sign::Line }),
        notes: groups.notes(figure),
        aspect: None,
        data,
    })
}

/// The finite values of the runs' arrays together.
pub fn pooled(runs: &[&RunState], arrays: &HashMap<String, Tensor>) -> Vec<f64> {
    let arrays = runs.iter().filter_map(|run| arrays.get(run.run.as_str()));
    arrays.flat_map(|array| &array.values).map(|v| f64::from(*v)).filter(|v| v.is_finite()).collect()
}

fn heights(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } => points.iter().map(|point| point.1).collect(),
        _ => Vec::new(),
    }
}

/// Bins that a whole figure shares.
struct Bins {
    edges: Vec<f64>,
    log: bool,
}

impl Bins {
    /// Freedman and Diaconis' width within 12 to 60 bins, unless the figure says how many.
    fn of(mut values: Vec<f64>, figure: &Figure) -> Self {
        let log = figure.log_x;
        let to = |v: f64| if log { v.ln() } else { v };
        values.sort_by(f64::total_cmp);
        let (low, high) = match (values.first(), values.last()) {
            (Some(&low), Some(&high)) if to(high) > to(low) => (to(low), to(high)),
            (Some(&only), _) => (to(only) - 0.5, to(only) + 0.5),
            _ => (0.0, 1.0),
        };
        let quartile = |share: f64| to(crate::figures::spread::quantile(&values, share));
        let width = 2.0 * (quartile(0.75) - quartile(0.25)) / (values.len() as f64).cbrt();
        let automatic = if width > 0.0 { ((high - low) / width).ceil().clamp(12.0, 60.0) } else { 24.0 };
        let count = figure.bins.map_or(automatic as usize, |bins| bins as usize);
        let edge = |i: usize| low + (high - low) * i as f64 / count as f64;
        let edges = (0..=count).map(|i| if log { edge(i).exp() } else { edge(i) }).collect();
        Self { edges, log }
    }

    /// Percent of the values in each bin; the last bin holds its upper edge.
    fn shares(&self, values: &[f64]) -> Vec<f64> {
        let count = self.edges.len() - 1;
        let to = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).ln() } else { v };
        let (low, high) = (to(self.edges[0]), to(self.edges[count]));
        let mut counts = vec![0usize; count];
        for value in values.iter().filter(|v| !self.log || **v > 0.0) {
            let place = ((to(*value) - low) / (high - low) * count as f64) as usize;
            counts[place.min(count - 1)] += 1;
        }
        counts.into_iter().map(|n| 100.0 * n as f64 / values.len() as f64).collect()
    }

    /// The steps of the bins as lines from the ground to the ground; empty bins are gaps, so that lines of other
    /// colours along the ground stay in sight.
    fn outline(&self, shares: &[f64]) -> Vec<(f64, f64)> {
        let mut points = Vec::new();
        for (place, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let (from, to) = (self.edges[place], self.edges[place + 1]);
            if place == 0 || shares[place - 1] == 0.0 {
                points.push((from, 0.0));
            }
            points.extend([(from, *share), (to, *share)]);
            if shares.get(place + 1).is_none_or(|next| *next == 0.0) {
                points.extend([(to, 0.0), (f64::NAN, f64::NAN)]);
            }
        }
        points
    }
}
