//! log det C = 2·Σ log diag(L) with C = L·Lᵀ, batched, and autograd through the factorisation: the plain way, and the
//! reference for the others.

use super::{LogDets, NotPositiveDefinite};
use tch::Tensor;

/// As [`super::kl`].
pub fn kl(m_z: &Tensor, m_zx: &Tensor, g: &Tensor, output_noise: f64) -> Result<LogDets, NotPositiveDefinite> {
    let numerator = log2_det("c_z", m_z, g, output_noise)?;
    let denominator = log2_det("c_zx", m_zx, g, output_noise)?;
    let kl = &numerator - &denominator;
    Ok(LogDets { kl, numerator: numerator.detach(), denominator: denominator.detach() })
}

/// `[B]`: log2 det (diag(g)·m·diag(g) + σ_out²·I).
fn log2_det(name: &'static str, m: &Tensor, g: &Tensor, output_noise: f64) -> Result<Tensor, NotPositiveDefinite> {
    let noise = Tensor::eye(m.size()[0], (m.kind(), m.device())) * (output_noise * output_noise);
    let c = g.unsqueeze(2) * m * g.unsqueeze(1) + noise;
    let (factor, info) = c.linalg_cholesky_ex(false, false);
    if info.count_nonzero(None).int64_value(&[]) > 0 {
        return Err(NotPositiveDefinite(name));
    }
    Ok(factor.diagonal(0, -2, -1).log2().sum_dim_intlist(-1, false, None) * 2.0)
}
