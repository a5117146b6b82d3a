//! The drawing layer: a [`Picture`] in, SVG out. Decides where panels, axes, headings and the legend stand; knows
//! nothing of sweeps or files.

mod canvas;
mod fallback;
pub mod font;
mod frame;
mod layout;
mod legend;
mod marks;
mod scale;
mod sheet;
mod sizes;

use super::FiguresError;
use super::color::{GRID, INK, MUTED};
use super::picture::{Axis, Picture, Row, Scale};
use canvas::{Anchor, Canvas};
pub use canvas::{escape, shown};
use frame::Frame;
use layout::Layout;
pub use scale::minus;
pub use sheet::Sheet;
use sizes::{LABEL, TICK, TITLE};

/// Draws a picture as one SVG that fits the sheet; without the font, which stands once in a page or file.
///
/// # Errors
/// Where the drawing library refuses.
pub fn draw(picture: &Picture, sheet: &Sheet) -> Result<String, FiguresError> {
    let layout = Layout::of(picture, sheet);
    canvas::sheet(layout.size, sheet.scale, &picture.title, |canvas| {
        if sheet.heading {
            let words = font::fit(&picture.title, TITLE, layout.size.0 - 24.0);
            canvas.text(&words, (12.0, 18.0), TITLE, Anchor::Start, INK, false)?;
        }
        for (r, row) in picture.rows.iter().enumerate() {
            for (c, marks) in row.panels.iter().enumerate() {
                let frame = layout.frame(r, c);
                grid(canvas, &frame, &picture.x, &row.y, &layout)?;
                marks::draw(canvas, &frame, marks, &picture.x.scale, &row.y.scale)?;
                border(canvas, &frame, &picture.x)?;
            }
            beside(canvas, &layout, r, row)?;
        }
        above(canvas, picture, &layout)?;
        below(canvas, picture, &layout)?;
        legend::draw(canvas, &picture.legend, layout.legend)
    })
}

/// Faint lines at the ticks.
fn grid(canvas: &mut Canvas, frame: &Frame, x: &Axis, y: &Axis, layout: &Layout) -> Result<(), FiguresError> {
    if !matches!(x.scale, Scale::Names(_)) {
        for (value, _) in x.scale.ticks(layout.x_ticks) {
            let at = frame.x(x.scale.share(value));
            canvas.line(&[(at, frame.top), (at, frame.bottom)], GRID, 0.8, 1.0)?;
        }
    }
    if !matches!(y.scale, Scale::Names(_)) {
        for (value, _) in y.scale.ticks(layout.y_ticks) {
            let at = frame.y(y.scale.share(value));
            canvas.line(&[(frame.left, at), (frame.right, at)], GRID, 0.8, 1.0)?;
        }
    }
    Ok(())
}

fn border(canvas: &mut Canvas, frame: &Frame, x: &Axis) -> Result<(), FiguresError> {
    let Frame { left, right, top, bottom } = *frame;
    if matches!(x.scale, Scale::Bare(..)) {
        return Ok(());
    }
    canvas.line(&[(left, top), (left, bottom), (right, bottom)], MUTED, 1.0, 1.0)
}

/// The y axis' ticks and name, and the row's own name at the other side.
fn beside(canvas: &mut Canvas, layout: &Layout, r: usize, row: &Row) -> Result<(), FiguresError> {
    let first = layout.frame(r, 0);
    for (value, label) in row.y.scale.ticks(layout.y_ticks) {
        let at = first.y(row.y.scale.share(value));
        let label = font::fit(&label, TICK, layout::NAMES);
        canvas.text(&label, (first.left - 6.0, at), TICK, Anchor::End, MUTED, false)?;
    }
    let middle = (first.top + first.bottom) / 2.0;
    let name = font::fit(&row.y.label, LABEL, (first.bottom - first.top).max(90.0));
    canvas.text(&name, (18.0, middle), LABEL, Anchor::Middle, INK, true)?;
    let last = layout.frame(r, row.panels.len().saturating_sub(1));
    let name = font::fit(&row.label, LABEL, last.bottom - last.top);
    canvas.text(&name, (last.right + 12.0, middle), LABEL, Anchor::Middle, INK, true)
}

/// The headings of the columns.
fn above(canvas: &mut Canvas, picture: &Picture, layout: &Layout) -> Result<(), FiguresError> {
    let room = layout.frame(0, 0).right - layout.frame(0, 0).left;
    let fits = picture.columns.iter().all(|name| font::width(name, LABEL) <= room);
    for (c, name) in picture.columns.iter().enumerate() {
        let frame = layout.frame(0, c);
        // Where `axis = level` is too long, the axis' name stands once, with the first column.
        let short = name.split_once(" = ").map_or(&**name, |(_, level)| level);
        let words = font::fit(if fits { name } else { short }, LABEL, room);
        canvas.text(&words, ((frame.left + frame.right) / 2.0, frame.top - 10.0), LABEL, Anchor::Middle, INK, false)?;
    }
    if let (false, Some((axis, _))) = (fits, picture.columns.first().and_then(|name| name.split_once(" = "))) {
        let at = (layout.frame(0, 0).left, layout.frame(0, 0).top - 26.0);
        canvas.text(&font::fit(axis, LABEL, layout.size.0 - 120.0), at, LABEL, Anchor::Start, MUTED, false)?;
    }
    Ok(())
}

/// The x axis' ticks under each column, its name once, and the notes.
fn below(canvas: &mut Canvas, picture: &Picture, layout: &Layout) -> Result<(), FiguresError> {
    let last = picture.rows.len().saturating_sub(1);
    for c in 0..picture.columns.len() {
        let frame = layout.frame(last, c);
        for (value, label) in picture.x.scale.ticks(layout.x_ticks) {
            let share = picture.x.scale.share(value);
            if layout.x_upright {
                let label = font::fit(&label, TICK, layout::NAMES);
                canvas.text(&label, (frame.x(share), frame.bottom + 7.0), TICK, Anchor::End, MUTED, true)?;
            } else {
                let at = frame.label_x(share, font::width(&label, TICK));
                canvas.text(&label, (at, frame.bottom + 12.0), TICK, Anchor::Middle, MUTED, false)?;
            }
        }
    }
    let (first, end) = (layout.frame(last, 0), layout.frame(last, picture.columns.len().saturating_sub(1)));
    let middle = (first.left + end.right) / 2.0;
    let mut at = end.bottom + layout.x_labels + 12.0;
    if !picture.x.label.is_empty() {
        let name = font::fit(&picture.x.label, LABEL, layout.size.0 - 40.0);
        canvas.text(&name, (middle, at), LABEL, Anchor::Middle, INK, false)?;
    }
    at += 20.0;
    for note in &layout.notes {
        canvas.text(note, (12.0, at), TICK, Anchor::Start, MUTED, false)?;
        at += 15.0;
    }
    Ok(())
}
