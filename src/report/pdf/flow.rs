//! What follows each other down the pages: the next free place, and a new page where there is none.

use super::lines::{Piece, broken};
use crate::figures::Rgb;
use crate::figures::paper::{Art, Goal, Item};
use crate::report::block::Span;
use std::sync::Arc;

/// A4.
pub const PAGE: (f64, f64) = (595.0, 842.0);
/// Free at the left and right.
pub const MARGIN: f64 = 56.0;
/// Free above and below.
const TOP: f64 = 56.0;
/// Width of what is printed.
pub const WIDTH: f64 = PAGE.0 - 2.0 * MARGIN;
/// The foot of a page.
pub const BOTTOM: f64 = PAGE.1 - 60.0;
/// Text.
pub const INK: Rgb = Rgb(0x1f, 0x23, 0x28);
/// What is said aside.
pub const MUTED: Rgb = Rgb(0x59, 0x63, 0x6e);
/// A claim that fails.
pub const WRONG: Rgb = Rgb(0xb4, 0x2b, 0x1c);
const LINK: Rgb = Rgb(0x0b, 0x57, 0x9f);
const GROUND: Rgb = Rgb(0xf1, 0xf3, 0xf5);

/// How words look.
#[derive(Clone, Copy)]
pub struct Look {
    pub size: f64,
    pub color: Rgb,
    /// From the left margin.
    pub indent: f64,
    pub room: f64,
}

impl Look {
    pub fn text() -> Self {
        Self { size: 10.0, color: INK, indent: 0.0, room: WIDTH }
    }

    pub fn small() -> Self {
        Self { size: 8.0, color: MUTED, ..Self::text() }
    }

    fn line(self) -> f64 {
        (self.size * 1.42).round()
    }
}

/// A link within the report: sheet, corner, size, name of the place.
pub type InnerLink = (usize, (f64, f64), (f64, f64), String);

/// Pages that fill from the top.
#[derive(Default)]
pub struct Flow {
    pub sheets: Vec<Vec<Item>>,
    pub y: f64,
    /// Links within the report, until all places are known.
    pub links: Vec<InnerLink>,
}

impl Flow {
    /// A document of one empty page.
    pub fn new() -> Self {
        Self { sheets: vec![Vec::new()], y: TOP, links: Vec::new() }
    }

    pub fn sheet(&self) -> usize {
        self.sheets.len().saturating_sub(1)
    }

    pub fn put(&mut self, item: Item) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.push(item);
        }
    }

    /// Begins a page where less than `height` is left of this one.
    pub fn need(&mut self, height: f64) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.sheets.push(Vec::new());
            self.y = TOP;
        }
    }

    pub fn gap(&mut self, height: f64) {
        if self.y > TOP {
            self.y += height;
        }
    }

    /// Words that flow over lines and pages.
    pub fn words(&mut self, spans: &[Span], look: Look) {
        for line in broken(spans, look.size, look.room - look.indent) {
            self.need(look.line());
            self.y += look.line();
            self.line(&line, look, (MARGIN + look.indent, self.y - 0.3 * look.size));
        }
    }

    /// A line whose foot is at a place.
    pub fn line(&mut self, line: &[Piece], look: Look, (left, foot): (f64, f64)) {
        for Piece { x, width, span } in line {
            let x = left + x;
            let (corner, size) = ((x, foot - look.size), (*width, 1.25 * look.size));
            if span.code {
                let width = crate::figures::font::width(span.text.trim_end(), look.size);
                self.put(Item::Bar {
                    at: (x - 1.0, corner.1 + 0.1 * look.size),
                    size: (width + 2.0, size.1),
                    color: GROUND,
                });
            }
            let mut color = look.color;
            if let Some(link) = &span.link {
                color = LINK;
                match link.strip_prefix('#') {
                    Some(name) => self.links.push((self.sheet(), corner, size, name.to_owned())),
                    None => self.put(Item::Link { at: corner, size, to: Goal::Web(link.clone()) }),
                }
            }
            let text = span.text.clone();
            self.put(Item::Text { at: (x, foot), size: look.size, bold: span.bold, italic: span.italic, color, text });
        }
    }

    /// A figure over the whole width, or as wide as the rest of a page is high; `below` is kept with it.
    pub fn art(&mut self, art: Art, below: f64) {
        let (width, height) = art.size();
        let scale = (WIDTH / width).min((BOTTOM - TOP - below) / height).min(1.0);
        let size = (width * scale, height * scale);
        self.need(size.1 + below);
        self.put(Item::Art { at: (MARGIN, self.y), size, art: Arc::new(art) });
        self.y += size.1;
    }
}
