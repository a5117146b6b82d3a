//! The retina: images with noise through kernels and a nonlinearity to rates, and the information that its linearised
//! channel carries (golden/README.md, "The model").
//!
//! ```text
//! y = (x + σ_in·n)·W     u = y − b     r = a·φ(u)     g = a·φ′(u)     φ = softplus with sharpness 2.5, or relu
//! C_zx = diag(g)·M_zx·diag(g) + σ_out²·I     M_zx = σ_in²·Wᵀ·C_n·W
//! C_z  = diag(g)·M_z ·diag(g) + σ_out²·I     M_z  = Wᵀ·(C_x + σ_in²·C_n)·W
//! ```
//! C_n = I, or exp(−distance/B) between pixels of a colour where the input noise is correlated. (The lab draws its noise
//! with that correlation but leaves C_n = I in both matrices; here it is the same in all three places.)

use super::kernels::Kernels;
use super::shape::pixels;
use super::tensors::Tensors;
use crate::log_det::{self, LogDet, LogDets, NotPositiveDefinite};
use tch::{Kind, Tensor};

/// Sharpness of the softplus.
const SHARPNESS: f64 = 2.5;

/// Rate by drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// softplus(u; 2.5).
    Softplus,
    /// max(u, 0).
    Relu,
}

impl Nonlinearity {
    /// φ(u).
    fn rate(self, drive: &Tensor) -> Tensor {
        match self {
            Self::Softplus => (drive * SHARPNESS).softplus() / SHARPNESS,
            Self::Relu => drive.relu(),
        }
    }

    /// φ′(u).
    fn slope(self, drive: &Tensor) -> Tensor {
        match self {
            Self::Softplus => (drive * SHARPNESS).sigmoid(),
            Self::Relu => drive.gt(0.0).to_kind(drive.kind()),
        }
    }
}

/// What does not change while it learns.
#[derive(Debug)]
pub struct Model {
    /// How kernels come about.
    pub kernels: Kernels,
    /// φ.
    pub nonlinearity: Nonlinearity,
    /// σ_in.
    pub input_noise: f64,
    /// σ_out.
    pub output_noise: f64,
    /// By which way log-determinants are computed.
    pub log_det: LogDet,
    /// `[LK², LK²]`: C_x + σ_in²·C_n.
    covariance: Tensor,
    /// Correlated noise.
    correlation: Option<Correlation>,
}

/// Input noise that is correlated between the pixels of a colour.
#[derive(Debug)]
struct Correlation {
    /// `[K², K²]`: C_n of one colour.
    matrix: Tensor,
    /// Its Cholesky factor.
    factor: Tensor,
}

/// Responses to a batch.
#[derive(Debug)]
pub struct Forward {
    /// `[LK², J]`: W.
    pub kernels: Tensor,
    /// `[B, J]`: y.
    pub filtered: Tensor,
    /// `[B, J]`: u.
    pub drive: Tensor,
    /// `[B, J]`: d = φ(u), the rate before the gain.
    pub before_gain: Tensor,
    /// `[J]`: a.
    pub gain: Tensor,
    /// `[B, J]`: r.
    pub rates: Tensor,
    /// `[B, J]`: g.
    pub gains: Tensor,
    /// `[J, J]`: Wᵀ(C_x + σ_in²·C_n)W.
    pub m_z: Tensor,
    /// `[J, J]`: σ_in²·Wᵀ·C_n·W.
    pub m_zx: Tensor,
}

impl Model {
    /// `data_covariance`: C_x in double on the CPU; the model is of `like`'s kind and on its device. `correlation`: B in pixels, 0
    /// for independent noise.
    pub fn new(
        kernels: Kernels,
        nonlinearity: Nonlinearity,
        [input_noise, correlation, output_noise]: [f64; 3],
        log_det: LogDet,
        data_covariance: &Tensor,
        like: (Kind, tch::Device),
    ) -> Self {
        let to = |tensor: &Tensor| tensor.to_kind(like.0).to_device(like.1);
        let size = data_covariance.size()[0];
        let (noise, correlation) = if correlation > 0.0 {
            let like = (Kind::Double, tch::Device::Cpu);
            let [x, y] = pixels(kernels.kernel_size, like).map(|index| index.unsqueeze(1) - index.unsqueeze(0));
            let matrix = (-((x.square() + y.square()).sqrt() / correlation)).exp();
            let noise = Tensor::block_diag(&(0..kernels.colors).map(|_| matrix.shallow_clone()).collect::<Vec<_>>());
            let factor = matrix.linalg_cholesky(false);
            (noise, Some(Correlation { matrix: to(&matrix), factor: to(&factor) }))
        } else {
            (Tensor::eye(size, (Kind::Double, tch::Device::Cpu)), None)
        };
        let covariance = to(&(data_covariance + noise * (input_noise * input_noise)));
        Self { kernels, nonlinearity, input_noise, output_noise, log_det, covariance, correlation }
    }

