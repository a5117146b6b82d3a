//! log det C = Σ log λ over the eigenvalues, batched, and autograd through them: the dearest way, and the only one that shows
//! which directions of the response carry the information.

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
    let matrices = covariances(m, g, output_noise);
    // The solver refuses what is not finite; the others give NaN for it.
    if matrices.isfinite().all().int64_value(&[]) == 0 {
        return Err(NotPositiveDefinite(name));
    }
    let eigenvalues = matrices.linalg_eigvalsh("L");
    if eigenvalues.le(0.0).any().int64_value(&[]) != 0 {
        return Err(NotPositiveDefinite(name));
    }
    Ok(eigenvalues.log2().sum_dim_intlist(-1, false, None))
}
