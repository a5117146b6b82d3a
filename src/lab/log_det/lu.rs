//! log |det C| = Σ log |diag(U)| with C = P·L·U, batched, and autograd through it: twice the arithmetic of Cholesky, and the
//! way that libraries offer for any square matrix.

use super::{LogDets, NotPositiveDefinite, covariances};
use tch::Tensor;

/// As [`super::kl`].
pub fn kl(m_z: &Tensor, m_zx: &Tensor, g: &Tensor, output_noise: f64) -> Result<LogDets, NotPositiveDefinite> {
    let numerator = log2_det("c_z", m_z, g, output_noise)?;
    let denominator = log2_det("c_zx", m_zx, g, output_noise)?;
    Ok(LogDets::differentiable(&numerator, &denominator))
}

/// `[B]`: log2 |det (diag(g)·m·diag(g) + σ_out²·I)|.
fn log2_det(name: &'static str, m: &Tensor, g: &Tensor, output_noise: f64) -> Result<Tensor, NotPositiveDefinite> {
    let (sign, log) = covariances(m, g, output_noise).slogdet();
    if sign.le(0.0).any().int64_value(&[]) != 0 {
        return Err(NotPositiveDefinite(name));
    }
    Ok(log / std::f64::consts::LN_2)
}
