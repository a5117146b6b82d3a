//! `scatter`: one summary against another, a point a run. `response`: a summary over a numeric axis, a line a colour,
//! with every run as a point and the best level marked.

use super::curve::x_axis;
use super::{axis, not_finite_of, number};
use crate::analyse::level_value;
use crate::figures::FiguresError;
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Data, Mark, Picture, Row, Shape, Sign, not_finite};
use crate::figures::source::{Source, levels};
use crate::figures::spread::Spread;
use crate::record::Value;
use crate::spec::Figure;
use crate::store::{RunState, Status};
use std::collections::HashMap;

/// How far apart colours stand at a level, as a share of the axis.
const ASIDE: f64 = 0.012;

/// The shape of a run's point.
fn shape(run: &RunState) -> Shape {
    if run.status == Status::Diverged { Shape::Cross } else { Shape::Dot }
}

pub fn scatter(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let (Some(x), Some(y)) = (&figure.x, figure.y.first()) else {
        return Err(FiguresError::Shape("a scatter needs `x` and `y`: two metrics".to_owned()));
    };
    let (xs, ys) =
        (source.summaries(&groups.runs, x, figure.reduce)?, source.summaries(&groups.runs, y, figure.reduce)?);
    let odd = not_finite_of(&groups.runs, &xs) + not_finite_of(&groups.runs, &ys);
    let (xs, ys) = (by_run(&groups.runs, xs), by_run(&groups.runs, ys));
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(["seed".to_owned(), x.clone(), y.clone()]);
    let made = panels(groups, |row, column, runs| {
        let mut marks = Vec::new();
        for color in &groups.colors {
            for run in groups.colored(runs, color) {
                let id = run.run.as_str();
                let (Some(&a), Some(&b)) = (xs.get(id), ys.get(id)) else { continue };
                let cells = groups.data_cells(row, column, color).into_iter();
                data.rows.push(cells.chain([run.seed.to_string(), number(a), number(b)]).collect());
                marks.push(Mark::Points { points: vec![(a, b)], color: color.color, shape: shape(run), radius: 3.4 });
            }
        }
        Ok(marks)
    })?;
    let y_axis = axis(source.label(y), figure.log_y, ys.into_values());
    let rows = groups.rows.iter().zip(made).map(|(level, panels)| Row {
        label: groups.row_name(level),
        y: y_axis.clone(),
        panels,
    });
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows: rows.collect(),
        x: axis(source.label(x), figure.log_x, xs.into_values()),
        legend: groups.legend(Sign::Point(Shape::Dot)),
        notes: groups.notes(figure).into_iter().chain(not_finite(odd)).collect(),
        aspect: None,
        data,
    })
}

