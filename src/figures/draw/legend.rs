//! The legend: outside the panels, at their right, so that it covers no data.

use super::canvas::{Anchor, Canvas};
use super::sizes::{LABEL, TICK};
use super::{font, marks};
use crate::figures::FiguresError;
use crate::figures::color::{INK, MUTED};
use crate::figures::picture::{Legend, Sign};

/// Longest text of a legend in pixels.
const TEXT: f64 = 190.0;
/// Height of a line.
const LINE: f64 = 19.0;
/// A bar's own size.
const BAR: (f64, f64) = (12.0, 130.0);

/// Room that a legend takes at the right.
pub(super) fn width(legend: &Legend) -> f64 {
    let text = |text: &str, size: f64| font::width(text, size).min(TEXT);
    match legend {
        Legend::None => 0.0,
        Legend::Keys { title, keys } => {
            let longest = keys.iter().map(|key| 26.0 + text(&key.label, TICK)).fold(0.0, f64::max);
            18.0 + longest.max(text(title, LABEL)) + 8.0
        }
        Legend::Bar { title, scale, .. } => {
            let ticks = scale.ticks(5).iter().map(|(_, label)| font::width(label, TICK)).fold(0.0, f64::max);
            18.0 + (BAR.0 + 8.0 + ticks).max(text(title, LABEL)) + 8.0
        }
    }
}

/// Its height.
pub(super) fn height(legend: &Legend) -> f64 {
    match legend {
        Legend::None => 0.0,
        Legend::Keys { keys, .. } => LINE * (keys.len() + 1) as f64,
        Legend::Bar { .. } => BAR.1 + 2.0 * LINE,
    }
}

pub(super) fn draw(canvas: &mut Canvas, legend: &Legend, (left, top): (f64, f64)) -> Result<(), FiguresError> {
    match legend {
        Legend::None => Ok(()),
        Legend::Keys { title, keys } => {
            canvas.text(&font::fit(title, LABEL, TEXT), (left, top + 6.0), LABEL, Anchor::Start, INK, false)?;
            for (i, key) in keys.iter().enumerate() {
                let at = top + 6.0 + LINE * (i + 1) as f64;
                match key.sign {
                    Sign::Line => canvas.line(&[(left, at), (left + 18.0, at)], key.color, 2.2, 1.0)?,
                    Sign::Dashed => canvas.dashed(&[(left, at), (left + 18.0, at)], key.color, 2.0)?,
                    Sign::Patch => canvas.bar((left + 3.0, at - 6.0), (left + 15.0, at + 6.0), key.color, 0.85)?,
                    Sign::Point(shape) => marks::point(canvas, (left + 9.0, at), shape, key.color, 3.6)?,
                }
                let label = font::fit(&key.label, TICK, TEXT);
                canvas.text(&label, (left + 26.0, at), TICK, Anchor::Start, MUTED, false)?;
            }
            Ok(())
        }
        Legend::Bar { title, map, scale } => {
            canvas.text(&font::fit(title, LABEL, TEXT), (left, top + 6.0), LABEL, Anchor::Start, INK, false)?;
            let (high, low) = (top + LINE, top + LINE + BAR.1);
            let cells: Vec<_> = (0..64).map(|i| map.at(1.0 - f64::from(i) / 63.0)).collect();
            canvas.raster((left, high), (left + BAR.0, low), (1, 64), &cells)?;
            for (value, label) in scale.ticks(5) {
                let at = low - (low - high) * scale.share(value);
                canvas.line(&[(left + BAR.0, at), (left + BAR.0 + 3.0, at)], MUTED, 1.0, 1.0)?;
                canvas.text(&label, (left + BAR.0 + 8.0, at), TICK, Anchor::Start, MUTED, false)?;
            }
            Ok(())
        }
    }
}
