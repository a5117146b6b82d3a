//! A finished figure: its SVG, its numbers, where they come from.

use super::color::Palette;
use super::picture::Data;
use super::source::Unit;
use super::{FiguresError, Source, draw, kinds};
use crate::record::counted;
use crate::spec::Figure;
use crate::store::Scope;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Width of a PNG for a page: two pixels of the screen for each of the figure's.
pub const PAGE: u32 = 1520;
/// Width of a PNG that fills a slide.
pub const SLIDE: u32 = 2560;

/// A finished figure.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// File name without its ending.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Text under the figure, Markdown.
    pub caption: String,
    /// Sweep, number of runs, what was drawn, commit.
    pub provenance: String,
    /// The SQL that gives all numbers behind it.
    pub query: String,
    /// The numbers drawn.
    pub data: Data,
    /// Whether no runs matched.
    pub empty: bool,
    /// What a reader should know that the picture does not show by itself.
    pub warnings: Vec<String>,
    /// Without the font: for pages that embed it once.
    pub svg: String,
}

/// Draws one figure.
///
/// # Errors
/// Where the store cannot be read, the runs lack what is to be drawn, or the drawing library refuses.
pub fn draw_one(figure: &Figure, source: &Source, palette: &Palette) -> Result<Drawing, FiguresError> {
    let sweep = source.sweep.name();
    let Some(what) = &figure.probe else { return draw_from(figure, source, palette, sweep) };
    let description = source.description.of_probe(what).unwrap_or_else(|| source.description.clone());
    let probes = source.sweep.probes(what)?;
    let (store, runs) = match &probes {
        Some(probes) => (&probes.sweep, probes.newest_of(&source.runs)),
        None => (source.sweep, Vec::new()),
    };
    let measured = Source { runs, unit: Unit::Batches, ..Source::new(store, &Scope::All, &description, None)? };
    let mut drawing = draw_from(figure, &measured, palette, sweep)?;
    if drawing.empty {
        drawing.caption = format!("Nothing is measured yet: `tessera probe {what} {sweep}`.");
    }
    Ok(drawing)
}

/// Draws a figure of the sweep, or of a probe of the sweep, of that name.
fn draw_from(figure: &Figure, source: &Source, palette: &Palette, sweep: &str) -> Result<Drawing, FiguresError> {
    let runs = source.chosen(figure);
    let mut picture = kinds::picture(figure, source, palette)?;
    let out = picture.leave_out();
    let mut warnings = Vec::new();
    if out > 0 {
        let values = counted(out, "value");
        warnings.push(format!("{values} of 0 or less left out: the axis is logarithmic"));
    }
    let svg = draw::draw(&picture, &draw::Sheet::of(figure))?;
    let lacking: String = draw::font::nowhere(&svg).into_iter().take(20).collect();
    if !lacking.is_empty() {
        warnings.push(format!(
            "the characters `{lacking}` are in no font of this machine: the PNG has `?` in their places, an SVG shows them where the \
             viewer has a font that has"
        ));
    }
    Ok(Drawing {
        name: figure.name.clone(),
        title: picture.title.clone(),
        caption: figure.caption.clone().unwrap_or_default(),
        provenance: provenance(figure, source, sweep, runs.len()),
        query: query(figure, source, sweep),
        empty: runs.is_empty(),
        warnings,
        svg,
        data: picture.data,
    })
}

/// Draws figures in parallel, in their order.
pub fn draw_all(figures: &[(&Figure, &Source)], palette: &Palette) -> Vec<Result<Drawing, FiguresError>> {
    figures.par_iter().map(|(figure, source)| draw_one(figure, source, palette)).collect()
}

