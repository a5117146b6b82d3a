//! What a figure shows, as plain data: panels in rows and columns, marks in data coordinates, axes, a legend.
//! Made by [`kinds`](super::kinds) from a sweep, turned into SVG by [`draw`](super::draw()).

use super::color::{Map, Rgb};
use std::collections::HashSet;

/// A whole figure.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Heading.
    pub title: String,
    /// Headings of the columns of panels; one empty text where there is one column without a name.
    pub columns: Vec<String>,
    /// The rows of panels, from the top.
    pub rows: Vec<Row>,
    /// The x axis that all panels share.
    pub x: Axis,
    /// What tells marks apart.
    pub legend: Legend,
    /// What the reader must know: diverged runs, pooled axes.
    pub notes: Vec<String>,
    /// Width over height of a panel; as the page has room where `None`.
    pub aspect: Option<f64>,
    /// The numbers drawn.
    pub data: Data,
}

/// A row of panels with the y axis that they share.
#[derive(Clone, Debug)]
pub struct Row {
    /// At the right edge; may be empty.
    pub label: String,
    /// The y axis.
    pub y: Axis,
    /// One a column.
    pub panels: Vec<Vec<Mark>>,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Name and unit.
    pub label: String,
    /// How values become places.
    pub scale: Scale,
}

/// How values become places.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// From the first to the second value.
    Linear(f64, f64),
    /// The same in decades; both above zero.
    Log(f64, f64),
    /// Names at 0, 1, 2 …
    Names(Vec<String>),
    /// From the first to the second value, without ticks or frame.
    Bare(f64, f64),
}

/// What is drawn. Coordinates are values of the axes.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A line through points; what is not finite breaks it.
    Line {
        /// (x, y)
        points: Vec<(f64, f64)>,
        /// Its colour.
        color: Rgb,
        /// In pixels.
        width: f64,
        /// Broken.
        dashed: bool,
        /// 1 covers.
        opacity: f64,
    },
    /// The area between two lines.
    Band {
        /// (x, low, high)
        points: Vec<(f64, f64, f64)>,
        /// Its colour; it is drawn light.
        color: Rgb,
    },
    /// A filled outline.
    Polygon {
        /// (x, y)
        points: Vec<(f64, f64)>,
        /// Its colour.
        color: Rgb,
        /// 1 covers.
        opacity: f64,
    },
    /// Single points.
    Points {
        /// (x, y)
        points: Vec<(f64, f64)>,
        /// Their colour.
        color: Rgb,
        /// How they look.
        shape: Shape,
        /// In pixels.
        radius: f64,
    },
    /// A bar or box.
    Bar {
        /// Left, right, bottom, top.
        sides: [f64; 4],
        /// Its colour.
        color: Rgb,
        /// 1 covers.
        opacity: f64,
    },
    /// Many cells as one image, row by row from the top.
    Raster {
        /// Left, right, bottom, top.
        sides: [f64; 4],
        /// Cells across and down.
        size: (usize, usize),
        /// The cells.
        cells: Vec<Rgb>,
    },
    /// Words at a place, centred.
    Words {
        /// (x, y)
        at: (f64, f64),
        /// The words.
        text: String,
        /// Their colour.
        color: Rgb,
    },
    /// A reference across the panel.
    Rule {
        /// Where.
        at: f64,
        /// Upright (at an x) or level (at a y).
        upright: bool,
    },
}

/// How a point looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Filled.
    Dot,
    /// Open.
    Ring,
    /// Two strokes: a run that diverged.
    Cross,
}

/// What tells marks apart.
#[derive(Clone, Debug)]
pub enum Legend {
    /// Nothing to tell.
    None,
    /// Names and colours.
    Keys {
        /// The axis.
        title: String,
        /// In the order of the levels.
        keys: Vec<Key>,
    },
    /// A bar of colours.
    Bar {
        /// Name and unit.
        title: String,
        /// The map.
        map: Map,
        /// What its ends mean.
        scale: Scale,
    },
}

