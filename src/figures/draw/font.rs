//! The one font: measured here, embedded once in each file and once in each page, so that a figure looks the same
//! everywhere.

use base64::Engine as _;
use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};
use std::sync::{Arc, LazyLock};

/// Its name in SVG and CSS.
pub const FAMILY: &str = "Inter";

/// Inter, cut down to Latin, Greek and the signs that figures use (SIL Open Font License: `font/OFL.txt`).
const BYTES: &[u8] = include_bytes!("../font/Inter-Regular-subset.otf");

/// plotters counts a font's size in lines of 1.24 em.
const LINE: f64 = 1.24;

/// A size in pixels as plotters takes it, on a canvas with `scale` units a pixel.
pub(super) fn description(size: f64, scale: f64) -> FontDesc<'static> {
    static REGISTERED: LazyLock<bool> = LazyLock::new(|| register_font(FAMILY, FontStyle::Normal, BYTES).is_ok());
    let _ = *REGISTERED;
    FontDesc::new(FontFamily::Name(FAMILY), size * scale * LINE, FontStyle::Normal)
}

/// Width of a text in pixels.
pub fn width(text: &str, size: f64) -> f64 {
    // Measured at a hundredfold, since plotters gives whole numbers.
    let measured = description(size, 100.0).box_size(text).map(|(width, _)| f64::from(width) / 100.0);
    measured.unwrap_or(0.6 * size * text.chars().count() as f64)
}

/// The text, cut with `…` where it is wider than `limit` pixels.
pub fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let cut = format!("{}…", kept.trim_end());
        if width(&cut, size) <= limit {
            return cut;
        }
    }
    "…".to_owned()
}

/// The font as a rule of CSS.
pub fn face() -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(BYTES);
    format!("@font-face{{font-family:'{FAMILY}';src:url(data:font/otf;base64,{data})}}")
}

/// The fonts that PNGs are made with: this one alone.
pub(in crate::figures) fn database() -> Arc<resvg::usvg::fontdb::Database> {
    static DATABASE: LazyLock<Arc<resvg::usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut database = resvg::usvg::fontdb::Database::new();
        database.load_font_data(BYTES.to_vec());
        Arc::new(database)
    });
    DATABASE.clone()
}
