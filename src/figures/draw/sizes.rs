//! Sizes of letters in pixels.

/// Of a figure's heading.
pub(super) const TITLE: f64 = 15.0;
/// Of names of axes and panels.
pub(super) const LABEL: f64 = 12.0;
/// Of ticks, keys and notes.
pub(super) const TICK: f64 = 11.0;
