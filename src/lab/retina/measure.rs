//! One row of the history: the numbers of a step, each as defined in `describe/retina.rs`.

use super::learner::{Learner, Rates, Step};
use super::method::{self, Method, gain_at, mean};
use super::tensors::{Name, Tensors, gradient};
use tch::{Kind, Tensor};

/// The numbers of a step, still on its device; nothing here waits for it.
pub fn metrics(step: &Step, learner: &Learner, rates: Rates, data_entropy: f64) -> Vec<(&'static str, Tensor)> {
    let forward = &step.forward;
    let kl = step.log_dets.kl.detach();
    let responses = forward.rates.detach();
    let per_neuron = responses.mean_dim([0i64].as_slice(), false, None);
    let per_image = responses.mean_dim([1i64].as_slice(), false, None);
    // The multipliers ascend, so their gradient is no part of the direction that the method adds.
    let constraint = step.by_constraint.as_ref();
    let by_fr = gradient(&step.fr_loss(), &step.parameters);
    let number = |x: f64| Tensor::from(x);

    let mean_drive = mean(&forward.before_gain).detach();
    let at_target = match learner.method {
        Method::Normalized { running: false } => kl.shallow_clone(),
        _ => kl_with(step, learner, &gain_at(learner.target, &mean_drive), &step_bias(step)),
    };

    let mut found = vec![
        ("kl", kl.shallow_clone()),
        ("kl_at_target", at_target),
        ("information", &kl / 2.0),
        ("mi", &kl * -learner.beta + data_entropy),
        ("loss", step.loss.detach()),
        ("fr_loss", step.fr_loss().detach()),
        ("rate_mean", responses.mean(None)),
        ("rate_sd_per_neuron", sd(&per_neuron)),
        ("rate_sd_per_image", sd(&per_image)),
    ];
    if let Some((gain, bias)) = &step.after {
        found.extend([("kl_before", kl.shallow_clone()), ("kl_after", kl_with(step, learner, gain, bias))]);
    }
    match learner.method {
        Method::Normalized { running: true } => found.push(("silent_neurons", method::silent(&learner.running_mean))),
        Method::Normalized { running: false } => found.push(("silent_neurons", method::silent(&mean_drive))),
        _ => {}
    }
    found.extend([
        ("grad_norm", step.grad_norm.shallow_clone()),
        ("grad_norm_kl", step.by_kl.norm()),
        ("grad_norm_fr", by_fr.norm()),
    ]);
    if let Some(constraint) = constraint {
        let lengths = constraint.norm() * step.by_kl.norm();
        found.extend([
            ("grad_norm_constraint", constraint.norm()),
            ("grad_cosine", constraint.dot(&step.by_kl) / lengths),
        ]);
    }
    found.extend([
        ("param_norm", step.before_kernels.norm()),
        ("kernel_variance", learner.model.kernels.variance(&forward.kernels.detach())),
        ("learning_rate_now", number(rates.learning)),
    ]);
    if step.after.is_some() {
        found.push(("fr_learning_rate_now", number(rates.firing_rate)));
    }
    found
}

/// kl of a step's batch and noise with other gains and biases.
fn kl_with(step: &Step, learner: &Learner, gain: &Tensor, bias: &Tensor) -> Tensor {
    learner.model.kl_with(&step.forward, gain, bias).unwrap_or_else(|_| Tensor::from(f64::NAN))
}

/// The biases that a step began with.
fn step_bias(step: &Step) -> Tensor {
    step.parameters.get(Name::LogBias).map_or_else(Tensor::new, |log| log.detach().exp())
}

/// Sd over one dimension; of one number it is 0.
fn sd(numbers: &Tensor) -> Tensor {
    if numbers.numel() > 1 { numbers.std(true) } else { numbers.sum(None::<Kind>) * 0.0 }
}

/// Fetches scalars in one transfer.
pub fn fetch<'a>(scalars: impl IntoIterator<Item = &'a Tensor>) -> Vec<f64> {
    let scalars: Vec<&Tensor> = scalars.into_iter().collect();
    let Some(device) = scalars.iter().map(|scalar| scalar.device()).find(|device| device.is_cuda()) else {
        return scalars.iter().map(|scalar| scalar.double_value(&[])).collect();
    };
    let scalars: Vec<Tensor> = scalars.iter().map(|t| t.detach().to_kind(Kind::Double).to_device(device)).collect();
    Vec::try_from(Tensor::stack(&scalars, 0)).unwrap_or_default()
}

/// Kernels and their gradients after a step: the final loss', that of β·kl, that of ‖h‖².
pub fn kernel_arrays(step: &Step, learner: &Learner) -> Vec<(&'static str, Tensor)> {
    let kernels: Tensors = [(Name::Kernels, step.forward.kernels.shallow_clone())].into_iter().collect();
    let zeros = || step.forward.kernels.zeros_like();
    let by = |number: &Tensor| gradient(number, &kernels).get(Name::Kernels).map_or_else(zeros, Tensor::shallow_clone);
    let by_kl = by(&(&step.log_dets.kl * learner.beta));
    let by_fr = by(&step.fr_loss());
    let total = match &step.constraint_weights {
        Some(weights) if learner.constraint_moves_kernels() => &by_kl + by(&(weights * &step.excess).sum(None::<Kind>)),
        _ => by_kl.shallow_clone(),
    };
    vec![
        ("kernels", tch::no_grad(|| learner.model.kernels.of(&learner.parameters))),
        ("kernel_gradient", total),
        ("kernel_gradient_kl", by_kl),
        ("kernel_gradient_fr", by_fr),
    ]
}
