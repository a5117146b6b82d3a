//! The report as slides: one a figure with title, picture, caption and a claim, tables as tables, notes that say where
//! everything comes from. Written as plain OOXML parts, into Tessera's own presentation or the lab's template.

mod package;
mod slide;

use super::block::{Block, Span, blocks, line};
use super::error::ReportError;
use super::gather::{Body, Part};
use super::told::{Holds, Verdict};
use crate::figures::paper::picture_png;
use crate::figures::{Drawing, SLIDE};
use package::{Package, Room, Sheet};
use rayon::prelude::*;
use slide::{POINT, Slide, Words, columns, lines, notes, row_height};
use std::path::Path;

/// The presentation of a report; pictures in its texts come from below the folder.
///
/// # Errors
/// Where the template cannot be read or a figure not be drawn.
pub fn pptx(body: &Body, folder: &Path, template: Option<&Path>) -> Result<Vec<u8>, ReportError> {
    let package = match template {
        Some(path) => Package::template(path)?,
        None => Package::own()?,
    };
    let mut deck = Deck { folder, size: package.size, title: package.title, sheets: Vec::new() };
    deck.first(body)?;
    for part in &body.parts {
        deck.part(part)?;
    }
    if !body.ideas.is_empty() {
        let mut words = Vec::new();
        for idea in &body.ideas {
            words.push(Words { sign: Some("•".to_owned()), ..Words::of(line(idea, folder)?) });
        }
        deck.text("Ideas", &words, &[]);
    }
    package.packed(deck.sheets)
}

struct Deck<'f> {
    folder: &'f Path,
    size: (i64, i64),
    title: Room,
    sheets: Vec<Sheet>,
}