pub fn response(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let Some(x) = &figure.x else {
        return Err(FiguresError::Shape("a response needs `x`: a numeric axis".to_owned()));
    };
    let mut places: Vec<(Value, f64)> =
        levels(&groups.runs, x).into_iter().filter_map(|value| value.as_f64().map(|x| (value, x))).collect();
    if places.is_empty() {
        return Err(FiguresError::Shape(format!("`{x}` has no numbers to run along the axis")));
    }
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Rates are spaced by factors; so is their axis.
    let (low, high) = (places[0].1, places[places.len() - 1].1);
    let log_x = figure.log_x || (low > 0.0 && high / low >= 10.0);
    let mut spread = Spread::new(figure.band);
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend([x.as_str(), "metric", "mean", "low", "high", "n"].map(str::to_owned));
    let mut rows = Vec::new();
    let mut odd = 0;
    for y in &figure.y {
        let ys = source.summaries(&groups.runs, y, figure.reduce)?;
        odd += not_finite_of(&groups.runs, &ys);
        let ys = by_run(&groups.runs, ys);
        let up = source.goal.filter(|(metric, _)| metric == y).map(|(_, maximize)| maximize);
        let made = panels(groups, |row, column, runs| {
            let mut marks = Vec::new();
            for (c, color) in groups.colors.iter().enumerate() {
                let own = groups.colored(runs, color);
                let mut means: Vec<(f64, f64)> = Vec::new();
                // Colours stand side by side, so that their bars can be told apart.
                let aside = ASIDE * (c as f64 - (groups.colors.len() as f64 - 1.0) / 2.0);
                let beside = |x: f64| if log_x { x * (high / low).powf(aside) } else { x + (high - low) * aside };
                let mut at: HashMap<String, Vec<&RunState>> = HashMap::new();
                for run in &own {
                    at.entry(level_value(run, x).to_string()).or_default().push(run);
                }
                for (value, level_place) in &places {
                    let place = &beside(*level_place);
                    let here =
                        || at.get(&value.to_string()).into_iter().flatten().filter(|run| level_value(run, x) == *value);
                    for run in here() {
                        if let Some(&y) = ys.get(run.run.as_str()) {
                            let points = vec![(*place, y)];
                            marks.push(Mark::Points { points, color: color.color, shape: shape(run), radius: 2.4 });
                        }
                    }
                    // A level at which runs diverged has no mean of the rest in its place.
                    let sample: Vec<f64> = here()
                        .filter(|run| run.status != Status::Diverged)
                        .filter_map(|run| ys.get(run.run.as_str()).copied())
                        .collect();
                    if sample.is_empty() {
                        continue;
                    }
                    let (mean, low, high) = spread.of(&sample);
                    means.push((*place, mean));
                    let own = [
                        level_place.to_string(),
                        y.clone(),
                        number(mean),
                        number(low),
                        number(high),
                        sample.len().to_string(),
                    ];
                    data.rows.push(groups.data_cells(row, column, color).into_iter().chain(own).collect());
                    if low.is_finite() && high.is_finite() {
                        marks.push(Mark::Line {
                            points: vec![(*place, low), (*place, high)],
                            color: color.color,
                            width: 1.2,
                            dashed: false,
                            opacity: 0.8,
                        });
                    }
                }
                let best = up.and_then(|up| {
                    let sign = if up { 1.0 } else { -1.0 };
                    means.iter().copied().max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)))
                });
                if let Some(best) = best.filter(|_| means.len() > 1) {
                    marks.push(Mark::Points {
                        points: vec![best],
                        color: color.color,
                        shape: Shape::Ring,
                        radius: 7.0,
                    });
                }
                marks.push(Mark::Line { points: means, color: color.color, width: 1.8, dashed: false, opacity: 1.0 });
            }
            Ok(marks)
        })?;
        let extent = made.iter().flatten().flatten().flat_map(heights).collect::<Vec<_>>();
        for (level, panels) in groups.rows.iter().zip(made) {
            let y = axis(source.label(y), figure.log_y, extent.iter().copied());
            rows.push(Row { label: groups.row_name(level), y, panels });
        }
    }
    let mut notes = groups.notes(figure);
    notes.insert(0, format!("{}; ring: best mean", spread.words().replace("bands", "bars")));
    notes.extend(not_finite(odd));
    let across: Vec<f64> = places.iter().map(|(_, place)| *place).collect();
    let mut x = x_axis(source.label(x), log_x, across.clone());
    if !log_x {
        x = axis(x.label, false, across);
    }
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x,
        legend: groups.legend(Sign::Line),
        notes,
        aspect: None,
        data,
    })
}

fn by_run(runs: &[&RunState], numbers: Vec<Option<f64>>) -> HashMap<String, f64> {
    let pairs = runs.iter().zip(numbers).filter_map(|(run, number)| Some((run.run.to_string(), number?)));
    pairs.filter(|(_, number)| number.is_finite()).collect()
}

fn heights(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } | Mark::Points { points, .. } => points.iter().map(|point| point.1).collect(),
        _ => Vec::new(),
    }
}
