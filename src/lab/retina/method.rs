//! The constraint methods (golden/README.md, "The constraint methods"). With h each neuron's mean rate over the batch less
//! the target, d = φ(u) the drive before the gain, m its mean over the batch:
//!
//! - `lagrange`: loss = β·kl + Λ·h + ρ/2·‖h‖²; everything descends, Λ ascends. `fr_learning_rate` is the ascent rate of Λ.
//!   (The lab's script has Λ move at `learning_rate`, and its FR_learning_rate does nothing for this method.)
//! - `two_losses`: (logA, logB) descend ‖h‖², the kernels descend β·kl, both from the same forward pass.
//!   `fr_learning_rate` is the rate of the (logA, logB) step. With `kernel_gradient: both`, as in the lab's loop, which does
//!   not clear W's gradient in between, the kernels descend β·kl + ‖h‖²; with `information`, β·kl alone.
//! - `gamma`: gain = target/ĥ, where ĥ becomes (1−η)·ĥ + η·mean after each forward pass; η is `fr_learning_rate`. With
//!   `estimate: drive` the mean is m, so ĥ settles at the mean drive and the mean rate at the target. With `estimate: rate`,
//!   as the lab wrote it, it is that of the rate after division: ĥ = target·m/ĥ has the fixed point √(target·m), so the mean
//!   rate settles at the square root of target·m, off target wherever the drive is not the target. With `gradient: stopped`
//!   ĥ is a constant of the step; with `through` it has the gradient of the batch's mean that it averages.
//! - `normalized`: gain = target/m with the gradient through m (`estimate: batch`), or target/ĥ with ĥ the running mean of m
//!   and the gradient of m through it (`running`). What the kernels gain by a larger drive the division takes back, and the
//!   gradient knows it: ∂L/∂d has the share −a/(m·B)·∂L/∂a. (As in batch normalisation, Ioffe & Szegedy 2015, of the mean
//!   instead of the variance.) Where training ends, and before a probe, ĥ is measured on many patches.
//! - `none`: loss = β·kl.

use tch::{Kind, Tensor};

/// The smallest mean drive that `normalized` divides by. Below it a neuron is silent: its gain is target/10⁻⁴ and has no
/// gradient, so that a relu that no image of a batch reaches gives no infinite gain.
pub const SILENT: f64 = 1e-4;

/// How the mean rate of each neuron is held at its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Multipliers that ascend.
    Lagrange {
        /// ρ of the quadratic penalty.
        rho: f64,
    },
    /// A loss of its own for gains and biases.
    TwoLosses {
        /// Whether the kernels follow the firing-rate loss as well.
        kernels_follow_both: bool,
    },
    /// Gains divided by running means.
    Gamma {
        /// Whether ĥ averages the rate after division (else the drive before it).
        of_rate: bool,
        /// Whether the gradient runs through ĥ.
        through: bool,
    },
    /// Gains divided by mean drives, the gradient through them.
    Normalized {
        /// Whether the mean is a running one (else the batch's).
        running: bool,
    },
    /// Not at all.
    None,
}

impl Method {
    /// Whether a step of its own moves what holds the rates, at `fr_learning_rate`.
    pub fn has_rate(self) -> bool {
        !matches!(self, Self::None | Self::Normalized { running: false })
    }

    /// Whether gains come from ĥ; then logA is no parameter.
    pub fn divides(self) -> bool {
        matches!(self, Self::Gamma { .. } | Self::Normalized { .. })
    }

    /// `[J]`: gains target/ĥ.
    pub fn gain(self, target: f64, running_mean: &Tensor) -> Tensor {
        match self {
            Self::Normalized { .. } => gain_at(target, running_mean),
            _ => running_mean.reciprocal() * target,
        }
    }

    /// `[J]`: gains for a batch of drives d `[B, J]`, with the gradient that the method lets through; none where the gain is
    /// what it is before the batch is seen.
    pub fn gain_for(self, target: f64, running_mean: &Tensor, drive: &Tensor) -> Option<Tensor> {
        let mean = || mean(drive);
        let with_slope_of = |mean: Tensor| running_mean + (&mean - mean.detach());
        match self {
            Self::Gamma { through: true, of_rate: false } => Some(self.gain(target, &with_slope_of(mean()))),
            Self::Gamma { through: true, of_rate: true } => {
                let rate = mean() * self.gain(target, running_mean);
                Some(self.gain(target, &with_slope_of(rate)))
            }
            Self::Normalized { running: true } => Some(self.gain(target, &with_slope_of(mean()))),
            Self::Normalized { running: false } => Some(self.gain(target, &mean())),
            _ => None,
        }
    }

    /// `[J]`: ĥ after a batch of drives d and rates, both `[B, J]`.
    pub fn next_mean(self, running_mean: &Tensor, drive: &Tensor, rates: &Tensor, eta: f64) -> Tensor {
        tch::no_grad(|| match self {
            Self::Normalized { running: false } => mean(drive).detach(),
            Self::Gamma { of_rate: true, .. } => running_mean * (1.0 - eta) + mean(rates).detach() * eta,
            _ => running_mean * (1.0 - eta) + mean(drive).detach() * eta,
        })
    }
}

/// `[J]`: gains with which neurons of these mean drives have the target as their mean rate, but for silent ones.
pub fn gain_at(target: f64, mean_drive: &Tensor) -> Tensor {
    mean_drive.clamp_min(SILENT).reciprocal() * target
}

/// `[]`: how many neurons are silent.
pub fn silent(mean_drive: &Tensor) -> Tensor {
    mean_drive.lt(SILENT).sum(Kind::Double)
}

/// `[J]`: means over a batch `[B, J]`.
pub fn mean(batch: &Tensor) -> Tensor {
    batch.mean_dim([0i64].as_slice(), false, None)
}
