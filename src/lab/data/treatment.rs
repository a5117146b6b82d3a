//! What is done to a patch before the retina sees it: its mean removed, colour by colour; whitened; seen through a circle.
//! Each is linear, so the covariance of treated patches follows from that of patches as they are.

use tch::{Device, Kind, Tensor};

/// Whitening, mean removal and mask of one patch size.
#[derive(Debug)]
pub struct Treatment {
    remove_mean: bool,
    /// `[L, K², K²]`.
    whitening: Option<Tensor>,
    /// `[K²]`.
    mask: Option<Tensor>,
    /// Dimensions that are left of each colour's pixels.
    rank: i64,
}

impl Treatment {
    /// `covariance`: `[LK², LK²]` double, of patches as they are. `whiten`: the share of each colour's principal components that
    /// patches are projected on and whitened to (0: no whitening).
    pub fn new(covariance: &Tensor, colors: i64, kernel_size: i64, remove_mean: bool, whiten: f64, mask: bool) -> Self {
        let pixels = kernel_size * kernel_size;
        let full = if remove_mean { pixels - 1 } else { pixels };
        let mask = mask.then(|| circular_mask(kernel_size));
        let mut treatment = Self { remove_mean, whitening: None, mask, rank: full };
        if whiten > 0.0 {
            treatment.rank = ((whiten * pixels as f64).round() as i64).clamp(1, full);
            let centring = Self { remove_mean, whitening: None, mask: None, rank: full }.matrix(1, pixels);
            let whitening: Vec<Tensor> = (0..colors)
                .map(|color| {
                    let block = covariance.narrow(0, color * pixels, pixels).narrow(1, color * pixels, pixels);
                    pca_whitening(&centring.matmul(&block).matmul(&centring), treatment.rank)
                })
                .collect();
            treatment.whitening = Some(Tensor::stack(&whitening, 0));
        }
        treatment
    }

    /// `[B, L, K²]` → the same.
    pub fn apply(&self, mut patches: Tensor) -> Tensor {
        if self.remove_mean {
            patches -= patches.mean_dim([-1i64].as_slice(), true, None);
        }
        if let Some(whitening) = &self.whitening {
            patches = patches.transpose(0, 1).matmul(whitening).transpose(0, 1);
        }
        if let Some(mask) = &self.mask {
            patches *= mask;
        }
        patches
    }

    /// `[LK², LK²]` double: A with A·x the treated patch.
    pub fn matrix(&self, colors: i64, pixels: i64) -> Tensor {
        let values = colors * pixels;
        let identity = Tensor::eye(values, (Kind::Double, Device::Cpu)).view([values, colors, pixels]);
        self.apply(identity).reshape([values, values]).tr()
    }

    /// Dimensions that are left of each colour's pixels.
    pub fn rank(&self) -> i64 {
        self.rank
    }

    /// The same for patches of a kind on a device.
    pub fn to(&self, kind: Kind, device: Device) -> Self {
        let to = |tensor: &Option<Tensor>| tensor.as_ref().map(|tensor| tensor.to_kind(kind).to_device(device));
        Self { remove_mean: self.remove_mean, whitening: to(&self.whitening), mask: to(&self.mask), rank: self.rank }
    }
}

/// `[K²]` double: clamp(R − ρ + 1, 10⁻⁴, 1), R = K/2 − ½, ρ the distance from the centre in pixels.
pub fn circular_mask(kernel_size: i64) -> Tensor {
    let radius = kernel_size as f64 / 2.0 - 0.5;
    let offset = Tensor::arange(kernel_size, (Kind::Double, Device::Cpu)) - radius;
    let distance = (offset.square().unsqueeze(1) + offset.square().unsqueeze(0)).sqrt();
    (-distance + radius + 1.0).clamp(1e-4, 1.0).view([-1])
}

/// Σ v·vᵀ/√λ over the leading principal components of a colour's covariance.
fn pca_whitening(covariance: &Tensor, kept: i64) -> Tensor {
    let (values, vectors) = covariance.linalg_eigh("L");
    let from = values.size()[0] - kept;
    let (values, vectors) = (values.narrow(0, from, kept), vectors.narrow(1, from, kept));
    (&vectors / values.sqrt().unsqueeze(0)).matmul(&vectors.tr())
}
