//! Where everything stands: panels take what room the labels leave.

use super::frame::{Frame, OVERHANG};
use super::sizes::{LABEL, TICK};
use super::{Sheet, font, legend};
use crate::figures::picture::{Picture, Scale};

/// Between panels.
const GAP: f64 = 16.0;
/// Longest name of a level at an axis.
pub(super) const NAMES: f64 = 120.0;

/// Places of a whole figure.
pub(super) struct Layout {
    pub size: (f64, f64),
    /// What stands under the panels, by line.
    pub notes: Vec<String>,
    pub x_ticks: usize,
    pub y_ticks: usize,
    /// Height of the tick labels below the panels.
    pub x_labels: f64,
    /// Whether they are turned.
    pub x_upright: bool,
    /// Left top corner of the legend.
    pub legend: (f64, f64),
    origin: (f64, f64),
    panel: (f64, f64),
}

impl Layout {
    pub fn of(picture: &Picture, sheet: &Sheet) -> Self {
        let columns = picture.columns.len().max(1) as f64;
        let rows = picture.rows.len().max(1) as f64;
        let legend_width = legend::width(&picture.legend);
        let row_names = if picture.rows.iter().any(|row| !row.label.is_empty()) { 22.0 } else { 0.0 };
        let widest = |ticks: usize| {
            let labels = picture.rows.iter().flat_map(|row| row.y.scale.ticks(ticks));
            labels.map(|(_, label)| font::width(&label, TICK)).fold(0.0, f64::max).min(NAMES)
        };
        // How many ticks there will be depends on the height, which depends on this.
        let left = 30.0 + (2..=7).map(widest).fold(0.0, f64::max) + 8.0;
        let right = 14.0 + row_names + legend_width;
        let room = ((sheet.width - left - right - GAP * (columns - 1.0)) / columns).max(40.0);
        let named = picture.columns.iter().any(|name| !name.is_empty());
        let (mut width, mut height) = panel_size(picture, room, columns, rows);
        let long = picture.columns.iter().any(|name| font::width(name, LABEL) > width);
        let heading = if sheet.heading { 36.0 } else { 12.0 };
        let top = heading + if named { 20.0 } else { 0.0 } + if named && long { 18.0 } else { 0.0 };
        let lines: Vec<String> =
            picture.notes.iter().flat_map(|note| font::wrapped(note, TICK, sheet.width - 24.0)).collect();
        let notes = 15.0 * lines.len() as f64;
        let mut x_ticks = fitting_ticks(&picture.x.scale, width);
        if let Some(whole) = sheet.height {
            // The panels take what height the rest leaves; those with an aspect become narrower with it.
            let labels = x_labels(&picture.x.scale, width, x_ticks).0;
            let fixed = top + labels + 32.0 + notes + GAP * (rows - 1.0);
            let high = ((whole - fixed) / rows).max(24.0);
            width = picture.aspect.map_or(width, |aspect| width.min(high * aspect));
            height = picture.aspect.map_or(high, |aspect| width / aspect);
            x_ticks = fitting_ticks(&picture.x.scale, width);
        }
        let y_ticks = ((height / 28.0) as usize).clamp(2, 7);
        let (x_labels, x_upright) = x_labels(&picture.x.scale, width, x_ticks);

        let bottom = top + rows * height + (rows - 1.0) * GAP;
        let right_edge = left + columns * width + (columns - 1.0) * GAP;
        let needed = bottom + x_labels + 26.0 + notes + 6.0;
        let needed = needed.max(top + legend::height(&picture.legend) + 12.0).ceil();
        Self {
            size: (sheet.width, sheet.height.unwrap_or(needed)),
            notes: lines,
            x_ticks,
            y_ticks,
            x_labels,
            x_upright,
            legend: (right_edge + row_names + 18.0, top),
            origin: (left, top),
            panel: (width, height),
        }
    }

    /// The inside of a panel.
    pub fn frame(&self, row: usize, column: usize) -> Frame {
        let left = self.origin.0 + column as f64 * (self.panel.0 + GAP);
        let top = self.origin.1 + row as f64 * (self.panel.1 + GAP);
        Frame { left, right: left + self.panel.0, top, bottom: top + self.panel.1 }
    }
}

fn panel_size(picture: &Picture, room: f64, columns: f64, rows: f64) -> (f64, f64) {
    match picture.aspect {
        Some(aspect) => {
            let width = room.min(if rows * columns > 1.0 { 320.0 } else { 420.0 * aspect.max(1.0) });
            (width, (width / aspect).max(24.0))
        }
        None => {
            let height: f64 = if columns > 2.0 { 200.0 } else { 270.0 };
            let height = if rows > 1.0 { height * 0.72 } else { height };
            let names = picture.rows.iter().map(|row| match &row.y.scale {
                Scale::Names(names) => 26.0 * names.len() as f64,
                _ => 0.0,
            });
            (room, height.max(names.fold(0.0, f64::max)))
        }
    }
}

/// As many ticks of the x axis as have room for their labels.
fn fitting_ticks(scale: &Scale, width: f64) -> usize {
    let frame = Frame { left: 0.0, right: width, top: 0.0, bottom: 0.0 };
    let fits = |count: &usize| {
        let mut end = f64::NEG_INFINITY;
        scale.ticks(*count).iter().all(|(value, label)| {
            let half = font::width(label, TICK) / 2.0;
            let middle = frame.label_x(scale.share(*value), 2.0 * half);
            let free = middle - half > end + OVERHANG;
            end = middle + half;
            free
        })
    };
    (2..=8).rev().find(fits).unwrap_or(2)
}

/// Height of the labels and whether they are turned to fit.
fn x_labels(scale: &Scale, width: f64, ticks: usize) -> (f64, bool) {
    let labels: Vec<f64> = scale.ticks(ticks).iter().map(|(_, label)| font::width(label, TICK)).collect();
    let widest = labels.iter().copied().fold(0.0, f64::max);
    let shown = labels.iter().filter(|width| **width > 0.0).count().max(1);
    let turned = matches!(scale, Scale::Names(_)) && widest + 6.0 > width / shown as f64;
    match scale {
        Scale::Bare(..) => (0.0, false),
        _ if turned => (widest.min(NAMES) + 8.0, true),
        _ => (18.0, false),
    }
}