impl Deck<'_> {
    /// What is below the title, within its sides.
    fn room(&self) -> Room {
        let [x, y, width, height] = self.title;
        let top = y + height + self.size.1 / 60;
        [x, top, width, self.size.1 - self.size.1 / 24 - top]
    }

    fn put(&mut self, slide: &Slide, picture: Option<Vec<u8>>, said: &[String]) {
        self.sheets.push(Sheet { slide: slide.part(), picture, notes: notes(said) });
    }

    /// The title and the sections; then last week.
    fn first(&mut self, body: &Body) -> Result<(), ReportError> {
        let mut words: Vec<Words> = Vec::new();
        for (n, part) in body.parts.iter().enumerate() {
            words.push(Words::of(vec![Span::plain(&format!("{}. {}", n + 1, part.title))]));
        }
        let empty = body.empty();
        if !empty.is_empty() {
            let said = format!("No runs match for: {}", empty.join(", "));
            words.push(Words { wrong: true, ..Words::of(vec![Span::plain(&said)]) });
        }
        self.text(&body.title, &words, &[]);
        if !body.last_week.is_empty() || !body.changes.is_empty() {
            let (mut words, rest) = parted(&body.last_week, self.folder)?;
            let change = |text: &String| Words { sign: Some("•".to_owned()), ..Words::of(vec![Span::plain(text)]) };
            words.extend(body.changes.iter().map(change));
            self.text("Last week", &words, &[]);
            self.rest("Last week", rest)?;
        }
        Ok(())
    }

    /// Words alone, as large as they fit.
    fn text(&mut self, title: &str, words: &[Words], said: &[String]) {
        let room = self.room();
        let (width, height) = (room[2] as f64 / POINT, room[3] as f64 / POINT);
        let fits = |size: &f64| {
            let of = |words: &Words| lines(&words.spans, *size, width - 32.0 * words.depth as f64) * size * 1.2;
            words.iter().map(of).sum::<f64>() <= height
        };
        let size = [20.0, 18.0, 16.0, 14.0, 12.0, 10.0].into_iter().find(fits).unwrap_or(9.0);
        let mut slide = Slide::new(title);
        slide.words("Text", room, size, words);
        self.put(&slide, None, said);
    }

    fn part(&mut self, part: &Part) -> Result<(), ReportError> {
        let (text, rest) = parted(&part.text, self.folder)?;
        let mut said: Vec<String> = text.iter().map(|words| told(&words.spans)).collect();
        let claims: Vec<(&Verdict, String)> =
            part.claims.iter().filter_map(|claim| Some((claim, claim.line()?))).collect();
        let mut lines: Vec<Words> = Vec::with_capacity(claims.len());
        for (claim, line) in &claims {
            lines.push(self.claim(claim, line)?);
        }
        if part.figures.is_empty() {
            let mut words = text;
            words.extend(lines.into_iter().map(|line| Words { sign: Some("•".to_owned()), ..line }));
            if !words.is_empty() || part.tables.is_empty() && rest.is_empty() {
                self.text(&part.title, &words, &[]);
            }
        } else {
            let pictures: Vec<_> = part.figures.par_iter().map(|figure| figure.png(SLIDE)).collect();
            // A claim a figure, in their order; what fails is shown in any case.
            let rest: Vec<Words> = lines.iter().skip(part.figures.len()).filter(|line| line.wrong).cloned().collect();
            said.extend(lines.iter().skip(part.figures.len()).map(|line| told(&line.spans)));
            for (n, (figure, picture)) in part.figures.iter().zip(pictures).enumerate() {
                let number = part.before.0 + n + 1;
                let picture = picture.map_err(|error| ReportError::sweep(&figure.name, error))?;
                let mut shown: Vec<Words> = lines.get(n).cloned().into_iter().collect();
                if n + 1 == part.figures.len() {
                    shown.extend(rest.iter().cloned());
                }
                self.figure(part, (number, figure), picture, &shown, &std::mem::take(&mut said))?;
            }
        }
        self.rest(&part.title, rest)?;
        for (n, table) in part.tables.iter().enumerate() {
            let caption = format!("Table {}. {}", part.before.1 + n + 1, table.caption);
            let said: Vec<String> = std::iter::once(&caption).chain(&table.notes).cloned().collect();
            if table.header.is_empty() {
                let words: Vec<Words> = said.iter().map(|line| Words::of(vec![Span::plain(line)])).collect();
                self.text(&part.title, &words, &said);
            } else {
                self.table(&part.title, &table.cells(), &said);
            }
        }
        Ok(())
    }

    fn claim(&self, claim: &Verdict, said: &str) -> Result<Words, ReportError> {
        let mut spans = line(said.trim(), self.folder)?;
        spans.iter_mut().for_each(|span| span.bold = true);
        Ok(Words { wrong: matches!(claim.holds, Holds::No(_)), ..Words::of(spans) })
    }

    /// Title, claim, picture, caption; the notes say where the numbers come from.
    fn figure(
        &mut self,
        part: &Part,
        (number, figure): (usize, &Drawing),
        picture: Vec<u8>,
        claims: &[Words],
        said: &[String],
    ) -> Result<(), ReportError> {
        let mut slide = Slide::new(&part.title);
        let [left, top, width, height] = self.room();
        let points = |size: f64| (size * POINT) as i64;
        let tall = |words: &[Words], size: f64| {
            points(words.iter().map(|words| lines(&words.spans, size, width as f64 / POINT)).sum::<f64>() * size * 1.25)
        };
        let (mut top, mut bottom) = (top, top + height);
        if !claims.is_empty() {
            let height = tall(claims, 16.0);
            slide.words("Claim", [left, top, width, height], 16.0, claims);
            top += height + points(6.0);
        }
        let mut caption = vec![Span::bold(&format!("Figure {number}. "))];
        caption.extend(line(&figure.caption, self.folder)?);
        let caption = [Words::of(caption)];
        let height = tall(&caption, 12.0);
        bottom -= height;
        slide.words("Caption", [left, bottom, width, height], 12.0, &caption);
        bottom -= points(6.0);
        slide.picture(fitted(&picture, [left, top, width, bottom - top]), &figure.title);
        let mut notes = vec![figure.title.clone(), figure.provenance.clone(), figure.query.clone()];
        notes.extend_from_slice(said);
        self.put(&slide, Some(picture), &notes);
        Ok(())
    }

    /// What stands in a text beside its words: pictures and tables, each on slides of its own.
    fn rest(&mut self, title: &str, rest: Vec<Block>) -> Result<(), ReportError> {
        for block in rest {
            match block {
                Block::Picture(url) => {
                    let named = |error| ReportError::sweep("a picture of a text", error);
                    let picture = picture_png(&url, SLIDE).map_err(named)?;
                    let mut slide = Slide::new(title);
                    slide.picture(fitted(&picture, self.room()), title);
                    self.put(&slide, Some(picture), &[]);
                }
                Block::Table(rows) => self.table(title, &rows, &[]),
                Block::Words { .. } => {}
            }
        }
        Ok(())
    }

    /// A table on as many slides as its rows need; the caption under it.
    fn table(&mut self, title: &str, rows: &[Vec<Vec<Span>>], said: &[String]) {
        let Some((header, body)) = rows.split_first() else { return };
        let [left, top, width, height] = self.room();
        let (across, caption) = (width as f64 / POINT, 18.0 * said.len().min(2) as f64);
        let down = height as f64 / POINT - caption - 6.0;
        let whole = |size: &f64| {
            let columns = columns(rows, *size, across);
            rows.iter().map(|row| row_height(row, *size, &columns)).sum::<f64>() <= down
        };
        let size = [16.0, 14.0, 12.0, 11.0].into_iter().find(whole).unwrap_or(11.0);
        let columns = columns(rows, size, across);
        let tall = |row: &Vec<Vec<Span>>| row_height(row, size, &columns);
        let mut body = body.iter().peekable();
        let mut pieces = 0;
        while pieces == 0 || body.peek().is_some() {
            let (mut shown, mut used) = (vec![header], tall(header));
            while let Some(row) = body.next_if(|row| used + tall(row) <= down || shown.len() == 1) {
                used += tall(row);
                shown.push(row);
            }
            let name = if pieces == 0 { title.to_owned() } else { format!("{title} (continued)") };
            let mut slide = Slide::new(&name);
            let wide = (columns.iter().sum::<f64>() * POINT) as i64;
            slide.table([left, top, wide, (used * POINT) as i64], size, &columns, &shown);
            let words: Vec<Words> = said.iter().take(2).map(|line| Words::of(vec![Span::plain(line)])).collect();
            if !words.is_empty() {
                let below = top + ((used + 6.0) * POINT) as i64;
                slide.words("Caption", [left, below, width, (caption * POINT) as i64], 12.0, &words);
            }
            self.put(&slide, None, said);
            pieces += 1;
        }
    }
}

