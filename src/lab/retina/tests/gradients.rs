//! Gradients against central differences, for each shape and nonlinearity.

use super::super::tensors::{Name, Tensors, gradient};
use super::{batch, learner};
use crate::retina::learner::Learner;
use tch::{Kind, Tensor};
use tessera::record::Value;

/// β·kl + ‖h‖² + the kernels' variance: all that is ever differentiated.
fn loss(learner: &Learner, parameters: &Tensors) -> Tensor {
    let exp = |name| parameters.get(name).unwrap().exp();
    let (gain, bias) = (exp(Name::LogGain), exp(Name::LogBias));
    let forward = learner.model.forward(parameters, &batch("images", 0), &batch("noise", 0), &gain, &bias);
    let kl = learner.model.log_dets(&forward).unwrap().kl;
    let excess = forward.rates.mean_dim([0i64].as_slice(), false, None) - 1.0;
    kl * -0.5 + excess.square().sum(None::<Kind>) + learner.model.kernels.variance(&forward.kernels)
}

#[test]
fn gradients_are_slopes() {
    let shapes = ["free", "difference-of-gaussian", "gaussian", "difference-of-t", "single-t"];
    for (shape, nonlinearity) in shapes.into_iter().flat_map(|shape| [(shape, "softplus"), (shape, "relu")]) {
        for correlation in [0.0, 1.5] {
            let others = [
                ("shape", Value::from(shape)),
                ("nonlinearity", Value::from(nonlinearity)),
                ("input_noise_correlation", Value::from(correlation)),
            ];
            let learner = learner(&others);
            let leaf = |(name, tensor): (Name, &Tensor)| (name, tensor.detach().set_requires_grad(true));
            let parameters: Tensors = learner.parameters.iter().map(leaf).collect();
            let gradients = gradient(&loss(&learner, &parameters), &parameters);
            for (name, gradient) in gradients.iter() {
                // Along the gradient itself the slope is its norm, and large.
                let direction = gradient / gradient.norm();
                let at = |distance: f64| {
                    let mut moved: Tensors = parameters.iter().map(|(name, t)| (name, t.detach())).collect();
                    moved.set(name, parameters.get(name).unwrap().detach() + &direction * distance);
                    loss(&learner, &moved).double_value(&[])
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let norm = gradient.norm().double_value(&[]);
                assert!((slope - norm).abs() < 1e-6 * norm.max(1.0), "{shape} {nonlinearity} {name:?}: {slope} {norm}");
            }
            assert!(gradients.get(Name::LogGain).is_some() && gradients.iter().count() >= 3);
        }
    }
}
