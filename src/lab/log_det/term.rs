//! What the fused ways give for one M: log-determinants and their gradient.

use tch::Tensor;

/// The log-determinants of one M over a batch.
pub struct Term {
    /// `[B]`: log2 det A_b, double.
    pub log2_det: Tensor,
    /// What they change by; none where nobody asks.
    pub gradient: Option<Gradient>,
}

/// The gradient of Σ_b ln det A_b.
pub struct Gradient {
    /// `[J, J]`, symmetric.
    pub m: Tensor,
    /// `[B, J]`.
    pub g: Tensor,
}
