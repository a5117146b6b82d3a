//! log2 det C_z − log2 det C_zx of each image, by one of several ways that give the same numbers.
//!
//! C_z = diag(g)·M_z·diag(g) + σ_out²·I and C_zx = diag(g)·M_zx·diag(g) + σ_out²·I, one pair an image
//! (golden/README.md, "The model"), with M_z = Wᵀ(C_x + σ_in²C_n)W and M_zx = σ_in²·WᵀC_nW shared by the batch.

mod autograd_cholesky;
mod batched;
mod eigen;
mod fused;
mod in_cache;
mod lanes;
mod lu;
mod sweep;
mod term;

use tch::Tensor;

/// How the determinants and their gradients are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDet {
    /// Value and gradient together, in one pass over the batch: the gradient of a log-determinant is the inverse.
    Fused,
    /// Batched Cholesky of every C_z and C_zx; the gradient by autograd. The reference for the others.
    AutogradCholesky,
    /// Batched LU; the gradient by autograd.
    Lu,
    /// Batched eigenvalues; the gradient by autograd.
    Eigen,
}

impl LogDet {
    /// The words of the parameter `log_det`, the default first.
    pub const NAMES: [&str; 4] = ["fused", "autograd_cholesky", "lu", "eigen"];

    /// Reads a word of [`Self::NAMES`].
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "fused" => Some(Self::Fused),
            "autograd_cholesky" => Some(Self::AutogradCholesky),
            "lu" => Some(Self::Lu),
            "eigen" => Some(Self::Eigen),
            _ => None,
        }
    }
}

/// Log-determinants of a batch, in bits.
#[derive(Debug)]
pub struct LogDets {
    /// `[]`: the mean over the batch of log2 det C_z − log2 det C_zx, differentiable in M_z, M_zx and g.
    /// (The mean, since the gradient of each image's by itself would have to keep a matrix an image.)
    pub kl: Tensor,
    /// `[B]`: log2 det C_z, detached.
    pub numerator: Tensor,
    /// `[B]`: log2 det C_zx, detached.
    pub denominator: Tensor,
}

impl LogDets {
    /// From log-determinants that autograd can go back through.
    fn differentiable(numerator: &Tensor, denominator: &Tensor) -> Self {
        let kl = (numerator - denominator).mean(None);
        Self { kl, numerator: numerator.detach(), denominator: denominator.detach() }
    }
}

/// A factorisation failed, so the run has diverged: `c_z` or `c_zx`.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not positive definite")]
pub struct NotPositiveDefinite(pub &'static str);

/// The mean over the batch of log2 det C_z − log2 det C_zx, and both for each image.
///
/// `m_z`, `m_zx`: `[J, J]`, symmetric; `g`: `[B, J]`; `output_noise`: σ_out. All of one kind (float or double) and device.
/// A `g` that is not finite gives not finite numbers or `NotPositiveDefinite`; on a GPU `fused` gives NaN for a matrix
/// that is not positive definite, since to ask would be to wait. Errors of libtorch itself (out of memory)
/// are panics here as in all of the model's arithmetic; the worker catches them at the border of a run.
pub fn kl(
    backend: LogDet,
    m_z: &Tensor,
    m_zx: &Tensor,
    g: &Tensor,
    output_noise: f64,
) -> Result<LogDets, NotPositiveDefinite> {
    match backend {
        LogDet::Fused => fused::kl(m_z, m_zx, g, output_noise),
        LogDet::AutogradCholesky => autograd_cholesky::kl(m_z, m_zx, g, output_noise),
        LogDet::Lu => lu::kl(m_z, m_zx, g, output_noise),
        LogDet::Eigen => eigen::kl(m_z, m_zx, g, output_noise),
    }
}

/// `[B, J, J]`: diag(g)·m·diag(g) + σ_out²·I; for m `[2, 1, J, J]`, `[2, B, J, J]`.
fn covariances(m: &Tensor, g: &Tensor, output_noise: f64) -> Tensor {
    let noise = Tensor::eye(g.size()[1], (m.kind(), m.device())) * (output_noise * output_noise);
    g.unsqueeze(2) * m * g.unsqueeze(1) + noise
}

#[cfg(test)]
mod tests;
