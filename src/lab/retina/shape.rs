//! Radial shapes of kernels (golden/README.md, "The model" and "Other shapes").
//!
//! Each colour has rows of its own in the shape parameters: those of the profile, then d, the colour's weight. With ρ the
//! distance from the kernel's centre, kernel = d/‖d‖·profile(ρ), ‖d‖ over the colours.

use tch::{Device, Kind, Tensor};

/// The profile of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// exp(−aρ²) − c·exp(−bρ²), a = exp(p₀) + exp(p₁), b = exp(p₁), c = sigmoid(p₂).
    DifferenceOfGaussian,
    /// exp(−aρ²), a = exp(p₀).
    Gaussian,
    /// (1+aρ²)⁻¹ − c·(1+bρ²)⁻¹, a, b as above, c = exp(−(a−b)·⌊K/4⌋²·sigmoid(p₂)).
    DifferenceOfT,
    /// (1+aρ²/2)^(−3/2), a = exp(p₀).
    SingleT,
}

impl Shape {
    /// Reads a word of the parameter `shape`; `None` for free kernels.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "difference-of-gaussian" => Some(Self::DifferenceOfGaussian),
            "gaussian" => Some(Self::Gaussian),
            "difference-of-t" => Some(Self::DifferenceOfT),
            "single-t" => Some(Self::SingleT),
            _ => None,
        }
    }

    /// Where the profile's parameters start.
    pub fn start(self) -> &'static [f64] {
        match self {
            Self::DifferenceOfGaussian => &[-3.0, -3.0, 0.0],
            Self::Gaussian => &[-0.75],
            Self::DifferenceOfT => &[-3.0, -0.9, 0.0],
            Self::SingleT => &[-3.0],
        }
    }

    /// Rows of one colour: the profile's parameters and d.
    pub fn rows(self) -> i64 {
        self.start().len() as i64 + 1
    }

    /// `[L·K², J]`, columns of length 1. `centers`: `[J, 2]`; `parameters`: `[L·rows, J or 1]`.
    pub fn kernels(self, centers: &Tensor, parameters: &Tensor, colors: i64, kernel_size: i64) -> Tensor {
        let squared = squared_distance(centers, kernel_size).unsqueeze(0);
        let parameters = parameters.view([colors, self.rows(), -1]);
        let row = |i: i64| parameters.narrow(1, i, 1);
        let profile = self.profile(&squared, row, kernel_size);
        let d = row(self.rows() - 1);
        let d = &d / d.square().sum_dim_intlist(0, true, None).sqrt();
        let neurons = centers.size()[0];
        unit_columns(&(d * profile).expand([colors, kernel_size * kernel_size, neurons], false).reshape([-1, neurons]))
    }

    /// `[L, K², J]` over squared distances `[1, K², J]`; `row(i)` is `[L, 1, J or 1]`.
    fn profile(self, squared: &Tensor, row: impl Fn(i64) -> Tensor, kernel_size: i64) -> Tensor {
        let inverse = |scale: &Tensor| (scale * squared + 1.0).reciprocal();
        match self {
            Self::Gaussian => (-(row(0).exp() * squared)).exp(),
            Self::SingleT => (row(0).exp() * squared / 2.0 + 1.0).pow_tensor_scalar(-1.5),
            Self::DifferenceOfGaussian => {
                let b = row(1).exp();
                let a = row(0).exp() + &b;
                (-(a * squared)).exp() - row(2).sigmoid() * (-(b * squared)).exp()
            }
            Self::DifferenceOfT => {
                let b = row(1).exp();
                let a = row(0).exp() + &b;
                let quarter = (kernel_size / 4) as f64;
                let c = (-((&a - &b) * (quarter * quarter) * row(2).sigmoid())).exp();
                inverse(&a) - c * inverse(&b)
            }
        }
    }
}

/// Columns divided by their lengths.
pub fn unit_columns(kernels: &Tensor) -> Tensor {
    kernels / kernels.square().sum_dim_intlist(0, true, None).sqrt()
}

/// `[K²]` each, of a kind and made on the device (to send them there would be to wait): the row and the column of each pixel.
pub fn pixels(kernel_size: i64, like: (Kind, Device)) -> [Tensor; 2] {
    let index = Tensor::arange(kernel_size, like);
    let row = index.unsqueeze(1).expand([kernel_size, kernel_size], false).reshape([-1]);
    let column = index.unsqueeze(0).expand([kernel_size, kernel_size], false).reshape([-1]);
    [row, column]
}

/// `[K², J]`: squared distance of each pixel from each centre.
fn squared_distance(centers: &Tensor, kernel_size: i64) -> Tensor {
    let [x, y] = pixels(kernel_size, (centers.kind(), centers.device())).map(|index| index.unsqueeze(1));
    (x - centers.select(1, 0)).square() + (y - centers.select(1, 1)).square()
}