fn told(spans: &[Span]) -> String {
    spans.iter().map(|span| &*span.text).collect()
}

/// The words of a text; and its pictures and tables.
fn parted(markdown: &str, folder: &Path) -> Result<(Vec<Words>, Vec<Block>), ReportError> {
    let (mut words, mut rest) = (Vec::new(), Vec::new());
    for block in blocks(markdown, folder)? {
        match block {
            Block::Words { mut spans, depth, sign, heading } => {
                spans.iter_mut().for_each(|span| span.bold |= heading);
                let depth = depth.saturating_sub(usize::from(sign.is_some()));
                words.push(Words { spans, depth, sign, wrong: false });
            }
            block => rest.push(block),
        }
    }
    Ok((words, rest))
}

/// Where a picture stands in a room: as large as it can be, in the middle of its width.
fn fitted(picture: &[u8], [left, top, width, height]: Room) -> Room {
    let (across, down) = pixels(picture).unwrap_or((16, 9));
    let height = height.max(0);
    let (wide, tall) =
        if width * down <= height * across { (width, width * down / across) } else { (height * across / down, height) };
    [left + (width - wide) / 2, top, wide, tall]
}

/// Width and height of a PNG.
fn pixels(png: &[u8]) -> Option<(i64, i64)> {
    let side = |at: usize| Some(i64::from(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?)));
    Some((side(16)?, side(20)?)).filter(|(width, height)| *width > 0 && *height > 0)
}
