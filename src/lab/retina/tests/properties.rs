//! What holds whatever the numbers.

use super::super::tensors::{Name, Tensors};
use super::{batch, learner, step};
use proptest::prelude::*;
use tch::{Kind, Tensor};
use tessera::record::Value;

fn number(tensor: &Tensor) -> f64 {
    tensor.double_value(&[])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_channel_carries_information(input in 0.01f64..2.0, output in 0.1f64..5.0, correlation in 0.0f64..3.0) {
        let learner = learner(&[
            ("input_noise", Value::from(input)),
            ("output_noise", Value::from(output)),
            ("input_noise_correlation", Value::from(correlation)),
        ]);
        let forward = learner.forward(&batch("images", 0), &batch("noise", 0));
        prop_assert!(number(&learner.model.log_dets(&forward).unwrap().kl) >= 0.0);
        let [c_z, c_zx] = learner.model.mean_covariances(&forward);
        prop_assert!(number(&(c_z - c_zx).linalg_eigvalsh("L").min()) > -1e-12);
    }
}

#[test]
fn kernels_have_length_one_after_each_step() {
    for method in ["lagrange", "two_losses", "gamma", "normalized", "none"] {
        for shape in ["free", "difference-of-t"] {
            let mut learner = learner(&[("method", Value::from(method)), ("shape", Value::from(shape))]);
            for index in 0..3 {
                step(&mut learner, index, 0.1);
                let kernels = learner.model.kernels.of(&learner.parameters);
                let lengths = kernels.square().sum_dim_intlist(0, false, None::<Kind>);
                assert!(number(&(lengths - 1.0).abs().max()) < 1e-12);
            }
            learner.jitter(0.25);
            let lengths =
                learner.model.kernels.of(&learner.parameters).square().sum_dim_intlist(0, false, None::<Kind>);
            assert!(number(&(lengths - 1.0).abs().max()) < 1e-12);
        }
    }
}

#[test]
fn permuting_neurons_permutes_everything() {
    let order = Tensor::from_slice(&[3i64, 0, 5, 1, 4, 2]);
    for method in ["lagrange", "two_losses", "gamma", "normalized", "none"] {
        let mut plain = learner(&[("method", Value::from(method)), ("optimizer", Value::from("adam"))]);
        let mut permuted = learner(&[("method", Value::from(method)), ("optimizer", Value::from("adam"))]);
        let permute = |parameters: &Tensors| -> Tensors {
            // Neurons are the last dimension of all of them.
            parameters.iter().map(|(name, tensor)| (name, tensor.index_select(-1, &order))).collect()
        };
        permuted.parameters = permute(&plain.parameters);
        for index in 0..3 {
            let (a, b) = (step(&mut plain, index, 0.1), step(&mut permuted, index, 0.1));
            assert!((number(&a.loss) - number(&b.loss)).abs() < 1e-10);
        }
        for (name, expected) in permute(&plain.parameters).iter() {
            assert!(permuted.parameters.get(name).unwrap().allclose(expected, 1e-9, 1e-9, false), "{method} {name:?}");
        }
    }
}

#[test]
fn recording_does_not_change_a_run() {
    use super::super::measure;
    let rates = super::Rates { learning: 0.01, firing_rate: 0.1, centering: 0.02 };
    let (mut plain, mut recorded) = (learner(&[]), learner(&[]));
    for index in 0..5 {
        let mut phases = super::Phases::new(tch::Device::Cpu);
        plain.step(&batch("images", index), &batch("noise", index), rates, &mut phases).unwrap();
        let done = recorded.step(&batch("images", index), &batch("noise", index), rates, &mut phases).unwrap();
        let row = measure::metrics(&done, &recorded, rates, 1.0);
        assert!(row.iter().all(|(_, number)| number.double_value(&[]).is_finite()));
        assert_eq!(measure::kernel_arrays(&done, &recorded).len(), 4);
    }
    for (name, expected) in plain.parameters.iter() {
        assert!(recorded.parameters.get(name).is_some_and(|found| found.equal(expected)), "{name:?}");
    }
}

/// One image, or two, say what a gain is divided by, and a step is as good as any.
#[test]
fn batches_of_one_and_two_are_normalized() {
    for (images, nonlinearity) in [(1, "softplus"), (2, "softplus"), (1, "relu"), (2, "relu")] {
        let mut learner =
            learner(&[("method", Value::from("normalized")), ("nonlinearity", Value::from(nonlinearity))]);
        for index in 0..5 {
            let [shown, noise] = ["images", "noise"].map(|stream| batch(stream, index).narrow(0, 0, images));
            let rates = super::Rates { learning: 0.01, firing_rate: 0.1, centering: 0.0 };
            let mut phases = super::Phases::new(tch::Device::Cpu);
            let done = learner.step(&shown, &noise, rates, &mut phases).unwrap();
            let heard = done.forward.before_gain.mean_dim([0i64].as_slice(), false, None).ge(1e-4);
            let off = (&done.excess * heard.to_kind(Kind::Double)).abs().max();
            assert!(number(&off) < 1e-12 && number(&done.grad_norm).is_finite(), "{images} {nonlinearity}");
        }
        assert!(
            learner.parameters.iter().all(|(_, tensor)| number(&tensor.isfinite().all().to_kind(Kind::Double)) == 1.0)
        );
    }
}

/// The difference between gamma by drive and `normalized` with a running mean is the gradient alone.
#[test]
fn gamma_with_the_gradient_through_is_normalized() {
    let words = |words: &[(&'static str, &'static str)]| {
        let words: Vec<_> = words.iter().map(|(name, word)| (*name, Value::from(*word))).collect();
        learner(&words)
    };
    let mut gamma = words(&[("method", "gamma"), ("gamma.estimate", "drive"), ("gamma.gradient", "through")]);
    let mut normalized = words(&[("method", "normalized"), ("normalized.estimate", "running")]);
    for index in 0..5 {
        step(&mut gamma, index, 0.1);
        step(&mut normalized, index, 0.1);
    }
    assert!(gamma.running_mean.equal(&normalized.running_mean));
    for (name, expected) in gamma.parameters.iter() {
        assert!(normalized.parameters.get(name).unwrap().equal(expected), "{name:?}");
    }
}

#[test]
fn two_losses_move_kernels_by_what_is_asked_for() {
    let first = |gradient: &str| {
        let mut learner =
            learner(&[("method", Value::from("two_losses")), ("two_losses.kernel_gradient", Value::from(gradient))]);
        step(&mut learner, 0, 0.1)
    };
    let (both, information) = (first("both"), first("information"));
    let w = |tensors: &Tensors| tensors.get(Name::Kernels).unwrap().shallow_clone();
    let constraint = w(both.by_constraint.as_ref().unwrap());
    assert!(w(&both.total).allclose(&(w(&both.by_kl) + constraint), 1e-12, 1e-12, false));
    assert!(w(&information.total).equal(&w(&information.by_kl)));
}
