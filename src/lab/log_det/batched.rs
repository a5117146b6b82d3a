//! The fused log-determinants as batched tensor operations, for a GPU: no tape, matrices reused in place, no wait.

use super::term::{Gradient, Term};
use super::{NotPositiveDefinite, covariances};
use tch::{Kind, Tensor};

/// The terms of M_z and M_zx; see [`super::fused`]. A matrix that is not positive definite gives NaN, not an error: whoever
/// reads the value next sees it, and nobody has to wait for the device here.
///
/// All 2·B matrices are one batch, which is half as many launches. With A = L·Lᵀ and X = L⁻¹, A⁻¹ = Xᵀ·X: a batched triangular
/// solve and a batched product. (libtorch's `cholesky_inverse` solves matrix by matrix on a GPU.)
pub fn terms(
    [m_z, m_zx, g]: &[Tensor; 3],
    output_noise: f64,
    with_gradient: bool,
) -> Result<[Term; 2], NotPositiveDefinite> {
    let m = Tensor::stack(&[m_z, m_zx], 0).unsqueeze(1);
    let (factor, info) = covariances(&m, g, output_noise).linalg_cholesky_ex(false, false);
    let log2_det = factor.diagonal(0, -2, -1).to_kind(Kind::Double).log2().sum_dim_intlist(-1, false, None) * 2.0;
    let log2_det = log2_det.masked_fill(&info.ne(0), f64::NAN);
    let gradient = with_gradient.then(|| {
        let identity = Tensor::eye(g.size()[1], (g.kind(), g.device())).expand_as(&factor);
        let solved = factor.linalg_solve_triangular(&identity, false, true, false);
        drop(factor);
        let inverse = solved.transpose(-2, -1).matmul(&solved);
        drop(solved);
        let by_g = (&inverse * &m).matmul(&g.unsqueeze(2)).squeeze_dim(-1) * 2.0;
        let mut by_m = inverse;
        by_m *= g.unsqueeze(2);
        by_m *= g.unsqueeze(1);
        (by_m.sum_dim_intlist(1, false, None), by_g)
    });
    let term = |index| Term {
        log2_det: log2_det.get(index),
        gradient: gradient.as_ref().map(|(m, g)| Gradient { m: m.get(index), g: g.get(index) }),
    };
    Ok([term(0), term(1)])
}
