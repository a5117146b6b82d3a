//! `size: {width: 85 mm, height: 60 mm, font: 7 pt}`: a figure for a paper, in the paper's measures.

use crate::spec::Node;
use crate::spec::units::length;

/// How large a figure is on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Printed {
    /// In millimetres.
    pub width: f64,
    /// In millimetres; as its panels want where it is not said.
    pub height: Option<f64>,
    /// Size of the names of axes in points; ticks are a little smaller.
    pub font: f64,
}

/// Millimetres of a point.
const POINT: f64 = 25.4 / 72.0;
/// Widths that a figure can have.
const WIDTHS: [f64; 2] = [30.0, 600.0];
const HEIGHTS: [f64; 2] = [20.0, 800.0];
/// Sizes of letters in points.
const FONTS: [f64; 2] = [4.0, 24.0];

impl Printed {
    /// Reads `size:` of a figure; mistakes go to the document's problems.
    pub(super) fn read(figure: &Node) -> Option<Self> {
        let node = figure.get("size")?;
        if node.value.as_mapping().is_none() {
            return Some(Self { width: millimetres(&node, WIDTHS)?, height: None, font: 7.0 });
        }
        node.check_keys(&["width", "height", "font"]);
        let Some(width) = node.get("width") else {
            node.error("a size needs `width`".to_owned(), "like `size: {width: 85 mm, height: 60 mm}`");
            return None;
        };
        let height = node.get("height").and_then(|height| millimetres(&height, HEIGHTS));
        let font = node.get("font").and_then(|font| millimetres(&font, FONTS.map(|size| size * POINT)));
        Some(Self { width: millimetres(&width, WIDTHS)?, height, font: font.map_or(7.0, |font| font / POINT) })
    }
}

fn millimetres(node: &Node, [low, high]: [f64; 2]) -> Option<f64> {
    let text = node.text()?;
    match length(&text) {
        Ok(length) if (low - 1e-9..=high + 1e-9).contains(&length) => Some(length),
        Ok(_) => {
            let points = |length: f64| (length / POINT).round();
            let between = format!("it may be {low:.0} to {high:.0} mm ({} to {} pt)", points(low), points(high));
            node.error(format!("`{text}` is no size of a figure"), &between);
            None
        }
        Err(remedy) => {
            node.error(format!("`{text}` is no length"), &remedy);
            None
        }
    }
}
