//! The sheet that figures are drawn on: plotters' SVG backend with ten units a pixel, since it counts in whole units,
//! and pixels in everything that is asked of it.

use super::font;
use crate::figures::FiguresError;
use crate::figures::color::Rgb;
use base64::Engine as _;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Write as _;

/// Units a pixel.
const SCALE: f64 = 10.0;

/// Where a text begins, ends or is centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The place is its left end.
    Start,
    /// The place is its middle.
    Middle,
    /// The place is its right end.
    End,
}

/// A sheet of `width` × `height` pixels.
pub struct Canvas<'s> {
    area: DrawingArea<SVGBackend<'s>, Shift>,
    images: String,
}

/// Draws on a sheet of pixels, each of `scale` millimetres where it is for paper; the whole SVG with its accessible name, without the font.
///
/// # Errors
/// Where plotters cannot draw.
pub fn sheet(
    (width, height): (f64, f64),
    scale: Option<f64>,
    name: &str,
    draw: impl FnOnce(&mut Canvas) -> Result<(), FiguresError>,
) -> Result<String, FiguresError> {
    let mut svg = String::new();
    let units = ((width * SCALE).round() as u32, (height * SCALE).round() as u32);
    let area = SVGBackend::with_string(&mut svg, units).into_drawing_area();
    let mut canvas = Canvas { area, images: String::new() };
    draw(&mut canvas)?;
    canvas.area.present().map_err(FiguresError::drawing)?;
    let images = std::mem::take(&mut canvas.images);
    drop(canvas);
    // The sheet's own size in pixels, its name, its ground and its images come before what plotters drew.
    let body = svg.split_once(">\n").map_or("", |(_, body)| body);
    let (across, down) = units;
    let length = |pixels: f64| match scale {
        Some(scale) => format!("{}mm", (pixels * scale * 1000.0).round() / 1000.0),
        None => pixels.to_string(),
    };
    let (width, height) = (length(width), length(height));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {across} {down}\" role=\"img\" aria-label=\"{}\">\n\
         <rect width=\"{across}\" height=\"{down}\" fill=\"#FFFFFF\"/>\n{images}{body}",
        escape(name)
    ))
}

/// Text for XML: signs with a meaning of their own and control characters are spelled.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The text on one line, with control characters shown: XML cannot hold them.
pub fn shown(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.extend(c.escape_default()),
            c => out.push(c),
        }
        out
    })
}

fn unit(x: f64) -> i32 {
    (x * SCALE).round().clamp(-1e8, 1e8) as i32
}

fn place((x, y): (f64, f64)) -> (i32, i32) {
    (unit(x), unit(y))
}

fn style(color: Rgb, opacity: f64) -> RGBAColor {
    RGBColor(color.0, color.1, color.2).mix(opacity)
}

