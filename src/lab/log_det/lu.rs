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
    let covariances = covariances(m, g, output_noise);
    let (sign, log) =
        if covariances.device().is_cuda() { covariances.slogdet() } else { alone(|| covariances.slogdet()) };
    if sign.le(0.0).any().int64_value(&[]) != 0 {
        return Err(NotPositiveDefinite(name));
    }
    Ok(log / std::f64::consts::LN_2)
}

/// On one thread of libtorch's: oneMKL's factorisation of single precision fails when several threads call it
/// with matrices of 300 rows ("Parameter 6 was incorrect on entry to SLASWP").
fn alone<T>(compute: impl FnOnce() -> T) -> T {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let computed = compute();
    tch::set_num_threads(threads);
    computed
}
