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
    /// The directions that are left of each colour's pixels; `None`: all of them.
    kept: Option<Kept>,
}

/// Directions of each colour's pixels.
#[derive(Debug)]
struct Kept {
    /// `[L, K², D]` double, orthonormal columns.
    directions: Tensor,
    /// `[L, D]` double: by what whitening divides each direction's variance; 1 without whitening.
    variances: Tensor,
}

impl Treatment {
    /// `covariance`: `[LK², LK²]` double, of patches as they are. `whiten`: the share of each colour's principal components that
    /// patches are projected on and whitened to (0: no whitening).
    pub fn new(covariance: &Tensor, colors: i64, kernel_size: i64, remove_mean: bool, whiten: f64, mask: bool) -> Self {
        let pixels = kernel_size * kernel_size;
        let full = if remove_mean { pixels - 1 } else { pixels };
        let mask = mask.then(|| circular_mask(kernel_size));
        let mut treatment = Self { remove_mean, whitening: None, mask, kept: None };
        let count = if whiten > 0.0 { ((whiten * pixels as f64).round() as i64).clamp(1, full) } else { full };
        if whiten > 0.0 || count < pixels {
            let centring = Self { remove_mean, whitening: None, mask: None, kept: None }.matrix(1, pixels);
            let (variances, directions): (Vec<_>, Vec<_>) = (0..colors)
                .map(|color| {
                    let block = covariance.narrow(0, color * pixels, pixels).narrow(1, color * pixels, pixels);
                    let (variances, directions) = centring.matmul(&block).matmul(&centring).linalg_eigh("L");
                    (variances.narrow(0, pixels - count, count), directions.narrow(1, pixels - count, count))
                })
                .unzip();
            let directions = Tensor::stack(&directions, 0);
            let mut variances = Tensor::stack(&variances, 0);
            if whiten > 0.0 {
                // Σ v·vᵀ/√λ over the leading principal components of each colour.
                let whitened = &directions / variances.sqrt().unsqueeze(1);
                treatment.whitening = Some(whitened.matmul(&directions.transpose(1, 2)));
            } else {
                variances = variances.ones_like();
            }
            treatment.kept = Some(Kept { directions, variances });
        }
        treatment
    }

    /// `[LD, LD]` double: the covariance of what is kept of patches, before whitening and mask, colour by colour.
    pub fn kept(&self, covariance: &Tensor) -> Tensor {
        let Some(Kept { directions, .. }) = &self.kept else { return covariance.shallow_clone() };
        let blocks: Vec<Tensor> = (0..directions.size()[0]).map(|color| directions.get(color)).collect();
        let basis = Tensor::block_diag(&blocks);
        let kept = basis.tr().matmul(covariance).matmul(&basis);
        (&kept + kept.tr()) / 2.0
    }

    /// log2 of the determinant of the covariance of treated patches, in the dimensions that they fill, and how many these are.
    /// `kept`: `[LD, LD]`, from [`Self::kept`]; `None` if it is not positive definite.
    ///
    /// With V the kept directions, Λ what whitening divides by and M the mask: det(VᵀCV)·det(VᵀM²V)/det(Λ). The treated
    /// covariance itself is too close to singular where there is a mask: it dims the corners to 1e-8 of their variance.
    pub fn log2_det(&self, kept: &Tensor) -> Option<(f64, i64)> {
        let size = kept.size()[0];
        let mut log2_det = log2_det(kept)?;
        if let Some(Kept { directions, variances }) = &self.kept {
            log2_det -= variances.log2().sum(Kind::Double).double_value(&[]);
            for color in 0..directions.size()[0] {
                if let Some(mask) = &self.mask {
                    let seen = directions.get(color) * mask.unsqueeze(1);
                    log2_det += self::log2_det(&seen.tr().matmul(&seen))?;
                }
            }
        } else if let Some(mask) = &self.mask {
            let colors = size / mask.size()[0];
            log2_det += 2.0 * colors as f64 * mask.log2().sum(Kind::Double).double_value(&[]);
        }
        Some((log2_det, size))
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

    /// The same for patches of a kind on a device; for [`Self::apply`] alone.
    pub fn to(&self, kind: Kind, device: Device) -> Self {
        let to = |tensor: &Option<Tensor>| tensor.as_ref().map(|tensor| tensor.to_kind(kind).to_device(device));
        Self { remove_mean: self.remove_mean, whitening: to(&self.whitening), mask: to(&self.mask), kept: None }
    }
}

/// `[K²]` double: clamp(R − ρ + 1, 10⁻⁴, 1), R = K/2 − ½, ρ the distance from the centre in pixels.
pub fn circular_mask(kernel_size: i64) -> Tensor {
    let radius = kernel_size as f64 / 2.0 - 0.5;
    let offset = Tensor::arange(kernel_size, (Kind::Double, Device::Cpu)) - radius;
    let distance = (offset.square().unsqueeze(1) + offset.square().unsqueeze(0)).sqrt();
    (-distance + radius + 1.0).clamp(1e-4, 1.0).view([-1])
}

/// log2 det of a symmetric matrix; `None` if it is not positive definite.
fn log2_det(matrix: &Tensor) -> Option<f64> {
    let (factor, info) = matrix.linalg_cholesky_ex(false, false);
    (info.int64_value(&[]) == 0).then(|| 2.0 * factor.diagonal(0, 0, 1).log2().sum(Kind::Double).double_value(&[]))
}
