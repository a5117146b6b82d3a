//! torch's SGD and Adam over named tensors, with a state that a checkpoint can hold.

use crate::retina::tensors::{Name, Tensors};
use tch::{Kind, Tensor};

/// Adam's β₁, β₂, ε.
const ADAM: (f64, f64, f64) = (0.9, 0.999, 1e-8);

/// The rule of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// p ← p − rate·∂.
    Sgd,
    /// torch's Adam.
    Adam,
}

/// A rule and what it remembers of each parameter.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    moments: Vec<(Name, Moments)>,
}

/// Adam's memory of one parameter.
#[derive(Debug)]
struct Moments {
    steps: i64,
    first: Tensor,
    second: Tensor,
}

impl Optimizer {
    /// Without memory.
    pub fn new(rule: Rule) -> Self {
        Self { rule, moments: Vec::new() }
    }

    /// Moves the parameters that have a gradient, each at its own rate.
    pub fn step(&mut self, parameters: &mut Tensors, gradients: &Tensors, rate: impl Fn(Name) -> f64) {
        tch::no_grad(|| {
            for (name, gradient) in gradients.iter() {
                let Some(old) = parameters.get(name) else { continue };
                let new = match self.rule {
                    Rule::Sgd => old - gradient * rate(name),
                    Rule::Adam => self.adam(name, old, gradient, rate(name)),
                };
                parameters.set(name, new);
            }
        });
    }

    fn adam(&mut self, name: Name, old: &Tensor, gradient: &Tensor, rate: f64) -> Tensor {
        let (beta1, beta2, epsilon) = ADAM;
        let index = match self.moments.iter().position(|(known, _)| *known == name) {
            Some(index) => index,
            None => {
                let [first, second] = [old.zeros_like(), old.zeros_like()];
                self.moments.push((name, Moments { steps: 0, first, second }));
                self.moments.len() - 1
            }
        };
        let moments = &mut self.moments[index].1;
        moments.steps += 1;
        moments.first = &moments.first + (gradient - &moments.first) * (1.0 - beta1);
        moments.second = &moments.second * beta2 + gradient.square() * (1.0 - beta2);
        let correction = |beta: f64| 1.0 - beta.powf(moments.steps as f64);
        let denominator = moments.second.sqrt() / correction(beta2).sqrt() + epsilon;
        old - &moments.first / denominator * (rate / correction(beta1))
    }

    /// What a checkpoint holds of it: names end in `steps`, `first`, `second`.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let of = |(name, moments): &(Name, Moments)| {
            let name = name.as_str();
            [
                (format!("optimizer.{name}.steps"), Tensor::from_slice(&[moments.steps])),
                (format!("optimizer.{name}.first"), moments.first.shallow_clone()),
                (format!("optimizer.{name}.second"), moments.second.shallow_clone()),
            ]
        };
        self.moments.iter().flat_map(of).collect()
    }

    /// The same rule with the memory that a checkpoint holds; `get` gives its tensors by name, of the run's kind and device.
    pub fn restore(&mut self, get: impl Fn(&str) -> Option<Tensor>) {
        self.moments = Name::ALL
            .into_iter()
            .filter_map(|name| {
                let part = |part: &str| get(&format!("optimizer.{}.{part}", name.as_str()));
                let steps = part("steps")?.to_kind(Kind::Int64).int64_value(&[0]);
                Some((name, Moments { steps, first: part("first")?, second: part("second")? }))
            })
            .collect();
    }
}
