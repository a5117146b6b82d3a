//! The report as PDF: pages of A4 with contents, numbered figures and tables, bookmarks and page numbers. Figures are
//! vectors with real text; no browser is asked.

mod flow;
mod lines;
mod table;

use super::block::{Block, Span, blocks, line};
use super::error::ReportError;
use super::gather::{Body, Part};
use super::table::Table;
use super::told::{Holds, Verdict};
use crate::figures::font;
use crate::figures::paper::{Art, Goal, Item, Paper};
use flow::{BOTTOM, Flow, Look, MARGIN, MUTED, PAGE, WIDTH, WRONG};
use std::collections::HashMap;
use std::path::Path;

/// The document of a report; pictures in its texts come from below the folder.
///
/// # Errors
/// Where a figure or picture cannot be drawn.
pub fn pdf(body: &Body, folder: &Path) -> Result<Vec<u8>, ReportError> {
    let mut pages = Pages { flow: Flow::new(), folder, anchors: HashMap::new(), bookmarks: Vec::new() };
    pages.flow.words(&[Span::bold(&body.title)], Look { size: 20.0, ..Look::text() });
    pages.flow.gap(8.0);
    let contents = pages.contents(body);
    pages.body(body)?;
    pages.finish(body, contents)
}

struct Pages<'f> {
    flow: Flow,
    folder: &'f Path,
    /// Sheet and height of what links lead to.
    anchors: HashMap<String, (usize, f64)>,
    bookmarks: Vec<(String, usize, f64)>,
}

/// A line of the contents, until its page is known: sheet, height of its foot, name.
type Entry = (usize, f64, String);

