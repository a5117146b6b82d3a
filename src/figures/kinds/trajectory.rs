//! `trajectory`: the paths of two metrics over the contours of the objective. The toy's objective is known from its
//! parameters: exp(−q), q = (x−u)ᵀΣ(x−u); elsewhere the paths stand alone.

use super::{axis, number};
use crate::figures::FiguresError;
use crate::figures::color::{GRID, MUTED, Rgb};
use crate::figures::groups::{Groups, panels};
use crate::figures::picture::{Axis, Data, Mark, Picture, Row, Shape, Sign, not_finite};
use crate::figures::source::Source;
use crate::record::Value;
use crate::spec::Figure;
use crate::store::RunState;

/// Heights of exp(−q) at which contours run.
const HEIGHTS: [f64; 5] = [0.9, 0.7, 0.5, 0.3, 0.1];
/// Points of a contour.
const POINTS: usize = 120;

pub fn picture(figure: &Figure, source: &Source, groups: &Groups) -> Result<Picture, FiguresError> {
    let Some(y) = figure.y.first() else {
        return Err(FiguresError::Shape("a trajectory needs `x` and `y`: two metrics".to_owned()));
    };
    let x = figure.x.as_deref().unwrap_or("x1_now");
    let (traces, odd) = source.traces(&groups.runs, x, y)?;
    let start = |run: &RunState| Some((parameter(run, "x1")?, parameter(run, "x2")?)).filter(|_| x == "x1_now");
    let mut data = Data { columns: groups.data_columns(), rows: Vec::new() };
    data.columns.extend(["seed".to_owned(), x.to_owned(), y.clone()]);
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    let made = panels(groups, |row, column, runs| {
        let mut marks = Vec::new();
        if let Some(run) = runs.first().filter(|_| x == "x1_now") {
            marks.extend(contours(run));
            marks.extend(parameter(run, "constraint_target").map(|at| Mark::Rule { at, upright: false }));
        }
        for color in &groups.colors {
            for run in groups.colored(runs, color) {
                let Some(trace) = traces.get(run.run.as_str()) else { continue };
                let points: Vec<(f64, f64)> = start(run).into_iter().chain(trace.iter().copied()).collect();
                xs.extend(points.iter().map(|point| point.0));
                ys.extend(points.iter().map(|point| point.1));
                ys.extend(parameter(run, "constraint_target").filter(|_| x == "x1_now"));
                for point in points.iter().step_by(points.len().div_ceil(100).max(1)) {
                    let cells = groups.data_cells(row, column, color).into_iter();
                    data.rows.push(cells.chain([run.seed.to_string(), number(point.0), number(point.1)]).collect());
                }
                let ends = (points.first().copied(), points.last().copied());
                let line = Mark::Line { points, color: color.color, width: 1.6, dashed: false, opacity: 0.9 };
                let at = |point: Option<(f64, f64)>, shape, radius| Mark::Points {
                    points: point.into_iter().collect(),
                    color: color.color,
                    shape,
                    radius,
                };
                marks.extend([line, at(ends.0, Shape::Ring, 3.0), at(ends.1, Shape::Dot, 3.4)]);
            }
        }
        Ok(marks)
    })?;
    if let Some(run) = groups.runs.first()
        && let Some((center, _)) = quadratic(run)
        && x == "x1_now"
    {
        xs.push(center.0);
        ys.push(center.1);
    }
    let (x_axis, y_axis) = (axis(source.label(x), false, xs), axis(source.label(y), false, ys));
    let within = |panels: Vec<Vec<Mark>>| panels.into_iter().map(|marks| clipped(marks, &x_axis, &y_axis)).collect();
    let rows = groups.rows.iter().zip(made).map(|(level, panels)| Row {
        label: groups.row_name(level),
        y: y_axis.clone(),
        panels: within(panels),
    });
    let rows: Vec<Row> = rows.collect();
    let mut notes = groups.notes(figure);
    notes.insert(0, "open: start, filled: end; grey: contours of the objective; broken: the constraint".to_owned());
    notes.extend(not_finite(odd));
    Ok(Picture {
        title: figure.heading(),
        columns: groups.headings(),
        rows,
        x: x_axis,
        legend: groups.legend(Sign::Line),
        notes,
        aspect: Some(1.25),
        data,
    })
}

