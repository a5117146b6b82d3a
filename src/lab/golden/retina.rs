//! The retina's golden files: every tensor of the first step, the trajectory, the parameters at the end.

use super::Worst;
use crate::log_det::LogDet;
use crate::optimizer::{Optimizer, Rule};
use crate::phases::Phases;
use crate::retina::Kernels;
use crate::retina::learner::{Learner, Rates, Step};
use crate::retina::method::Method;
use crate::retina::model::{Model, Nonlinearity};
use crate::retina::shape::Shape;
use crate::retina::tensors::{Name, Tensors, gradient};
use crate::tensor_file::TensorFile;
use std::collections::HashMap;
use tch::{Device, Kind, Tensor};

/// A golden file read for one precision and device.
struct Golden<'a> {
    file: &'a TensorFile,
    kind: Kind,
    device: Device,
}

impl Golden<'_> {
    fn word(&self, name: &str) -> Option<&str> {
        self.file.metadata.get(name).map(String::as_str)
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        self.word(name).ok_or_else(|| format!("the metadata lack `{name}`"))
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        self.text(name)?.parse().map_err(|_| format!("`{name}` is no number"))
    }

    fn tensor(&self, name: &str) -> Result<Tensor, String> {
        let tensor = self.file.get(name).ok_or_else(|| format!("no `{name}`"))?;
        Ok(tensor.to_kind(self.kind).to_device(self.device))
    }

    fn learner(&self) -> Result<Learner, String> {
        let shape = match self.text("shape")? {
            "None" => None,
            word => Some(Shape::parse(word).ok_or_else(|| format!("no shape `{word}`"))?),
        };
        let kernels =
            Kernels { shape, colors: self.number("colors")? as i64, kernel_size: self.number("kernel_size")? as i64 };
        let nonlinearity = match self.text("nonlinearity")? {
            "softplus" => Nonlinearity::Softplus,
            "relu" => Nonlinearity::Relu,
            other => return Err(format!("no nonlinearity `{other}`")),
        };
        let covariance = self.file.get("data_covariance").ok_or("no `data_covariance`")?;
        let parameters: Tensors = Name::ALL
            .into_iter()
            .filter_map(|name| Some((name, self.tensor(&format!("init.{}", name.as_str())).ok()?)))
            .collect();
        Ok(Learner {
            model: Model::new(
                kernels,
                nonlinearity,
                [self.number("input_noise")?, 0.0, self.number("output_noise")?],
                LogDet::Fused,
                covariance,
                (self.kind, self.device),
            ),
            method: self.method()?,
            target: self.number("fr_target")?,
            beta: self.number("beta")?,
            max_grad_norm: self.number("max_grad_norm")?,
            parameters,
            centers_learn: true,
            running_mean: Tensor::ones([self.number("neurons")? as i64], (self.kind, self.device)),
            optimizer: Optimizer::new(match self.text("optimizer")? {
                "sgd" => Rule::Sgd,
                "adam" => Rule::Adam,
                other => return Err(format!("no optimizer `{other}`")),
            }),
        })
    }

    fn method(&self) -> Result<Method, String> {
        match self.text("method")? {
            "Lagrange" => Ok(Method::Lagrange { rho: self.number("rho")? }),
            "Two_losses" => Ok(Method::TwoLosses { kernels_follow_both: true }),
            "Gamma" => Ok(Method::Gamma {
                of_rate: self.word("estimate").is_none_or(|word| word == "rate"),
                through: self.word("gradient") == Some("through"),
            }),
            "Normalized" => Ok(Method::Normalized { running: self.word("estimate") == Some("running") }),
            "None" => Ok(Method::None),
            other => Err(format!("no method `{other}`")),
        }
    }
}