impl Pages<'_> {
    /// The sections by name, with room for their pages.
    fn contents(&mut self, body: &Body) -> Vec<Entry> {
        let mut names: Vec<String> = Vec::new();
        if body.parts.len() > 1 {
            names.extend(body.parts.iter().enumerate().map(|(i, part)| numbered(i, part)));
            names.extend((!body.ideas.is_empty()).then(|| "Ideas".to_owned()));
        }
        let mut entries = Vec::new();
        for name in names {
            let look = Look { room: WIDTH - 40.0, ..Look::text() };
            self.flow.words(&[Span { link: Some(format!("#{}", anchor(&name))), ..Span::plain(&name) }], look);
            entries.push((self.flow.sheet(), self.flow.y - 3.0, name));
        }
        entries
    }

    fn body(&mut self, body: &Body) -> Result<(), ReportError> {
        let empty = body.empty();
        if !empty.is_empty() {
            let spans = [Span::bold("No runs match for: "), Span::plain(&empty.join(", "))];
            self.flow.words(&spans, Look { color: WRONG, ..Look::text() });
        }
        if !body.last_week.is_empty() || !body.changes.is_empty() {
            self.heading("Last week", 15.0);
            self.text(&body.last_week)?;
            for change in &body.changes {
                self.entry(&[Span::plain(change)], "•", 1, Look::text());
            }
        }
        self.heading("This week", 15.0);
        for (i, part) in body.parts.iter().enumerate() {
            self.part(i, part)?;
        }
        if !body.ideas.is_empty() {
            self.heading("Ideas", 15.0);
            for idea in &body.ideas {
                let spans = line(idea, self.folder)?;
                self.entry(&spans, "•", 1, Look::text());
            }
        }
        Ok(())
    }

    fn heading(&mut self, name: &str, size: f64) {
        self.flow.gap(14.0);
        self.flow.need(70.0);
        self.anchors.insert(anchor(name), (self.flow.sheet(), self.flow.y));
        self.bookmarks.push((name.to_owned(), self.flow.sheet(), self.flow.y));
        self.flow.words(&[Span::bold(name)], Look { size, ..Look::text() });
        self.flow.gap(4.0);
    }

    fn part(&mut self, place: usize, part: &Part) -> Result<(), ReportError> {
        self.heading(&numbered(place, part), 13.0);
        let here = (self.flow.sheet(), self.flow.y);
        self.anchors.insert(format!("section-{}", place + 1), here);
        self.text(&part.text)?;
        for (verdict, said) in part.claims.iter().filter_map(|verdict| Some((verdict, verdict.line()?))) {
            self.claim(verdict, &said)?;
        }
        for (n, figure) in part.figures.iter().enumerate() {
            let number = part.before.0 + n + 1;
            let mut caption = vec![Span::bold(&format!("Figure {number}. "))];
            caption.extend(line(&figure.caption, self.folder)?);
            let look = Look { size: 9.0, ..Look::text() };
            let lines = lines::broken(&caption, look.size, look.room).len();
            let art = Art::of(&figure.svg).map_err(|error| ReportError::sweep(&figure.name, error))?;
            self.flow.gap(10.0);
            self.flow.art(art, 13.0 * lines as f64 + 34.0);
            // A link shows the figure, not its caption alone.
            self.anchors.insert(format!("figure-{}", figure.name), (self.flow.sheet(), 0.0));
            self.flow.words(&caption, look);
            self.flow.words(&[Span::plain(&figure.provenance)], Look::small());
            self.flow.gap(4.0);
        }
        for (n, table) in part.tables.iter().enumerate() {
            self.table(part.before.1 + n + 1, table);
        }
        Ok(())
    }

    fn claim(&mut self, verdict: &Verdict, said: &str) -> Result<(), ReportError> {
        let mut spans = line(said.trim(), self.folder)?;
        spans.iter_mut().for_each(|span| span.bold = true);
        let color = match verdict.holds {
            Holds::Yes => Look::text().color,
            Holds::No(_) => WRONG,
            Holds::TooFew(_) => MUTED,
        };
        self.entry(&spans, "•", 1, Look { color, ..Look::text() });
        Ok(())
    }

    /// Words of a list with their sign before the first line.
    fn entry(&mut self, spans: &[Span], sign: &str, depth: usize, look: Look) {
        let indent = 14.0 * depth as f64;
        self.flow.need(1.5 * look.size);
        let at = (MARGIN + indent - 12.0, self.flow.y + (look.size * 1.42).round() - 0.3 * look.size);
        let text = sign.to_owned();
        self.flow.put(Item::Text { at, size: look.size, bold: false, italic: false, color: look.color, text });
        self.flow.words(spans, Look { indent: indent + 2.0, ..look });
        self.flow.gap(2.0);
    }

    fn text(&mut self, markdown: &str) -> Result<(), ReportError> {
        for block in blocks(markdown, self.folder)? {
            match block {
                Block::Words { spans, depth, sign: Some(sign), .. } => self.entry(&spans, &sign, depth, Look::text()),
                Block::Words { mut spans, depth, heading, .. } => {
                    spans.iter_mut().for_each(|span| span.bold |= heading);
                    self.flow.words(&spans, Look { indent: 14.0 * depth as f64, ..Look::text() });
                    self.flow.gap(5.0);
                }
                Block::Table(rows) => {
                    self.flow.gap(4.0);
                    table::draw(&mut self.flow, &rows);
                }
                Block::Picture(url) => {
                    let art =
                        Art::of_picture(&url).map_err(|error| ReportError::sweep("a picture of a text", error))?;
                    self.flow.art(art, 0.0);
                    self.flow.gap(6.0);
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, number: usize, table: &Table) {
        self.flow.gap(10.0);
        self.flow.need(60.0);
        let caption = [Span::bold(&format!("Table {number}. ")), Span::plain(&table.caption)];
        self.flow.words(&caption, Look { size: 9.0, ..Look::text() });
        table::draw(&mut self.flow, &table.cells());
        for note in &table.notes {
            self.flow.words(&[Span::plain(note)], Look::small());
        }
    }

    /// What is known only when all pages are: links within, the contents' pages, each page's foot.
    fn finish(self, body: &Body, contents: Vec<Entry>) -> Result<Vec<u8>, ReportError> {
        let Self { flow, anchors, bookmarks, .. } = self;
        let Flow { mut sheets, links, .. } = flow;
        let text = |at, text: String, size, color| Item::Text { at, size, bold: false, italic: false, color, text };
        for (sheet, at, size, name) in links {
            if let Some(&(to, y)) = anchors.get(&name) {
                sheets[sheet].push(Item::Link { at, size, to: Goal::Place(to, y) });
            }
        }
        for (sheet, foot, name) in contents {
            if let Some((to, _)) = anchors.get(&anchor(&name)) {
                let page = (to + 1).to_string();
                let x = PAGE.0 - MARGIN - font::width(&page, 10.0);
                sheets[sheet].push(text((x, foot), page, 10.0, Look::text().color));
            }
        }
        let count = sheets.len();
        for (n, sheet) in sheets.iter_mut().enumerate() {
            let page = format!("{} / {count}", n + 1);
            let x = PAGE.0 - MARGIN - font::width(&page, 8.0);
            sheet.push(text((x, BOTTOM + 28.0), page, 8.0, MUTED));
            sheet.push(text((MARGIN, BOTTOM + 28.0), font::fit(&body.title, 8.0, WIDTH - 80.0), 8.0, MUTED));
        }
        let paper = Paper { title: body.title.clone(), size: PAGE, sheets, bookmarks };
        paper.pdf().map_err(|error| ReportError::sweep("the PDF", error))
    }
}

fn numbered(place: usize, part: &Part) -> String {
    format!("{}. {}", place + 1, part.title)
}

fn anchor(name: &str) -> String {
    format!("heading {name}")
}
