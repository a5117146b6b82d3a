//! log det C = 2·Σ log diag(L) with C = L·Lᵀ, batched, and autograd through the factorisation: the plain way, and the
//! reference for the others.

use super::{LogDets, NotPositiveDefinite, covariances};
use tch::Tensor;

/// As [`super::kl`].
pub fn kl(m_z: &Tensor, m_zx: &Tensor, g: &Tensor, output_noise: f64) -> Result<LogDets, NotPositiveDefinite> {
    let numerator = log2_det("c_z", m_z, g, output_noise)?;
    let denominator = log2_det("c_zx", m_zx, g, output_noise)?;
    Ok(LogDets::differentiable(&numerator, &denominator))
}

/// `[B]`: log2 det (diag(g)·m·diag(g) + σ_out²·I).
fn log2_det(name: &'static str, m: &Tensor, g: &Tensor, output_noise: f64) -> Result<Tensor, NotPositiveDefinite> {
    let (factor, info) = covariances(m, g, output_noise).linalg_cholesky_ex(false, false);
    if info.count_nonzero(None).int64_value(&[]) > 0 {
        return Err(NotPositiveDefinite(name));
    }
    Ok(factor.diagonal(0, -2, -1).log2().sum_dim_intlist(-1, false, None) * 2.0)
}