impl Canvas<'_> {
    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], color: Rgb, width: f64, opacity: f64) -> Result<(), FiguresError> {
        let style = style(color, opacity).stroke_width(unit(width).max(1) as u32);
        let path: Vec<(i32, i32)> = points.iter().copied().map(place).collect();
        self.area.draw(&PathElement::new(path, style)).map_err(FiguresError::drawing)
    }

    /// A broken line through points.
    pub fn dashed(&mut self, points: &[(f64, f64)], color: Rgb, width: f64) -> Result<(), FiguresError> {
        let (dash, gap) = (5.0, 3.5);
        let (mut piece, mut left, mut drawn) = (points.first().copied().into_iter().collect::<Vec<_>>(), dash, true);
        for ends in points.windows(2) {
            let (mut from, to) = (ends[0], ends[1]);
            let mut length = (to.0 - from.0).hypot(to.1 - from.1);
            while length > left {
                let share = left / length;
                from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
                piece.push(from);
                if drawn {
                    self.line(&piece, color, width, 1.0)?;
                }
                piece = vec![from];
                drawn = !drawn;
                length -= left;
                left = if drawn { dash } else { gap };
            }
            left -= length;
            piece.push(to);
        }
        if drawn && piece.len() > 1 { self.line(&piece, color, width, 1.0) } else { Ok(()) }
    }

    /// A filled outline.
    pub fn polygon(&mut self, points: &[(f64, f64)], color: Rgb, opacity: f64) -> Result<(), FiguresError> {
        let path: Vec<(i32, i32)> = points.iter().copied().map(place).collect();
        self.area.draw(&Polygon::new(path, style(color, opacity))).map_err(FiguresError::drawing)
    }

    /// A filled rectangle between two corners.
    pub fn bar(&mut self, a: (f64, f64), b: (f64, f64), color: Rgb, opacity: f64) -> Result<(), FiguresError> {
        let corners = [place((a.0.min(b.0), a.1.min(b.1))), place((a.0.max(b.0), a.1.max(b.1)))];
        self.area.draw(&Rectangle::new(corners, style(color, opacity).filled())).map_err(FiguresError::drawing)
    }

    /// A disc, or a circle of a pixel's width.
    pub fn circle(&mut self, at: (f64, f64), radius: f64, color: Rgb, filled: bool) -> Result<(), FiguresError> {
        let style = if filled { style(color, 0.8).filled() } else { style(color, 1.0).stroke_width(unit(1.6) as u32) };
        self.area.draw(&Circle::new(place(at), unit(radius), style)).map_err(FiguresError::drawing)
    }

    /// A text whose middle line is at the place; `upright` turns it to read from below.
    pub fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        size: f64,
        anchor: Anchor,
        color: Rgb,
        upright: bool,
    ) -> Result<(), FiguresError> {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let mut font = font::description(size, SCALE);
        if upright {
            font = font.transform(FontTransform::Rotate270);
        }
        let ink = style(color, 1.0);
        let style = TextStyle::from(font).color(&ink).pos(Pos::new(horizontal, VPos::Center));
        // Half an ex is a little less than the middle between a line's foot and the height of its capitals.
        let lift = 0.09 * size;
        let at = if upright { (at.0 + lift, at.1) } else { (at.0, at.1 + lift) };
        self.area.draw(&Text::new(shown(text), place(at), style)).map_err(FiguresError::drawing)
    }

    /// Cells as one image, row by row from the top; drawn below everything else.
    pub fn raster(
        &mut self,
        a: (f64, f64),
        b: (f64, f64),
        size: (usize, usize),
        cells: &[Rgb],
    ) -> Result<(), FiguresError> {
        let png = encode(size, cells).ok_or_else(|| FiguresError::Draw("an image without cells".to_owned()))?;
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        let ((x, y), (right, bottom)) = (place((a.0.min(b.0), a.1.min(b.1))), place((a.0.max(b.0), a.1.max(b.1))));
        let (width, height) = (right - x, bottom - y);
        // Cells keep sharp edges in browsers and in resvg.
        let _ = writeln!(
            self.images,
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" href=\"data:image/png;base64,{data}\"/>"
        );
        Ok(())
    }
}

/// Few cells are so many pixels across …
const SHARP: usize = 320;

/// … and each at most so many: viewers that smooth images then smooth the edges of cells alone.
const LARGEST_CELL: usize = 16;

/// Cells as PNG.
fn encode((across, down): (usize, usize), cells: &[Rgb]) -> Option<Vec<u8>> {
    let by = (SHARP / across.max(down).max(1)).clamp(1, LARGEST_CELL);
    let mut pixmap = resvg::tiny_skia::Pixmap::new(u32::try_from(across * by).ok()?, u32::try_from(down * by).ok()?)?;
    for (y, row) in pixmap.pixels_mut().chunks_exact_mut(across * by).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let cell = cells.get(y / by * across + x / by)?;
            *pixel = resvg::tiny_skia::PremultipliedColorU8::from_rgba(cell.0, cell.1, cell.2, 255)?;
        }
    }
    pixmap.encode_png().ok()
}
