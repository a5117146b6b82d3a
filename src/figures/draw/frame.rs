//! The inside of a panel: from shares of an axis to pixels.

/// How far a tick's label may reach beyond its panel.
pub(super) const OVERHANG: f64 = 6.0;

/// The inside of a panel, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Frame {
    /// The place of a share of the x axis.
    pub fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share
    }

    /// The middle of a label at a share of the x axis: labels at the ends reach little beyond the panel, so that those
    /// of panels side by side stay apart.
    pub fn label_x(&self, share: f64, width: f64) -> f64 {
        let (low, high) = (self.left - OVERHANG + width / 2.0, self.right + OVERHANG - width / 2.0);
        if low < high { self.x(share).clamp(low, high) } else { self.x(share) }
    }

    /// The place of a share of the y axis; it runs upwards.
    pub fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share
    }
}
