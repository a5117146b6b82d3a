//! Tables down the pages: columns as wide as their cells where that fits, the header again on each page.

use super::flow::{BOTTOM, Flow, INK, Look, MARGIN, WIDTH};
use super::lines::{broken, width};
use crate::figures::Rgb;
use crate::figures::paper::Item;
use crate::report::block::Span;
use crate::report::table::within;

const RULE: Rgb = Rgb(0x9a, 0xa3, 0xad);
const FAINT: Rgb = Rgb(0xe4, 0xe7, 0xeb);
/// Between a cell's words and its ends.
const PAD: f64 = 4.0;

/// Rows of cells, the first the header.
pub fn draw(flow: &mut Flow, rows: &[Vec<Vec<Span>>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let Some((header, body)) = rows.split_first().filter(|_| columns > 0) else { return };
    let natural = |size: f64| -> Vec<f64> {
        let widest =
            |c: usize| rows.iter().filter_map(|row| row.get(c)).map(|cell| width(cell, size)).fold(0.0, f64::max);
        (0..columns).map(|c| widest(c) + 2.0 * PAD).collect()
    };
    let fits = |size: &f64| natural(*size).iter().sum::<f64>() <= WIDTH;
    let size = [8.5, 8.0, 7.5, 7.0, 6.5].into_iter().find(fits).unwrap_or(6.5);
    let widths = within(natural(size), WIDTH);
    let bold: Vec<Vec<Span>> =
        header.iter().map(|cell| cell.iter().map(|span| Span { bold: true, ..span.clone() }).collect()).collect();
    let look = Look { size, color: INK, indent: 0.0, room: WIDTH };
    flow.need(4.0 * size);
    row(flow, &bold, &widths, look, RULE);
    for cells in body {
        if flow.y + height(cells, &widths, size) > BOTTOM {
            flow.need(f64::INFINITY);
            row(flow, &bold, &widths, look, RULE);
        }
        row(flow, cells, &widths, look, FAINT);
    }
    flow.gap(6.0);
}

fn height(cells: &[Vec<Span>], widths: &[f64], size: f64) -> f64 {
    let lines = cells.iter().zip(widths).map(|(cell, width)| broken(cell, size, width - 2.0 * PAD).len());
    lines.max().unwrap_or(1) as f64 * size * 1.3 + 4.0
}

fn row(flow: &mut Flow, cells: &[Vec<Span>], widths: &[f64], look: Look, rule: Rgb) {
    let height = height(cells, widths, look.size);
    let mut x = MARGIN;
    for (cell, width) in cells.iter().zip(widths) {
        let lines = broken(cell, look.size, width - 2.0 * PAD);
        for (n, line) in lines.iter().enumerate() {
            let foot = flow.y + 1.0 + (n as f64 + 1.0) * look.size * 1.3 - 0.2 * look.size;
            flow.line(line, look, (x + PAD, foot));
        }
        x += width;
    }
    flow.y += height;
    flow.put(Item::Bar { at: (MARGIN, flow.y - 0.6), size: (x - MARGIN, 0.6), color: rule });
}
