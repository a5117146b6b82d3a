//! The one font: measured here, embedded once in each file and once in each page, so that a figure looks the same
//! everywhere.

use base64::Engine as _;
use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};
use std::sync::{Arc, LazyLock};

/// Its name in SVG and CSS.
pub const FAMILY: &str = "Inter";

/// Inter, cut down to Latin, Greek and the signs that figures use (SIL Open Font License: `font/OFL.txt`).
const BYTES: &[u8] = include_bytes!("../font/Inter-Regular-subset.otf");

/// The characters that it has, from its `cmap`.
const HAS: [(char, char); 33] = [
    (' ', '~'),
    ('\u{a0}', '\u{148}'),
    ('\u{14a}', '\u{17f}'),
    ('\u{2c6}', '\u{2dd}'),
    ('\u{391}', '\u{3a1}'),
    ('\u{3a3}', '\u{3c9}'),
    ('\u{2010}', '\u{2026}'),
    ('\u{2030}', '\u{2030}'),
    ('\u{2032}', '\u{2033}'),
    ('\u{2039}', '\u{203a}'),
    ('\u{2070}', '\u{2071}'),
    ('\u{2074}', '\u{208e}'),
    ('\u{2090}', '\u{209c}'),
    ('\u{20ac}', '\u{20ac}'),
    ('\u{2113}', '\u{2113}'),
    ('\u{2190}', '\u{2195}'),
    ('\u{2202}', '\u{2202}'),
    ('\u{2206}', '\u{2206}'),
    ('\u{220f}', '\u{220f}'),
    ('\u{2211}', '\u{2212}'),
    ('\u{221a}', '\u{221a}'),
    ('\u{221e}', '\u{221e}'),
    ('\u{222b}', '\u{222b}'),
    ('\u{2248}', '\u{2248}'),
    ('\u{2260}', '\u{2260}'),
    ('\u{2264}', '\u{2265}'),
    ('\u{25cf}', '\u{25cf}'),
    ('\n', '\n'),
    ('\t', '\t'),
    ('\r', '\r'),
    ('\u{feff}', '\u{feff}'),
    ('\u{200b}', '\u{200d}'),
    ('\u{2028}', '\u{2029}'),
];

/// The characters of a text that the font lacks, each once.
fn lacking(text: &str) -> Vec<char> {
    let mut lacking: Vec<char> =
        text.chars().filter(|c| !HAS.iter().any(|(from, to)| (from..=to).contains(&c))).collect();
    lacking.sort_unstable();
    lacking.dedup();
    lacking
}

/// The characters of a text that neither the font nor any font of this system has.
pub fn nowhere(text: &str) -> Vec<char> {
    lacking(text).into_iter().filter(|c| super::fallback::is_nowhere(*c)).collect()
}

/// Its file.
pub(in crate::figures) fn bytes() -> &'static [u8] {
    BYTES
}

/// For a character that the font lacks, the file of a font of this system that has it, where one does.
pub(in crate::figures) fn other(c: char) -> Option<Option<std::path::PathBuf>> {
    let has = HAS.iter().any(|(from, to)| (from..=to).contains(&&c));
    (!has).then(|| super::fallback::files(&[c]).into_iter().next())
}

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
    let measured = |text: &str| {
        let measured = description(size, 100.0).box_size(text).map(|(width, _)| f64::from(width) / 100.0);
        measured.unwrap_or(0.6 * size * text.chars().count() as f64)
    };
    let other = lacking(text);
    if other.is_empty() {
        return measured(text);
    }
    // Of other fonts no more is known here than that East Asian signs are about square.
    let own: String = text.chars().filter(|c| !other.contains(c)).collect();
    let wide = |c: char| if c >= '\u{1100}' { size } else { 0.65 * size };
    measured(&own) + text.chars().filter(|c| other.contains(c)).map(wide).sum::<f64>()
}

/// How far a text moves on what follows it: [`width`], with the blanks at its end as wide as those within.
pub fn advance(text: &str, size: f64) -> f64 {
    let bare = text.trim_end_matches(' ');
    let blanks = text.len() - bare.len();
    let blank = if blanks > 0 { width("n n", size) - width("nn", size) } else { 0.0 };
    let bare = if bare.is_empty() { 0.0 } else { width(bare, size) };
    bare + blanks as f64 * blank
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

/// The text on lines of at most `limit` pixels; a word that is wider is cut with `…`.
pub(super) fn wrapped(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}")).filter(|line| width(line, size) <= limit);
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(fit(word, size, limit)),
        }
    }
    lines
}

/// The font as a rule of CSS.
pub fn face() -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(BYTES);
    format!("@font-face{{font-family:'{FAMILY}';src:url(data:font/otf;base64,{data})}}")
}

/// The fonts that PNGs of a text are made with: this one, and where it lacks characters those of the system that have
/// them, as far as fontconfig knows some.
pub(in crate::figures) fn database(text: &str) -> Arc<resvg::usvg::fontdb::Database> {
    static OWN: LazyLock<Arc<resvg::usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut database = resvg::usvg::fontdb::Database::new();
        database.load_font_data(BYTES.to_vec());
        Arc::new(database)
    });
    let files = super::fallback::files(&lacking(text));
    if files.is_empty() {
        return OWN.clone();
    }
    let mut database = OWN.as_ref().clone();
    for file in files {
        if let Ok(data) = std::fs::read(file) {
            database.load_font_data(data);
        }
    }
    Arc::new(database)
}