/// Runs the file's steps in one precision and compares every tensor of the file that is not an input.
pub fn compare(file: &TensorFile, kind: Kind, device: Device) -> Result<Worst, String> {
    let golden = Golden { file, kind, device };
    let mut learner = golden.learner()?;
    let (images, noise, output) = (golden.tensor("x")?, golden.tensor("nx")?, golden.tensor("nr")?);
    // In the lab's script Λ moves at the learning rate, and the firing-rate rate does nothing for Lagrange.
    let learning = golden.number("learning_rate")?;
    let firing_rate = match learner.method {
        Method::Lagrange { .. } => learning,
        _ => golden.number("fr_learning_rate")?,
    };
    let rates = Rates { learning, firing_rate, centering: 0.0 };
    let mut found: HashMap<String, Tensor> = HashMap::new();
    let mut trajectory: Vec<(&str, Vec<Tensor>)> =
        ["kl", "loss", "fr_loss", "grad_norm", "param_norm", "kernel_variance"].map(|name| (name, Vec::new())).into();
    for index in 0..images.size()[0] {
        let step = learner
            .step(&images.get(index), &noise.get(index), rates, &mut Phases::new(device))
            .map_err(|fault| format!("step {index}: {fault}"))?;
        if index == 0 {
            found.extend(first_step(&step, &learner, &output.get(0)));
        }
        let numbers = [
            step.log_dets.kl.detach(),
            step.loss.detach(),
            fr_loss(&excess(&step, &learner)).detach(),
            step.grad_norm.shallow_clone(),
            step.before_kernels.norm(),
            learner.model.kernels.variance(&step.forward.kernels.detach()),
        ];
        trajectory.iter_mut().zip(numbers).for_each(|((_, column), number)| column.push(number));
    }
    found.extend(trajectory.into_iter().map(|(n, column)| (format!("trajectory.{n}"), Tensor::stack(&column, 0))));
    found
        .extend(learner.parameters.iter().map(|(n, tensor)| (format!("final.{}", n.as_str()), tensor.shallow_clone())));
    found.insert("final.h_exp".to_owned(), learner.running_mean.shallow_clone());

    let mut worst = Worst::default();
    for (name, expected) in &file.tensors {
        let is_input = name.starts_with("init.") || matches!(name.as_str(), "x" | "nx" | "nr" | "data_covariance");
        match found.get(name) {
            _ if is_input => {}
            Some(found) => worst.compare(name, found, expected),
            None => worst.missing(name),
        }
    }
    Ok(worst)
}

/// h as golden files have it: for `Gamma`, which knows no target, each neuron's mean rate itself.
fn excess(step: &Step, learner: &Learner) -> Tensor {
    match learner.method {
        Method::Gamma { .. } => &step.excess + learner.target,
        _ => step.excess.shallow_clone(),
    }
}

fn fr_loss(excess: &Tensor) -> Tensor {
    excess.square().sum(None::<Kind>)
}

/// All values of a step that golden files hold.
fn first_step(step: &Step, learner: &Learner, output: &Tensor) -> Vec<(String, Tensor)> {
    let forward = &step.forward;
    let excess = excess(step, learner);
    let [c_z, c_zx] = learner.model.mean_covariances(forward);
    let z = &forward.gain * &forward.drive + output * learner.model.output_noise;
    let values = [
        ("W", forward.kernels.shallow_clone()),
        ("z", z),
        ("r", forward.rates.shallow_clone()),
        ("h", excess.shallow_clone()),
        ("logdet_numerator", step.log_dets.numerator.shallow_clone()),
        ("logdet_denominator", step.log_dets.denominator.shallow_clone()),
        ("C_z_mean", c_z),
        ("C_zx_mean", c_zx),
        ("WCxW", forward.m_z.shallow_clone()),
    ];
    let by_fr = gradient(&fr_loss(&excess), &step.parameters);
    // What the lab's loop leaves in W for two_losses is not the gradient of its final loss, β·mean KL.
    let by_loss = if matches!(learner.method, Method::TwoLosses { .. }) { &step.by_kl } else { &step.total };
    let gradients = [("grad_loss", by_loss), ("grad_fr", &by_fr), ("grad_kl", &step.by_kl)];
    let of = |(what, gradients): (&'static str, &Tensors)| {
        let named =
            gradients.iter().map(|(name, tensor)| (format!("{what}.{}", name.as_str()), tensor.shallow_clone()));
        named.collect::<Vec<_>>()
    };
    let values = values.into_iter().map(|(name, tensor)| (name.to_owned(), tensor));
    values.chain(gradients.into_iter().flat_map(of)).map(|(name, tensor)| (format!("step0.{name}"), tensor)).collect()
}
