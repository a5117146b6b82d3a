//! Value and gradient together, without autograd through a factorisation.
//!
//! With A_b = diag(g_b)·M·diag(g_b) + σ²·I, one M for all images b, ∂ log det A_b/∂A_b = A_b⁻¹, so
//!
//! ```text
//! ∂ Σ_b log det A_b / ∂M   = Σ_b diag(g_b)·A_b⁻¹·diag(g_b)        one [J, J] matrix
//! ∂ log det A_b     / ∂g_b = 2·(A_b⁻¹ ∘ M)·g_b                    one [J] vector an image
//! ```
//!
//! Nothing of size [B, J, J] is kept and no factorisation is differentiated. Autograd gets the gradient from a
//! surrogate S = ⟨∂M_z, M_z⟩ + ⟨∂M_zx, M_zx⟩ + ⟨∂g, g⟩ with constant ∂s: kl + (S − S), the second S a constant, has the
//! value of kl and the gradient of S. On the CPU each image's matrices stay in a core's cache ([`in_cache`]), on a GPU the
//! images go as a batch ([`batched`]).

use super::{LogDets, NotPositiveDefinite, batched, in_cache};
use tch::{Kind, Tensor};

/// As [`super::kl`].
pub fn kl(m_z: &Tensor, m_zx: &Tensor, g: &Tensor, output_noise: f64) -> Result<LogDets, NotPositiveDefinite> {
    let with_gradient = m_z.requires_grad() || m_zx.requires_grad() || g.requires_grad();
    let constants = [m_z, m_zx, g].map(Tensor::detach);
    let terms = if g.device().is_cuda() { batched::terms } else { in_cache::terms };
    let [z, zx] = tch::no_grad(|| terms(&constants, output_noise, with_gradient))?;

    let value = (&z.log2_det - &zx.log2_det).mean(None).to_kind(g.kind());
    let kl = match (z.gradient, zx.gradient) {
        (Some(z), Some(zx)) => {
            let surrogate = dot(&z.m, m_z) - dot(&zx.m, m_zx) + dot(&(z.g - zx.g), g);
            let mean_in_bits = 1.0 / (g.size()[0] as f64 * std::f64::consts::LN_2);
            value + (&surrogate - surrogate.detach()) * mean_in_bits
        }
        _ => value,
    };
    let to_kind = |log2_det: Tensor| log2_det.to_kind(g.kind());
    Ok(LogDets { kl, numerator: to_kind(z.log2_det), denominator: to_kind(zx.log2_det) })
}

fn dot(gradient: &Tensor, variable: &Tensor) -> Tensor {
    (gradient * variable).sum(None::<Kind>)
}
