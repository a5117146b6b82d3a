//! Where methods that divide settle. Gamma: by drive at the target, by rate (as the lab wrote it) at the square root of target times drive.

use super::{batch, learner};
use crate::phases::Phases;
use crate::retina::learner::Rates;
use tch::{Device, Tensor};
use tessera::record::Value;

/// Mean rates where nothing but ĥ moves, on one batch, and the drives φ(u).
fn settled(method: &str, estimate: &str, target: f64) -> (Tensor, Tensor) {
    let mut learner = learner(&[
        ("method", Value::from(method)),
        (if method == "gamma" { "gamma.estimate" } else { "normalized.estimate" }, Value::from(estimate)),
        ("fr_target", Value::from(target)),
    ]);
    let rates = Rates { learning: 0.0, firing_rate: 0.1, centering: 0.0 };
    for _ in 0..600 {
        let mut phases = Phases::new(Device::Cpu);
        learner.step(&batch("images", 0), &batch("noise", 0), rates, &mut phases).unwrap();
    }
    let forward = learner.forward(&batch("images", 0), &batch("noise", 0));
    let rates = forward.rates.mean_dim([0i64].as_slice(), false, None);
    let drive = (&forward.rates / learner.gain()).mean_dim([0i64].as_slice(), false, None);
    (rates, drive)
}

#[test]
fn gamma_by_drive_holds_the_target() {
    for target in [1.0, 2.5] {
        let (rates, _) = settled("gamma", "drive", target);
        assert!((rates - target).abs().max().double_value(&[]) < 1e-10);
    }
}

#[test]
fn normalized_holds_the_target() {
    for (estimate, target) in [("batch", 1.0), ("batch", 2.5), ("running", 1.0), ("running", 2.5)] {
        let (rates, _) = settled("normalized", estimate, target);
        assert!((rates - target).abs().max().double_value(&[]) < 1e-10);
    }
}

#[test]
fn gamma_by_rate_settles_at_a_square_root() {
    for target in [1.0, 2.5] {
        let (rates, drive) = settled("gamma", "rate", target);
        assert!(rates.allclose(&(drive * target).sqrt(), 1e-9, 1e-9, false));
        assert!((rates - target).abs().max().double_value(&[]) > 0.1);
    }
}