fn provenance(figure: &Figure, source: &Source, sweep: &str, runs: usize) -> String {
    let commits: BTreeSet<&str> = source
        .chosen(figure)
        .iter()
        .filter_map(|run| run.provenance.as_deref())
        .map(|p| if p.git.is_empty() { &*p.version } else { &*p.git })
        .filter(|commit| !commit.is_empty())
        .map(|commit| commit.get(..12).filter(|_| commit.len() >= 40).unwrap_or(commit))
        .collect();
    let commits = match commits.len() {
        0 => String::new(),
        1 | 2 => format!(" · commit {}", commits.into_iter().collect::<Vec<_>>().join(", ")),
        n => format!(" · {n} commits"),
    };
    let plural = if runs == 1 { "run" } else { "runs" };
    let probe = figure.probe.as_ref().map_or_else(String::new, |what| format!(" · probe {what}"));
    format!("sweep {sweep}{probe} · {runs} {plural} · {}{commits}", figure.about)
}

/// `tessera query` of the rows that the figure is made of.
fn query(figure: &Figure, source: &Source, sweep: &str) -> String {
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let arrays = figure.y.iter().all(|y| source.description.arrays.iter().any(|array| array.name == *y));
    let sweep = sweep.replace('\'', "''");
    let (history, tables, rows) = match &figure.probe {
        None => ("history", "arrays", format!("sweep = '{sweep}'")),
        Some(what) => ("probes", "probe_arrays", format!("sweep = '{sweep}' AND probe = '{what}' AND current")),
    };
    if arrays {
        let names: Vec<String> = figure.y.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        return format!("SELECT run, step, name, values FROM {tables} WHERE {rows} AND name IN ({})", names.join(", "));
    }
    let metrics: Vec<String> = figure.y.iter().map(quoted).collect();
    format!("SELECT run, step, {} FROM {history} WHERE {rows}", metrics.join(", "))
}

impl Drawing {
    /// The figure as a file of its own, with its font.
    pub fn standalone(&self) -> String {
        let style = format!("<style>{} image{{image-rendering:pixelated}}</style>\n", draw::font::face());
        match self.svg.split_once(">\n") {
            Some((head, body)) => format!("{head}>\n{style}{body}"),
            None => self.svg.clone(),
        }
    }

    /// The figure as an SVG whose letters are outlines, for programs that have not its font.
    ///
    /// # Errors
    /// Where the SVG cannot be read.
    pub fn outlines(&self) -> Result<String, FiguresError> {
        Ok(tree(&self.svg)?.to_string(&resvg::usvg::WriteOptions::default()))
    }

    /// The figure as PNG of a width in pixels ([`PAGE`], [`SLIDE`]).
    ///
    /// # Errors
    /// Where the SVG cannot be rendered.
    pub fn png(&self, width: u32) -> Result<Vec<u8>, FiguresError> {
        png(&self.svg, width)
    }
}

/// An SVG, read with the fonts that its texts need.
pub(super) fn tree(svg: &str) -> Result<resvg::usvg::Tree, FiguresError> {
    let options = resvg::usvg::Options {
        fontdb: draw::font::database(svg),
        font_family: draw::font::FAMILY.to_owned(),
        ..resvg::usvg::Options::default()
    };
    // resvg gives up a text's other characters with the first that no font has.
    let nowhere = draw::font::nowhere(svg);
    let drawn: String = svg.chars().map(|c| if nowhere.contains(&c) { '?' } else { c }).collect();
    resvg::usvg::Tree::from_str(&drawn, &options).map_err(FiguresError::drawing)
}

/// An SVG as PNG of a width in pixels.
///
/// # Errors
/// Where the SVG cannot be rendered.
pub fn png(svg: &str, width: u32) -> Result<Vec<u8>, FiguresError> {
    let tree = tree(svg)?;
    let scale = width as f32 / tree.size().width();
    let height = (tree.size().height() * scale).ceil() as u32;
    let mut pixmap = resvg::tiny_skia::Pixmap::new(width, height.max(1))
        .ok_or_else(|| FiguresError::Draw(format!("an image of {width} × {height} pixels")))?;
    // The last row of pixels lies partly below the sheet: on a dark slide it would be a line.
    pixmap.fill(resvg::tiny_skia::Color::WHITE);
    let transform = resvg::tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    pixmap.encode_png().map_err(FiguresError::drawing)
}