/// Contours leave the panel: lines end at its edge.
fn clipped(marks: Vec<Mark>, x: &Axis, y: &Axis) -> Vec<Mark> {
    let inside =
        |(a, b): (f64, f64)| (0.0..=1.0).contains(&x.scale.share(a)) && (0.0..=1.0).contains(&y.scale.share(b));
    let clip = |mark| match mark {
        Mark::Line { points, color, width, dashed, opacity } => {
            Mark::Line { points: within(&points, inside), color, width, dashed, opacity }
        }
        other => other,
    };
    marks.into_iter().map(clip).collect()
}

/// The pieces of a line that are inside, with a gap after each.
fn within(points: &[(f64, f64)], inside: impl Fn((f64, f64)) -> bool) -> Vec<(f64, f64)> {
    let between = |a: (f64, f64), b: (f64, f64), share: f64| (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    // Where the way from a point inside to one outside crosses the edge, by halving.
    let edge = |within: (f64, f64), beyond: (f64, f64)| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..20 {
            let middle = (low + high) / 2.0;
            if inside(between(within, beyond, middle)) { low = middle } else { high = middle }
        }
        between(within, beyond, low)
    };
    let mut kept: Vec<(f64, f64)> = points.first().filter(|first| inside(**first)).copied().into_iter().collect();
    for ends in points.windows(2) {
        match (inside(ends[0]), inside(ends[1])) {
            (true, true) => kept.push(ends[1]),
            (true, false) => kept.extend([edge(ends[0], ends[1]), (f64::NAN, f64::NAN)]),
            (false, true) => kept.extend([edge(ends[1], ends[0]), ends[1]]),
            (false, false) => {}
        }
    }
    kept
}

fn parameter(run: &RunState, name: &str) -> Option<f64> {
    run.parameters.get(name)?.as_f64()
}

/// The centre u and the symmetric matrix Σ = [[a, b], [b, c]] of q.
fn quadratic(run: &RunState) -> Option<((f64, f64), [f64; 3])> {
    let list = |name: &str| match run.parameters.get(name) {
        Some(Value::List(items)) => items.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>(),
        _ => None,
    };
    match (list("center")?.as_slice(), list("covariance")?.as_slice()) {
        ([u, v], [a, b, c, d]) => Some(((*u, *v), [*a, (b + c) / 2.0, *d])),
        _ => None,
    }
}

/// q = r is the ellipse u + √r·L⁻ᵀ(cos t, sin t), with Σ = L·Lᵀ.
fn contours(run: &RunState) -> Vec<Mark> {
    let Some(((u, v), [a, b, c])) = quadratic(run) else { return Vec::new() };
    if a <= 0.0 || c - b * b / a <= 0.0 {
        return Vec::new();
    }
    let (l11, l21) = (a.sqrt(), b / a.sqrt());
    let l22 = (c - l21 * l21).sqrt();
    let color: Rgb = GRID.toward(MUTED, 0.45);
    let contour = |height: &f64| {
        let radius = (-height.ln()).sqrt();
        let at = |i: usize| {
            let t = std::f64::consts::TAU * i as f64 / POINTS as f64;
            // Lᵀx = y from the bottom up.
            let second = radius * t.sin() / l22;
            (u + (radius * t.cos() - l21 * second) / l11, v + second)
        };
        Mark::Line { points: (0..=POINTS).map(at).collect(), color, width: 0.9, dashed: false, opacity: 1.0 }
    };
    HEIGHTS.iter().map(contour).collect()
}
