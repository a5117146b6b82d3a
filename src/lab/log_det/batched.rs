//! The fused log-determinants as batched tensor operations, for a GPU: no tape, matrices reused in place, no wait.

use super::term::{Gradient, Term};
use super::{NotPositiveDefinite, covariances};
use tch::{Kind, Tensor};

/// The terms of M_z and M_zx; see [`super::fused`]. A matrix that is not positive definite gives NaN, not an error: whoever
/// reads the value next sees it, and nobody has to wait for the device here.
pub fn terms(
    [m_z, m_zx, g]: &[Tensor; 3],
    output_noise: f64,
    with_gradient: bool,
) -> Result<[Term; 2], NotPositiveDefinite> {
    Ok([m_z, m_zx].map(|m| term(m, g, output_noise, with_gradient)))
}

fn term(m: &Tensor, g: &Tensor, output_noise: f64, with_gradient: bool) -> Term {
    let (factor, info) = covariances(m, g, output_noise).linalg_cholesky_ex(false, false);
    let log2_det = factor.diagonal(0, -2, -1).to_kind(Kind::Double).log2().sum_dim_intlist(-1, false, None) * 2.0;
    let log2_det = log2_det.masked_fill(&info.ne(0), f64::NAN);
    let gradient = with_gradient.then(|| {
        let inverse = factor.cholesky_inverse(false);
        drop(factor);
        let by_g = (&inverse * m).matmul(&g.unsqueeze(2)).squeeze_dim(2) * 2.0;
        let mut by_m = inverse;
        by_m *= g.unsqueeze(2);
        by_m *= g.unsqueeze(1);
        Gradient { m: by_m.sum_dim_intlist(0, false, None), g: by_g }
    });
    Term { log2_det, gradient }
}
