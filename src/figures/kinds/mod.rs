//! From a sweep to a picture, one file a kind of figure.

mod before_after;
mod boxes;
mod curve;
mod heatmap;
mod histogram;
mod images;
mod points;
mod profile;
mod trajectory;

use super::FiguresError;
use super::color::Palette;
use super::groups::{self, Groups};
use super::picture::Picture;
use super::source::Source;
use crate::spec::{Figure, FigureKind};
use crate::store::{RunState, Status};

/// What a figure shows.
///
/// # Errors
/// Where the store cannot be read or the runs lack what is to be drawn.
pub fn picture(figure: &Figure, source: &Source, palette: &Palette) -> Result<Picture, FiguresError> {
    let groups = Groups::of(figure, source, palette);
    if groups.runs.is_empty() {
        return Ok(groups::nothing(figure));
    }
    match figure.kind {
        FigureKind::Curve => curve::picture(figure, source, &groups),
        FigureKind::Histogram => histogram::picture(figure, source, &groups),
        FigureKind::Box | FigureKind::Violin => boxes::picture(figure, source, &groups),
        FigureKind::Heatmap => heatmap::picture(figure, source, &groups),
        FigureKind::Matrix => images::matrix(figure, source, &groups),
        FigureKind::Kernels => images::kernels(figure, source, &groups),
        FigureKind::BeforeAfter => before_after::picture(figure, source, &groups),
        FigureKind::Scatter => points::scatter(figure, source, &groups),
        FigureKind::Response => points::response(figure, source, &groups),
        FigureKind::Trajectory => trajectory::picture(figure, source, &groups),
        FigureKind::Profile => profile::picture(figure, source, &groups),
    }
}

/// A number of the data under a figure: the shortest spelling that reads back as the same.
fn number(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { String::new() }
}

/// How many runs have a number that is not finite; those that diverged are told of elsewhere.
fn not_finite_of(runs: &[&RunState], numbers: &[Option<f64>]) -> usize {
    let odd = |(run, number): &(&&RunState, &Option<f64>)| {
        run.status != Status::Diverged && number.is_some_and(|number| !number.is_finite())
    };
    runs.iter().zip(numbers).filter(odd).count()
}

/// The axis of a quantity that holds all values.
fn axis(label: String, log: bool, values: impl IntoIterator<Item = f64>) -> super::picture::Axis {
    use super::picture::Axis;
    if log { Axis::log(label, values) } else { Axis::linear(label, values) }
}
