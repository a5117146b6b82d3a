//! log2 det C_z − log2 det C_zx of each image, by one of several ways that give the same numbers.
//!
//! C_z = diag(g)·M_z·diag(g) + σ_out²·I and C_zx = diag(g)·M_zx·diag(g) + σ_out²·I, one pair an image
//! (golden/README.md, "The model"), with M_z = Wᵀ(C_x + σ_in²C_n)W and M_zx = σ_in²·WᵀC_nW shared by the batch.

mod autograd_cholesky;

use tch::Tensor;

/// How the determinants and their gradients are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDet {
    /// Batched Cholesky of every C_z and C_zx; the gradient by autograd.
    AutogradCholesky,
}

impl LogDet {
    /// The words of the parameter `log_det`, the default first.
    pub const NAMES: [&str; 1] = ["autograd_cholesky"];

    /// Reads a word of [`Self::NAMES`].
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "autograd_cholesky" => Some(Self::AutogradCholesky),
            _ => None,
        }
    }
}

/// Log-determinants of a batch, in bits.
#[derive(Debug)]
pub struct LogDets {
    /// `[B]`: log2 det C_z − log2 det C_zx, differentiable in M_z, M_zx and g.
    pub kl: Tensor,
    /// `[B]`: log2 det C_z, detached.
    pub numerator: Tensor,
    /// `[B]`: log2 det C_zx, detached.
    pub denominator: Tensor,
}

/// A factorisation failed, so the run has diverged: `c_z` or `c_zx`.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not positive definite")]
pub struct NotPositiveDefinite(pub &'static str);

/// log2 det C_z − log2 det C_zx of each image.
///
/// `m_z`, `m_zx`: `[J, J]`, symmetric; `g`: `[B, J]`; `output_noise`: σ_out. All of one kind (float or double) and device.
/// A `g` that is not finite gives not finite numbers or `NotPositiveDefinite`. Errors of libtorch itself (out of memory)
/// are panics here as in all of the model's arithmetic; the worker catches them at the border of a run.
pub fn kl(
    backend: LogDet,
    m_z: &Tensor,
    m_zx: &Tensor,
    g: &Tensor,
    output_noise: f64,
) -> Result<LogDets, NotPositiveDefinite> {
    match backend {
        LogDet::AutogradCholesky => autograd_cholesky::kl(m_z, m_zx, g, output_noise),
    }
}
