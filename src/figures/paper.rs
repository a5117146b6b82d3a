//! Pages as PDF: texts with the figures' own font, lines, boxes, links, and figures as vectors with real text. Where
//! everything stands is the caller's matter. krilla is named only here.

use super::color::Rgb;
use super::draw::font;
use super::{Drawing, FiguresError, draw, drawing};
use krilla::Document;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla_svg::{SurfaceExt as _, SvgSettings};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// CSS counts 96 pixels an inch, paper 72 points.
const POINTS: f64 = 0.75;

/// A document: sheets of one size, all lengths in points from the left top corner.
#[derive(Debug, Default)]
pub struct Paper {
    /// Its name.
    pub title: String,
    /// Width and height of each sheet.
    pub size: (f64, f64),
    /// What stands on each sheet.
    pub sheets: Vec<Vec<Item>>,
    /// The bookmarks: name, sheet, height.
    pub bookmarks: Vec<(String, usize, f64)>,
}

/// Something on a sheet.
#[derive(Clone, Debug)]
pub enum Item {
    /// A text on one line.
    Text {
        /// The left end of its foot.
        at: (f64, f64),
        /// Size of its letters.
        size: f64,
        /// Heavier.
        bold: bool,
        /// Slanted.
        italic: bool,
        /// Its colour.
        color: Rgb,
        /// The words.
        text: String,
    },
    /// A filled rectangle.
    Bar {
        /// The left top corner.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
        /// Its colour.
        color: Rgb,
    },
    /// A figure or picture.
    Art {
        /// The left top corner.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
        /// What is drawn.
        art: Arc<Art>,
    },
    /// A place that leads somewhere.
    Link {
        /// The left top corner.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
        /// Where to.
        to: Goal,
    },
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub enum Goal {
    /// An address.
    Web(String),
    /// A sheet and a height on it.
    Place(usize, f64),
}

/// An SVG, read.
#[derive(Debug)]
pub struct Art {
    tree: resvg::usvg::Tree,
}

impl Art {
    /// Reads an SVG.
    ///
    /// # Errors
    /// Where it is none.
    pub fn of(svg: &str) -> Result<Self, FiguresError> {
        Ok(Self { tree: drawing::tree(svg)? })
    }

    /// Reads a picture that stands in a `data:` URL.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of_picture(url: &str) -> Result<Self, FiguresError> {
        Self::of(&sheet_of(url)?.0)
    }

    /// Width and height in points.
    pub fn size(&self) -> (f64, f64) {
        let size = self.tree.size();
        (f64::from(size.width()) * POINTS, f64::from(size.height()) * POINTS)
    }
}

/// A picture that stands in a `data:` URL on a sheet of its own size, as SVG; and its width in pixels.
fn sheet_of(url: &str) -> Result<(String, f32), FiguresError> {
    let image = |size: &str| {
        let url = draw::escape(url);
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {size}><image href=\"{url}\"/></svg>")
    };
    // A sheet that holds it shows how large it is by itself.
    let held = Art::of(&image("width=\"20000\" height=\"20000\""))?;
    let sides = held.tree.root().abs_bounding_box();
    if !(sides.width() >= 1.0 && sides.height() >= 1.0 && held.tree.root().has_children()) {
        return Err(FiguresError::Draw("a picture that is none".to_owned()));
    }
    Ok((image(&format!("width=\"{}\" height=\"{}\"", sides.right(), sides.bottom())), sides.right()))
}

/// A picture that stands in a `data:` URL as PNG, of its own size or so many pixels wide at most.
///
/// # Errors
/// Where it cannot be read.
pub fn picture_png(url: &str, widest: u32) -> Result<Vec<u8>, FiguresError> {
    let (svg, width) = sheet_of(url)?;
    drawing::png(&svg, (width.ceil() as u32).clamp(1, widest))
}

impl Drawing {
    /// The figure as a PDF of its own size: vectors, real text, its font within.
    ///
    /// # Errors
    /// Where the SVG cannot be read or the PDF not be made.
    pub fn pdf(&self) -> Result<Vec<u8>, FiguresError> {
        let art = Art::of(&self.svg)?;
        let size = art.size();
        let sheets = vec![vec![Item::Art { at: (0.0, 0.0), size, art: Arc::new(art) }]];
        Paper { title: self.title.clone(), size, sheets, bookmarks: Vec::new() }.pdf()
    }
}

