//! Takes a figure as a spec asks for it and a stored sweep, gives SVG, PNG and the numbers drawn.
//! Writes no files. Two layers: [`kinds`] and what it stands on turn a sweep into a [`Picture`] (plain data), and
//! [`draw`](mod@draw) turns a picture into SVG. plotters, resvg and krilla are named only here.

mod color;
pub mod draw;
mod drawing;
mod error;
mod groups;
mod kinds;
mod levels;
pub mod paper;
mod picture;
mod source;
mod spread;
mod suggest;
mod thin;

pub use color::{Map, Palette, Rgb};
pub use draw::font;
pub use drawing::{Drawing, PAGE, SLIDE, draw_all, draw_one, png};
pub use error::FiguresError;
pub use picture::{Axis, Data, Key, Legend, Mark, Picture, Row, Scale, Shape, Sign};
pub use source::Source;
pub use suggest::suggest;
pub use thin::thin;
