//! Kernels: free, or of a radial shape; their variance in space, their jitter.

use super::shape::{Shape, unit_columns};
use super::tensors::{Name, Tensors};
use tch::{Kind, Tensor};

/// How kernels come about.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Radial shape; none: W itself is the parameter.
    pub shape: Option<Shape>,
    /// L.
    pub colors: i64,
    /// K, pixels.
    pub kernel_size: i64,
}

impl Kernels {
    /// `[L·K², J]`: W, colour-major.
    pub fn of(&self, parameters: &Tensors) -> Tensor {
        let get = |name| parameters.get(name).map_or_else(Tensor::new, Tensor::shallow_clone);
        match self.shape {
            None => get(Name::Kernels),
            Some(shape) => shape.kernels(&get(Name::Centers), &get(Name::Shape), self.colors, self.kernel_size),
        }
    }

    /// `[]`: mean over neurons of the variance in space of the squared kernel (averaged over colours), pixels².
    pub fn variance(&self, kernels: &Tensor) -> Tensor {
        let size = self.kernel_size;
        let w = unit_columns(kernels).view([self.colors, size, size, -1]).mean_dim([0i64].as_slice(), false, None);
        let power = w.square();
        let index = Tensor::arange(size, (kernels.kind(), kernels.device())).unsqueeze(1);
        let variance = |p: Tensor| {
            let mean = (&index * &p).sum_dim_intlist(0, true, None::<Kind>);
            ((&index - mean).square() * p).sum_dim_intlist(0, false, None::<Kind>)
        };
        let by_row = power.sum_dim_intlist(1, false, None::<Kind>);
        let by_column = power.sum_dim_intlist(0, false, None::<Kind>);
        (variance(by_row) + variance(by_column)).mean(None::<Kind>)
    }
}

/// Free kernels sharpened: W ← W·|W|^power, columns of length 1.
pub fn jittered(kernels: &Tensor, power: f64) -> Tensor {
    unit_columns(&(kernels * kernels.abs().pow_tensor_scalar(power)))
}
