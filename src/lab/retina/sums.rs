//! Sums over batches that probes take means of: rates, and gradients.

use super::tensors::Tensors;
use tch::{Kind, Tensor};

/// What [`RateSums::numbers`] are.
pub const RATES: [&str; 5] = ["images", "rate_mean", "rate_sd_per_neuron", "rate_sampling_noise", "rate_sd_per_image"];

/// Rates over images.
pub struct RateSums {
    /// `[J]`.
    sum: Tensor,
    /// `[J]`: of squares.
    squares: Tensor,
    /// `[images]`: means over neurons.
    pub per_image: Tensor,
}

impl RateSums {
    /// Of rates `[images, J]`.
    pub fn of(rates: &Tensor) -> Self {
        let sum = |tensor: &Tensor| tensor.sum_dim_intlist(0, false, None::<Kind>);
        let per_image = rates.mean_dim([1i64].as_slice(), false, None);
        Self { sum: sum(rates), squares: sum(&rates.square()), per_image }
    }

    pub fn join(self, other: Self) -> Self {
        let per_image = Tensor::cat(&[self.per_image, other.per_image], 0);
        Self { sum: self.sum + other.sum, squares: self.squares + other.squares, per_image }
    }

    pub fn images(&self) -> f64 {
        self.per_image.size()[0] as f64
    }

    pub fn per_neuron(&self) -> Tensor {
        &self.sum / self.images()
    }

    /// [`RATES`]; the sampling noise is the standard error of a neuron's mean (root mean square over neurons).
    pub fn numbers(&self) -> [f64; 5] {
        let (n, per_neuron) = (self.images(), self.per_neuron());
        let variance = (&self.squares / n - per_neuron.square()) * (n / (n - 1.0).max(1.0));
        let number = |tensor: Tensor| tensor.double_value(&[]);
        [
            n,
            number(per_neuron.mean(None)),
            number(per_neuron.std(true)),
            number((variance / n).mean(None).sqrt()),
            number(self.per_image.std(true)),
        ]
    }
}

/// The mean of a gradient over batches.
#[derive(Default)]
pub struct MeanGradient {
    sum: Tensors,
    squares: f64,
    batches: f64,
}

impl MeanGradient {
    pub fn add(&mut self, gradient: Tensors) {
        self.squares += gradient.norm().double_value(&[]).powi(2);
        self.sum = self.sum.plus(&gradient);
        self.batches += 1.0;
    }
    pub fn mean(&self) -> Tensors {
        self.sum.times(&Tensor::from(1.0 / self.batches))
    }
    pub fn norm(&self) -> f64 {
        self.mean().norm().double_value(&[])
    }
    /// Root mean square norm of one batch's gradient.
    pub fn norm_of_one(&self) -> f64 {
        (self.squares / self.batches).sqrt()
    }
}
