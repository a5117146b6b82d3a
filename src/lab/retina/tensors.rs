//! Named tensors: parameters and their gradients, under the names that checkpoints and golden files use.

use tch::{Kind, Tensor};

/// Which parameter. The order is that of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `[L·K², J]`: free kernels W.
    Kernels,
    /// `[J, 2]`: kernel centres, pixels.
    Centers,
    /// `[p·L, J]` or `[p·L, 1]`: shape parameters, colour by colour.
    Shape,
    /// `[J]`: logA, of the gain.
    LogGain,
    /// `[J]`: logB, of the bias.
    LogBias,
    /// `[J]`: the Lagrange multipliers Λ.
    Multipliers,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kernels, Self::Centers, Self::Shape, Self::LogGain, Self::LogBias, Self::Multipliers];

    /// As checkpoints and golden files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kernels => "encoder.W",
            Self::Centers => "encoder.kernel_centers",
            Self::Shape => "encoder.shape_function.shape_params",
            Self::LogGain => "encoder.logA",
            Self::LogBias => "encoder.logB",
            Self::Multipliers => "Lambda",
        }
    }

    /// Whether it makes up the kernels: W, or centres and shapes.
    pub fn is_of_kernels(self) -> bool {
        matches!(self, Self::Kernels | Self::Centers | Self::Shape)
    }
}

/// Some of the parameters, or gradients of some of them.
#[derive(Debug, Default)]
pub struct Tensors(Vec<(Name, Tensor)>);

impl Tensors {
    /// The tensor of that name.
    pub fn get(&self, name: Name) -> Option<&Tensor> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, tensor)| tensor)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (*name, tensor))
    }

    /// Puts a tensor in, in place of one of the same name.
    pub fn set(&mut self, name: Name, tensor: Tensor) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = tensor,
            None => self.0.push((name, tensor)),
        }
    }

    /// The same tensors (not copies of their numbers).
    pub fn share(&self) -> Self {
        self.iter().map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
    }

    /// Those whose names are wanted.
    pub fn only(self, wanted: impl Fn(Name) -> bool) -> Self {
        Self(self.0.into_iter().filter(|(name, _)| wanted(*name)).collect())
    }

    /// The sum; what one lacks counts as 0.
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.share();
        for (name, tensor) in other.iter() {
            let both = match sum.get(name) {
                Some(own) => own + tensor,
                None => tensor.shallow_clone(),
            };
            sum.set(name, both);
        }
        sum
    }

    /// Each times a number that is a tensor.
    pub fn times(&self, factor: &Tensor) -> Self {
        self.iter().map(|(name, tensor)| (name, tensor * factor)).collect()
    }

    /// `[]`: the norm of all numbers together.
    pub fn norm(&self) -> Tensor {
        let norms: Vec<Tensor> = self.0.iter().map(|(_, tensor)| tensor.detach().norm()).collect();
        match norms.is_empty() {
            true => Tensor::from(0.0),
            false => Tensor::stack(&norms, 0).norm(),
        }
    }

    /// `[]`: the inner product over the names that both have.
    pub fn dot(&self, other: &Self) -> Tensor {
        let products = self.iter().filter_map(|(name, tensor)| Some((tensor * other.get(name)?).sum(None::<Kind>)));
        products.reduce(|a, b| a + b).unwrap_or_else(|| Tensor::from(0.0))
    }
}

impl FromIterator<(Name, Tensor)> for Tensors {
    fn from_iter<I: IntoIterator<Item = (Name, Tensor)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The gradient of a number for some parameters; those that it does not depend on are left out. The graph is kept.
pub fn gradient(number: &Tensor, parameters: &Tensors) -> Tensors {
    let asked: Vec<(Name, &Tensor)> = parameters.iter().filter(|(_, tensor)| tensor.requires_grad()).collect();
    if !number.requires_grad() || asked.is_empty() {
        return Tensors::default();
    }
    let inputs: Vec<&Tensor> = asked.iter().map(|(_, tensor)| *tensor).collect();
    let found = Tensor::run_backward(&[number], &inputs, true, false);
    asked.iter().map(|(name, _)| *name).zip(found).filter(|(_, gradient)| gradient.defined()).collect()
}
