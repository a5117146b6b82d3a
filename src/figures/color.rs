//! Colours that hold for colour-blind readers and in grey: Okabe–Ito for names, viridis for numbers, a diverging map
//! around zero. One level of an axis has one colour wherever a palette is shared.

use super::levels::Levels;
use crate::record::Value;
use std::collections::HashMap;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Text and axes.
pub const INK: Rgb = Rgb(0x1f, 0x23, 0x28);
/// Tick labels and notes.
pub const MUTED: Rgb = Rgb(0x59, 0x63, 0x6e);
/// Grid lines and frames.
pub const GRID: Rgb = Rgb(0xe4, 0xe7, 0xeb);
/// The ground.
pub const PAPER: Rgb = Rgb(0xff, 0xff, 0xff);

/// Okabe and Ito's colours, the ones that differ most in lightness first; yellow is left out: too light for lines.
const OKABE_ITO: [Rgb; 7] = [
    Rgb(0x00, 0x72, 0xb2),
    Rgb(0xd5, 0x5e, 0x00),
    Rgb(0x00, 0x9e, 0x73),
    Rgb(0xcc, 0x79, 0xa7),
    Rgb(0xe6, 0x9f, 0x00),
    Rgb(0x56, 0xb4, 0xe9),
    Rgb(0x4d, 0x4d, 0x4d),
];

/// Every eighth of viridis.
const VIRIDIS: [Rgb; 9] = [
    Rgb(0x44, 0x01, 0x54),
    Rgb(0x47, 0x2d, 0x7b),
    Rgb(0x3b, 0x52, 0x8b),
    Rgb(0x2c, 0x72, 0x8e),
    Rgb(0x21, 0x91, 0x8c),
    Rgb(0x28, 0xae, 0x80),
    Rgb(0x5e, 0xc9, 0x62),
    Rgb(0xad, 0xdc, 0x30),
    Rgb(0xfd, 0xe7, 0x25),
];

/// Blue through near white to red (ColorBrewer's RdBu, reversed).
const DIVERGING: [Rgb; 9] = [
    Rgb(0x21, 0x66, 0xac),
    Rgb(0x43, 0x93, 0xc3),
    Rgb(0x92, 0xc5, 0xde),
    Rgb(0xd1, 0xe5, 0xf0),
    Rgb(0xf7, 0xf7, 0xf7),
    Rgb(0xfd, 0xdb, 0xc7),
    Rgb(0xf4, 0xa5, 0x82),
    Rgb(0xd6, 0x60, 0x4d),
    Rgb(0xb2, 0x18, 0x2b),
];

/// A map from numbers to colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// Dark to light.
    Viridis,
    /// Centred on zero.
    Diverging,
}

impl Map {
    /// The colour at `t` of 0 to 1; what is not finite is grey.
    pub fn at(self, t: f64) -> Rgb {
        let stops = match self {
            Self::Viridis => &VIRIDIS,
            Self::Diverging => &DIVERGING,
        };
        if !t.is_finite() {
            return Rgb(0xbb, 0xbb, 0xbb);
        }
        let place = t.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let (low, share) = (place.floor() as usize, place.fract());
        stops[low].toward(stops[(low + 1).min(stops.len() - 1)], share)
    }
}

impl Rgb {
    /// The colour a share of the way to another.
    pub fn toward(self, other: Self, share: f64) -> Self {
        let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// Black or white, whichever can be read on this colour. Neither is the page's ink or ground, which a dark page
    /// turns round: the colour below the words stays.
    pub fn text(self) -> Self {
        let lightness = 0.299 * f64::from(self.0) + 0.587 * f64::from(self.1) + 0.114 * f64::from(self.2);
        if lightness > 140.0 { Self(0x10, 0x10, 0x10) } else { Self(0xfe, 0xfe, 0xfe) }
    }

    /// `#RRGGBB`
    pub fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

/// The colours of the levels of all axes.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    axes: HashMap<String, Levels>,
}

impl Palette {
    /// Makes the levels of an axis known, in an order that does not depend on the figure.
    pub fn add<'v>(&mut self, axis: &str, levels: impl IntoIterator<Item = &'v Value>) {
        let known = self.axes.entry(axis.to_owned()).or_default();
        levels.into_iter().for_each(|level| known.add(level));
    }

    /// The colour of a level: by its rank for three numbers and more, else the next of Okabe and Ito's.
    pub fn level(&self, axis: &str, level: &Value) -> Rgb {
        let Some(known) = self.axes.get(axis) else { return nth(0) };
        let place = known.rank(level).unwrap_or(0);
        let numbers = known.all().len() >= 3 && known.are_numbers();
        // The light end of viridis cannot be read as a line on white.
        if numbers { Map::Viridis.at(0.85 * place as f64 / (known.all().len() - 1) as f64) } else { nth(place) }
    }
}

/// The nth of the named colours; they come round again in lighter shades.
pub fn nth(place: usize) -> Rgb {
    let color = OKABE_ITO[place % OKABE_ITO.len()];
    let round = place / OKABE_ITO.len();
    if round == 0 { color } else { color.toward(PAPER, 0.35 * round.min(2) as f64) }
}
