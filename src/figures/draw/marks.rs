//! Marks in their panel: from data coordinates to places, thinned to what can be seen.

use super::canvas::{Anchor, Canvas};
use super::font;
use super::frame::Frame;
use super::sizes::TICK;
use crate::figures::FiguresError;
use crate::figures::color::{MUTED, Rgb};
use crate::figures::picture::{Mark, Scale, Shape};
use crate::figures::thin::{thin, thin_band};

/// Buckets that a line is thinned to: more than pixels of a panel at twice a page's size.
const BUCKETS: usize = 1000;

pub(super) fn draw(
    canvas: &mut Canvas,
    frame: &Frame,
    marks: &[Mark],
    x: &Scale,
    y: &Scale,
) -> Result<(), FiguresError> {
    let place = |(a, b): (f64, f64)| (frame.x(x.share(a)), frame.y(y.share(b)));
    for mark in marks {
        match mark {
            Mark::Line { points, color, width, dashed, opacity } => {
                let thinned = thin(points, BUCKETS);
                for piece in thinned.split(|(a, b)| !(a.is_finite() && b.is_finite())).filter(|p| !p.is_empty()) {
                    let path: Vec<(f64, f64)> = piece.iter().copied().map(place).collect();
                    match (dashed, path.as_slice()) {
                        (_, [single]) => canvas.circle(*single, width.max(2.0), *color, true)?,
                        (true, _) => canvas.dashed(&path, *color, *width)?,
                        (false, _) => canvas.line(&path, *color, *width, *opacity)?,
                    }
                }
            }
            Mark::Band { points, color } => {
                let thinned = thin_band(points, BUCKETS);
                // A band may reach beyond its axis: below zero where that is logarithmic.
                let inside = |(a, b)| (frame.x(x.share(a)), frame.y(y.share(b).clamp(0.0, 1.0)));
                for piece in thinned.split(|(a, low, high)| !(a.is_finite() && low.is_finite() && high.is_finite())) {
                    let low = piece.iter().map(|&(a, low, _)| inside((a, low)));
                    let high = piece.iter().rev().map(|&(a, _, high)| inside((a, high)));
                    let outline: Vec<(f64, f64)> = low.chain(high).collect();
                    if piece.len() > 1 {
                        canvas.polygon(&outline, *color, 0.18)?;
                    }
                }
            }
            Mark::Polygon { points, color, opacity } => {
                let outline: Vec<(f64, f64)> = points.iter().copied().map(place).collect();
                canvas.polygon(&outline, *color, *opacity)?;
            }
            Mark::Points { points, color, shape, radius } => {
                for at in points.iter().filter(|(a, b)| a.is_finite() && b.is_finite()) {
                    point(canvas, place(*at), *shape, *color, *radius)?;
                }
            }
            Mark::Bar { sides: [left, right, low, high], color, opacity } => {
                canvas.bar(place((*left, *low)), place((*right, *high)), *color, *opacity)?;
            }
            Mark::Raster { sides: [left, right, low, high], size, cells } => {
                canvas.raster(place((*left, *low)), place((*right, *high)), *size, cells)?;
            }
            Mark::Words { at, text, color } => {
                let width = frame.right - frame.left;
                // In a cell that is too narrow words would run into its neighbours.
                if let Scale::Names(names) = x
                    && font::width(text, TICK) + 2.0 > width / names.len().max(1) as f64
                {
                    continue;
                }
                let text = font::fit(text, TICK, width);
                canvas.text(&text, place(*at), TICK, Anchor::Middle, *color, false)?;
            }
            Mark::Rule { at, upright }
                if !(0.0..=1.0).contains(&if *upright { x.share(*at) } else { y.share(*at) }) => {}
            Mark::Rule { at, upright: true } => {
                let at = frame.x(x.share(*at));
                canvas.dashed(&[(at, frame.bottom), (at, frame.top)], MUTED, 1.0)?;
            }
            Mark::Rule { at, upright: false } => {
                let at = frame.y(y.share(*at));
                canvas.dashed(&[(frame.left, at), (frame.right, at)], MUTED, 1.0)?;
            }
        }
    }
    Ok(())
}

/// One point.
pub(super) fn point(
    canvas: &mut Canvas,
    (x, y): (f64, f64),
    shape: Shape,
    color: Rgb,
    radius: f64,
) -> Result<(), FiguresError> {
    match shape {
        Shape::Dot => canvas.circle((x, y), radius, color, true),
        Shape::Ring => canvas.circle((x, y), radius, color, false),
        Shape::Cross => {
            canvas.line(&[(x - radius, y - radius), (x + radius, y + radius)], color, 2.0, 1.0)?;
            canvas.line(&[(x - radius, y + radius), (x + radius, y - radius)], color, 2.0, 1.0)
        }
    }
}
