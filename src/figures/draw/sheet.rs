//! How large a figure is drawn.

use super::sizes::LABEL;
use crate::spec::Figure;

/// A page's width in pixels.
const WIDTH: f64 = 760.0;

/// The sheet that a figure is drawn on. All lengths of the drawing are pixels; on paper a pixel is so large that letters
/// have the size that was asked for.
pub struct Sheet {
    /// In pixels.
    pub width: f64,
    /// In pixels; as the panels want where it is not said.
    pub height: Option<f64>,
    /// Whether the heading stands above the panels.
    pub heading: bool,
    /// Millimetres a pixel, on paper.
    pub scale: Option<f64>,
}

impl Sheet {
    /// The sheet that a figure asks for. On paper the heading is the caption's matter, unless one is written.
    pub fn of(figure: &Figure) -> Self {
        let Some(size) = figure.size else { return Self { width: WIDTH, height: None, heading: true, scale: None } };
        let scale = size.font * 25.4 / 72.0 / LABEL;
        Self {
            width: size.width / scale,
            height: size.height.map(|height| height / scale),
            heading: figure.title.is_some(),
            scale: Some(scale),
        }
    }
}