/// A line of a legend.
#[derive(Clone, Debug)]
pub struct Key {
    /// The level.
    pub label: String,
    /// Its colour.
    pub color: Rgb,
    /// Its sign.
    pub sign: Sign,
}

/// The sign of a legend's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A stroke.
    Line,
    /// A broken stroke.
    Dashed,
    /// A filled square.
    Patch,
    /// A point.
    Point(Shape),
}

/// The numbers under a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The cells as text; numbers as the shortest that round-trips.
    pub rows: Vec<Vec<String>>,
}

impl Data {
    /// A hash of all that stands here: equal numbers, equal hashes.
    pub fn fingerprint(&self) -> String {
        let mut all = blake3::Hasher::new();
        for line in std::iter::once(&self.columns).chain(&self.rows) {
            for cell in line {
                all.update(&(cell.len() as u64).to_le_bytes()).update(cell.as_bytes());
            }
        }
        all.finalize().to_hex()[..16].to_owned()
    }
}

impl Axis {
    /// A linear axis that holds all values, with a little room at both ends.
    pub fn linear(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let room = if high > low { high * 0.04 - low * 0.04 } else { (low.abs() * 0.1).max(0.5) };
        let held = |x: f64| x.clamp(f64::MIN, f64::MAX);
        Self { label: label.into(), scale: Scale::Linear(held(low - room), held(high + room)) }
    }

    /// A linear axis that begins and ends with the values.
    pub fn tight(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let high = if high > low { high } else { (low + low.abs().max(1.0)).min(f64::MAX) };
        Self { label: label.into(), scale: Scale::Linear(low, high) }
    }

    /// An axis in decades that holds all values above zero.
    pub fn log(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(values.into_iter().filter(|x| *x > 0.0)).unwrap_or((1.0, 10.0));
        let room = ((high.ln() - low.ln()) * 0.05).exp().max(1.15);
        let (low, high) = ((low / room).max(f64::MIN_POSITIVE), (high * room).min(f64::MAX));
        Self { label: label.into(), scale: Scale::Log(low, high) }
    }
}

impl Picture {
    /// Takes off the panels what has no place on a logarithmic axis, and says in a note how many values that are.
    pub fn leave_out(&mut self) -> usize {
        let mut out = HashSet::new();
        let no_place = |scale: &Scale, value: f64| matches!(scale, Scale::Log(..)) && value <= 0.0;
        for (r, row) in self.rows.iter_mut().enumerate() {
            for (c, marks) in row.panels.iter_mut().enumerate() {
                for mark in marks {
                    let (Mark::Line { points, .. } | Mark::Points { points, .. }) = mark else { continue };
                    for point in points {
                        if no_place(&self.x.scale, point.0) || no_place(&row.y.scale, point.1) {
                            out.insert((r, c, point.0.to_bits(), point.1.to_bits()));
                            point.1 = f64::NAN;
                        }
                    }
                }
            }
        }
        self.notes.extend(not_on_axis(out.len()));
        out.len()
    }
}

/// What a logarithmic axis cannot show, for a note.
pub fn not_on_axis(values: usize) -> Option<String> {
    match values {
        0 => None,
        1 => Some("1 value ≤ 0 is not on this axis".to_owned()),
        n => Some(format!("{n} values ≤ 0 are not on this axis")),
    }
}

/// What is not finite and has no place on any axis, for a note.
pub fn not_finite(values: usize) -> Option<String> {
    match values {
        0 => None,
        1 => Some("1 value that is not finite is not drawn".to_owned()),
        n => Some(format!("{n} values that are not finite are not drawn")),
    }
}

/// The smallest and the largest finite value.
pub fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|x| x.is_finite()).fold(None, |range, x| match range {
        None => Some((x, x)),
        Some((low, high)) => Some((f64::min(low, x), f64::max(high, x))),
    })
}