    /// Responses to images `[B, L, K²]` with standard-normal noise of the same shape; `bias` `[J]`; `gain` `[J]` is told d.
    pub fn forward(
        &self,
        parameters: &Tensors,
        images: &Tensor,
        noise: &Tensor,
        bias: &Tensor,
        gain: impl FnOnce(&Tensor) -> Tensor,
    ) -> Forward {
        self.forward_with(&self.kernels.of(parameters), images, noise, bias, gain)
    }

    /// The same with given kernels.
    pub fn forward_with(
        &self,
        kernels: &Tensor,
        images: &Tensor,
        noise: &Tensor,
        bias: &Tensor,
        gain: impl FnOnce(&Tensor) -> Tensor,
    ) -> Forward {
        let noise = match &self.correlation {
            Some(correlation) => noise.matmul(&correlation.factor.tr()),
            None => noise.shallow_clone(),
        };
        let filtered = (images + noise * self.input_noise).flatten(1, 2).matmul(kernels);
        let drive = &filtered - bias;
        let before_gain = self.nonlinearity.rate(&drive);
        let gain = gain(&before_gain);
        let rates = &gain * &before_gain;
        let gains = &gain * self.nonlinearity.slope(&drive);
        let m_z = quadratic(kernels, &self.covariance.matmul(&kernels.detach()));
        let m_zx = quadratic(kernels, &(self.correlated(&kernels.detach()) * (self.input_noise * self.input_noise)));
        Forward { kernels: kernels.shallow_clone(), filtered, drive, before_gain, gain, rates, gains, m_z, m_zx }
    }

    /// Log-determinants of the channel.
    pub fn log_dets(&self, forward: &Forward) -> Result<LogDets, NotPositiveDefinite> {
        log_det::kl(self.log_det, &forward.m_z, &forward.m_zx, &forward.gains, self.output_noise)
    }

    /// The mean KL on the same batch and noise, W held, with other gains and biases.
    pub fn kl_with(&self, forward: &Forward, gain: &Tensor, bias: &Tensor) -> Result<Tensor, NotPositiveDefinite> {
        tch::no_grad(|| {
            let gains = gain.detach() * self.nonlinearity.slope(&(forward.filtered.detach() - bias.detach()));
            let [m_z, m_zx] = [&forward.m_z, &forward.m_zx].map(Tensor::detach);
            log_det::kl(self.log_det, &m_z, &m_zx, &gains, self.output_noise).map(|log_dets| log_dets.kl)
        })
    }

    /// `[J, J]` each: means over the batch of C_z and C_zx. The batch's diag(g)·M·diag(g) have the mean M ∘ GᵀG/B.
    pub fn mean_covariances(&self, forward: &Forward) -> [Tensor; 2] {
        tch::no_grad(|| {
            let gains = forward.gains.detach();
            let products = gains.tr().matmul(&gains) / gains.size()[0] as f64;
            let noise =
                Tensor::eye(gains.size()[1], (gains.kind(), gains.device())) * (self.output_noise * self.output_noise);
            [&forward.m_z, &forward.m_zx].map(|m| m.detach() * &products + &noise)
        })
    }

    /// C_n·W.
    fn correlated(&self, kernels: &Tensor) -> Tensor {
        let Some(correlation) = &self.correlation else { return kernels.shallow_clone() };
        let pixels = self.kernels.kernel_size * self.kernels.kernel_size;
        correlation.matrix.matmul(&kernels.view([self.kernels.colors, pixels, -1])).view_as(kernels)
    }
}

/// Wᵀ·(C·W) for a symmetric C whose product with W is given as a constant. Its gradient, 2·C·W·∂M for a symmetric ∂M, needs
/// no product with C again: the value is doubled where autograd sees it and taken off where it does not.
fn quadratic(kernels: &Tensor, product: &Tensor) -> Tensor {
    let half = kernels.tr().matmul(product);
    &half + (&half - half.detach())
}