impl Paper {
    /// The document's bytes: the same for the same pages, whenever they are written.
    ///
    /// # Errors
    /// Where a page has no size or the document cannot be made.
    pub fn pdf(&self) -> Result<Vec<u8>, FiguresError> {
        let no_size = || FiguresError::Draw(format!("a page of {:?} points", self.size));
        let mut fonts = Fonts::default();
        let mut document = Document::new();
        for items in &self.sheets {
            let settings = PageSettings::from_wh(self.size.0 as f32, self.size.1 as f32).ok_or_else(no_size)?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for item in items {
                draw_item(&mut surface, item, &mut fonts)?;
            }
            surface.finish();
            for item in items {
                let Item::Link { at, size, to } = item else { continue };
                let Some(area) = rect(*at, *size) else { continue };
                let target = match to {
                    Goal::Web(address) => Target::Action(Action::Link(LinkAction::new(address.clone()))),
                    Goal::Place(sheet, y) if *sheet < self.sheets.len() => {
                        Target::Destination(XyzDestination::new(*sheet, point((0.0, *y))).into())
                    }
                    Goal::Place(..) => continue,
                };
                page.add_annotation(LinkAnnotation::new(area, target).into());
            }
            page.finish();
        }
        let mut outline = Outline::new();
        for (name, sheet, y) in self.bookmarks.iter().filter(|(_, sheet, _)| *sheet < self.sheets.len()) {
            outline.push_child(OutlineNode::new(name.clone(), XyzDestination::new(*sheet, point((0.0, *y)))));
        }
        document.set_outline(outline);
        document.set_metadata(Metadata::new().title(self.title.clone()).creator("tessera".to_owned()));
        document.finish().map_err(|error| FiguresError::Draw(format!("a PDF: {error:?}")))
    }
}

fn draw_item(surface: &mut Surface, item: &Item, fonts: &mut Fonts) -> Result<(), FiguresError> {
    match item {
        Item::Text { at, size, bold, italic, color, text } => {
            surface.set_fill(Some(fill(*color)));
            // The figures' font has one weight: a thin outline of its own colour makes it heavier.
            let heavier = Stroke { paint: paint(*color), width: (size * 0.035) as f32, ..Stroke::default() };
            surface.set_stroke(bold.then_some(heavier));
            let slant = if *italic { -0.2 } else { 0.0 };
            surface.push_transform(&Transform::from_row(1.0, 0.0, slant, 1.0, at.0 as f32, at.1 as f32));
            let mut x = 0.0;
            for (font, words) in fonts.runs(text)? {
                surface.draw_text(point((x, 0.0)), font, *size as f32, &words, false, TextDirection::Auto);
                x += font::advance(&words, *size);
            }
            surface.pop();
            surface.set_stroke(None);
        }
        Item::Bar { at, size, color } => {
            let mut path = PathBuilder::new();
            if let Some(area) = rect(*at, *size) {
                path.push_rect(area);
            }
            surface.set_fill(Some(fill(*color)));
            surface.set_stroke(None);
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
        Item::Art { at, size, art } => {
            let Some(room) = Size::from_wh(size.0 as f32, size.1 as f32) else { return Ok(()) };
            surface.push_transform(&Transform::from_translate(at.0 as f32, at.1 as f32));
            let drawn = surface.draw_svg(&art.tree, room, SvgSettings::default());
            surface.pop();
            return drawn.ok_or_else(|| FiguresError::Draw("a figure as vectors".to_owned()));
        }
        Item::Link { .. } => {}
    }
    Ok(())
}

fn point((x, y): (f64, f64)) -> Point {
    Point::from_xy(x as f32, y as f32)
}

fn rect(at: (f64, f64), size: (f64, f64)) -> Option<Rect> {
    Rect::from_xywh(at.0 as f32, at.1 as f32, size.0 as f32, size.1 as f32)
}

fn paint(color: Rgb) -> krilla::paint::Paint {
    rgb::Color::new(color.0, color.1, color.2).into()
}

fn fill(color: Rgb) -> Fill {
    Fill { paint: paint(color), opacity: NormalizedF32::ONE, ..Fill::default() }
}

/// The fonts of a document, each read once: the figures' own, and of the system those that have what it lacks.
#[derive(Default)]
struct Fonts {
    read: HashMap<Option<PathBuf>, Option<Font>>,
}

impl Fonts {
    fn font(&mut self, file: &Option<PathBuf>) -> Option<Font> {
        let read = |file: &Option<PathBuf>| match file {
            None => Font::new(font::bytes().to_vec().into(), 0),
            Some(path) => Font::new(std::fs::read(path).ok()?.into(), 0),
        };
        self.read.entry(file.clone()).or_insert_with(|| read(file)).clone()
    }

    /// The text in pieces, each with a font that has its characters; what no font has is `?`, as in a PNG.
    fn runs(&mut self, text: &str) -> Result<Vec<(Font, String)>, FiguresError> {
        let mut pieces: Vec<(Option<PathBuf>, String)> = Vec::new();
        for c in draw::shown(text).chars() {
            let other = font::other(c);
            let c = if matches!(other, Some(None)) { '?' } else { c };
            let file = other.flatten().filter(|file| self.font(&Some(file.clone())).is_some());
            match pieces.last_mut() {
                Some((last, words)) if *last == file => words.push(c),
                _ => pieces.push((file, c.to_string())),
            }
        }
        let own = || FiguresError::Draw("the figures' font cannot be read".to_owned());
        pieces.into_iter().map(|(file, words)| Ok((self.font(&file).ok_or_else(own)?, words))).collect()
    }
}
