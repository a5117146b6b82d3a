//! Gradients against central differences, for each shape and nonlinearity, with gains as parameters and as quotients of mean drives.

use super::super::tensors::{Name, Tensors, gradient};
use super::{batch, learner};
use crate::retina::learner::Learner;
use crate::retina::method::{Method, SILENT, mean};
use tch::{Kind, Tensor};
use tessera::record::Value;

/// β·kl + ‖h‖² + the kernels' variance: all that is ever differentiated.
fn loss(learner: &Learner, parameters: &Tensors) -> Tensor {
    let exp = |name| parameters.get(name).unwrap().exp();
    let gain = |drive: &Tensor| match learner.method.divides() {
        true => learner.gain_for(drive),
        false => exp(Name::LogGain),
    };
    let forward = learner.model.forward(parameters, &batch("images", 0), &batch("noise", 0), &exp(Name::LogBias), gain);
    let kl = learner.model.log_dets(&forward).unwrap().kl;
    let excess = forward.rates.mean_dim([0i64].as_slice(), false, None) - 1.0;
    kl * -0.5 + excess.square().sum(None::<Kind>) + learner.model.kernels.variance(&forward.kernels)
}

fn leaves(learner: &Learner) -> Tensors {
    learner.parameters.iter().map(|(name, tensor)| (name, tensor.detach().set_requires_grad(true))).collect()
}

/// Compares the slope along each parameter's gradient, where it is largest, with the gradient's norm.
fn check(learner: &Learner, what: &str) -> Tensors {
    let parameters = leaves(learner);
    let gradients = gradient(&loss(learner, &parameters), &parameters);
    for (name, gradient) in gradients.iter() {
        let direction = gradient / gradient.norm();
        let at = |distance: f64| {
            let mut moved: Tensors = parameters.iter().map(|(name, t)| (name, t.detach())).collect();
            moved.set(name, parameters.get(name).unwrap().detach() + &direction * distance);
            loss(learner, &moved).double_value(&[])
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        let norm = gradient.norm().double_value(&[]);
        assert!((slope - norm).abs() < 1e-6 * norm.max(1.0), "{what} {name:?}: {slope} {norm}");
    }
    gradients
}

#[test]
fn gradients_are_slopes() {
    let shapes = ["free", "difference-of-gaussian", "gaussian", "difference-of-t", "single-t"];
    for (shape, nonlinearity) in shapes.into_iter().flat_map(|shape| [(shape, "softplus"), (shape, "relu")]) {
        for (correlation, method) in [(0.0, "lagrange"), (1.5, "lagrange"), (0.0, "normalized")] {
            let others = [
                ("shape", Value::from(shape)),
                ("nonlinearity", Value::from(nonlinearity)),
                ("input_noise_correlation", Value::from(correlation)),
                ("method", Value::from(method)),
            ];
            let found = check(&learner(&others), &format!("{shape} {nonlinearity} {method}"));
            assert_eq!(found.get(Name::LogGain).is_some(), method == "lagrange");
            assert!(found.get(Name::LogBias).is_some() && found.iter().count() >= 2);
        }
    }
}

/// Neuron 0 is so biased that no image reaches it; its gain is large, not infinite, and nothing has a gradient through it.
#[test]
fn silent_neurons_have_no_gradient() {
    let mut learner = learner(&[("method", Value::from("normalized")), ("nonlinearity", Value::from("relu"))]);
    let biases = learner.parameters.get(Name::LogBias).unwrap().copy();
    biases.get(0).copy_(&Tensor::from(4.0));
    learner.parameters.set(Name::LogBias, biases.shallow_clone());
    let forward = learner.forward(&batch("images", 0), &batch("noise", 0));
    let gain = learner.gain_for(&forward.before_gain);
    assert!((gain.double_value(&[0]) * SILENT - learner.target).abs() < 1e-12);
    let gradients = check(&learner, "silent");
    for gradient in [gradients.get(Name::LogBias).unwrap(), &gradients.get(Name::Kernels).unwrap().tr()] {
        let variance_alone = gradient.size().len() == 2;
        assert!(variance_alone || gradient.double_value(&[0]) == 0.0);
    }
    assert_eq!(crate::retina::method::silent(&mean(&forward.before_gain)).double_value(&[]), 1.0);
}

/// Where ĥ is the batch's mean, dividing by it is dividing by the mean: in value and in gradient.
#[test]
fn a_running_mean_has_the_batch_s_gradient() {
    let gradients = |method: Method| {
        let mut learner = learner(&[("method", Value::from("normalized"))]);
        let forward = learner.forward(&batch("images", 0), &batch("noise", 0));
        learner.running_mean = mean(&forward.before_gain);
        learner.method = method;
        let parameters = leaves(&learner);
        gradient(&loss(&learner, &parameters), &parameters)
    };
    let by_batch = gradients(Method::Normalized { running: false });
    for other in [Method::Normalized { running: true }, Method::Gamma { of_rate: false, through: true }] {
        for (name, gradient) in gradients(other).iter() {
            assert!(gradient.allclose(by_batch.get(name).unwrap(), 1e-10, 1e-12, false), "{other:?} {name:?}");
        }
    }
    let stopped = gradients(Method::Gamma { of_rate: false, through: false });
    let cosine = stopped.dot(&by_batch) / (stopped.norm() * by_batch.norm());
    assert!(cosine.double_value(&[]) < 0.9);
}
