//! Learning rates by step: torch's schedulers by name and meaning, advanced once a step.
//!
//! A linear warm-up may come before any of them (torch's SequentialLR: the schedule's own steps count from the end of the
//! warm-up). Tested against torch's own numbers.

use crate::parameter::Values;
use std::f64::consts::PI;

/// torch's ReduceLROnPlateau ignores reductions smaller than this.
const SMALLEST_REDUCTION: f64 = 1e-8;

/// How a rate changes.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Constant,
    /// StepLR.
    Step {
        step_size: u64,
        gamma: f64,
    },
    /// ExponentialLR.
    Exponential {
        gamma: f64,
    },
    /// CosineAnnealingLR.
    Cosine {
        t_max: u64,
        eta_min: f64,
    },
    Plateau(Plateau),
}

/// ReduceLROnPlateau on the loss, mode `min`, threshold relative.
#[derive(Clone, Debug, PartialEq)]
struct Plateau {
    factor: f64,
    patience: u64,
    threshold: f64,
    cooldown: u64,
    min_lr: f64,
    /// First step whose loss counts.
    start: u64,
    state: PlateauState,
}

/// What a plateau remembers.
#[derive(Clone, Debug, PartialEq)]
struct PlateauState {
    rate: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl Plateau {
    /// torch's `ReduceLROnPlateau.step`.
    fn observe(&mut self, loss: f64) {
        let Self { state, .. } = self;
        // As torch has it: of a negative best, too, (1 − threshold) is taken, so there a slightly worse loss counts as better.
        if loss < state.best * (1.0 - self.threshold) {
            state.best = loss;
            state.bad = 0;
        } else {
            state.bad += 1;
        }
        if state.cooling > 0 {
            state.cooling -= 1;
            state.bad = 0;
        }
        if state.bad > self.patience {
            let reduced = (state.rate * self.factor).max(self.min_lr);
            if state.rate - reduced > SMALLEST_REDUCTION {
                state.rate = reduced;
            }
            state.cooling = self.cooldown;
            state.bad = 0;
        }
    }
}

/// A rate by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    base: f64,
    kind: Kind,
    warmup: u64,
    warmup_from: f64,
}

impl Schedule {
    /// Always the same rate.
    pub fn constant(rate: f64) -> Self {
        Self { base: rate, kind: Kind::Constant, warmup: 0, warmup_from: 1.0 }
    }

    /// Reads `<prefix>` and `<prefix>.…` (`lr_schedule`, `fr_lr_schedule`) for a rate and a number of steps.
    pub fn read(values: &Values, prefix: &str, base: f64, iterations: u64) -> Result<Self, String> {
        let name = |part: &str| format!("{prefix}.{part}");
        let number = |part: &str| values.number(&name(part));
        let steps = |part: &str| values.steps(&name(part));
        let warmup = steps("warmup")?;
        let kind = match values.text(prefix)?.as_str() {
            "step" => Kind::Step { step_size: steps("step_size")?.max(1), gamma: number("gamma")? },
            "exponential" => Kind::Exponential { gamma: number("gamma")? },
            "cosine" => {
                let t_max = match steps("t_max")? {
                    0 => iterations.saturating_sub(warmup).max(1),
                    given => given,
                };
                Kind::Cosine { t_max, eta_min: number("eta_min")? }
            }
            "plateau" => Kind::Plateau(Plateau {
                factor: number("factor")?,
                patience: steps("patience")?,
                threshold: number("threshold")?,
                cooldown: steps("cooldown")?,
                min_lr: number("min_lr")?,
                start: steps("start")?.max(warmup),
                state: PlateauState { rate: base, best: f64::INFINITY, bad: 0, cooling: 0 },
            }),
            _ => Kind::Constant,
        };
        let warmup_from = if warmup > 0 { number("warmup_start_factor")? } else { 1.0 };
        Ok(Self { base, kind, warmup, warmup_from })
    }

    /// The rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            let done = step as f64 / self.warmup as f64;
            return self.base * (self.warmup_from + (1.0 - self.warmup_from) * done);
        }
        let step = step - self.warmup;
        match &self.kind {
            Kind::Constant => self.base,
            Kind::Step { step_size, gamma } => self.base * gamma.powf((step / step_size) as f64),
            Kind::Exponential { gamma } => self.base * gamma.powf(step as f64),
            Kind::Cosine { t_max, eta_min } => {
                let turned = (PI * (step % (2 * t_max)) as f64 / *t_max as f64).cos();
                eta_min + (self.base - eta_min) * (1.0 + turned) / 2.0
            }
            Kind::Plateau(plateau) => plateau.state.rate,
        }
    }

    /// Tells the loss of a step; it is asked for only where the schedule depends on it.
    pub fn observe(&mut self, step: u64, loss: impl FnOnce() -> f64) {
        if let Kind::Plateau(plateau) = &mut self.kind
            && step >= plateau.start
        {
            plateau.observe(loss());
        }
    }

    /// What a checkpoint holds of it; empty where the step says all.
    pub fn state(&self) -> Vec<f64> {
        match &self.kind {
            Kind::Plateau(Plateau { state, .. }) => {
                vec![state.rate, state.best, state.bad as f64, state.cooling as f64]
            }
            _ => Vec::new(),
        }
    }

    /// Takes a state that [`Self::state`] gave.
    pub fn restore(&mut self, saved: &[f64]) {
        if let (Kind::Plateau(plateau), &[rate, best, bad, cooling]) = (&mut self.kind, saved) {
            plateau.state = PlateauState { rate, best, bad: bad as u64, cooling: cooling as u64 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::retina;
    use tessera::record::{Parameters, Value};

    /// `lr_schedule` and its parts, for rate 0.1 and 40 steps.
    fn schedule(kind: &str, parts: &[(&str, f64)]) -> Schedule {
        let mut given: Parameters = [("lr_schedule".to_owned(), Value::from(kind))].into();
        given.extend(parts.iter().map(|(part, value)| (format!("lr_schedule.{part}"), Value::from(*value))));
        let table = retina::parameters();
        let values = Values::check(&table, &given).unwrap();
        Schedule::read(&values, "lr_schedule", 0.1, 40).unwrap()
    }

    /// Rates that torch 2.11's schedulers give at some steps.
    #[test]
    fn rates_are_torchs() {
        const STEPS: [u64; 9] = [0, 1, 5, 9, 10, 11, 19, 25, 39];
        let warm = ("warmup", 10.0);
        let from = ("warmup_start_factor", 0.25);
        let cases = [
            (
                schedule("step", &[("step_size", 10.0), ("gamma", 0.3)]),
                [0.1, 0.1, 0.1, 0.1, 0.03, 0.03, 0.03, 0.009, 0.0026999999999999997],
            ),
            (
                schedule("exponential", &[("gamma", 0.9)]),
                [
                    0.1,
                    0.09000000000000001,
                    0.05904900000000002,
                    0.03874204890000002,
                    0.03486784401000002,
                    0.03138105960900001,
                    0.013508517176729932,
                    0.007178979876918534,
                    0.0016423203268260682,
                ],
            ),
            (
                schedule("cosine", &[("t_max", 20.0), ("eta_min", 0.01)]),
                [
                    0.1,
                    0.0994459753267812,
                    0.08681980515339464,
                    0.0620395509268104,
                    0.055,
                    0.04796044907318962,
                    0.010554024673218806,
                    0.023180194846605356,
                    0.09944597532678118,
                ],
            ),
            (
                schedule("cosine", &[warm, from]),
                [
                    0.025,
                    0.0325,
                    0.06249999999999999,
                    0.09249999999999999,
                    0.1,
                    0.09972609476841367,
                    0.07938926261462365,
                    0.05000000000000001,
                    0.00027390523158633,
                ],
            ),
            (
                schedule("constant", &[warm]),
                [0.03333333333333333, 0.04, 0.06666666666666667, 0.0933333333333333, 0.1, 0.1, 0.1, 0.1, 0.1],
            ),
            (
                schedule("step", &[warm, from, ("step_size", 7.0), ("gamma", 0.5)]),
                [0.025, 0.0325, 0.06249999999999999, 0.09249999999999999, 0.1, 0.1, 0.05, 0.025, 0.00625],
            ),
        ];
        for (schedule, expected) in cases {
            for (step, expected) in STEPS.into_iter().zip(expected) {
                let rate = schedule.rate(step);
                assert!((rate - expected).abs() < 1e-14, "{schedule:?} at {step}: {rate}, torch has {expected}");
            }
        }
    }

    /// torch's ReduceLROnPlateau(factor=0.5, patience=3, threshold=1e-2, cooldown=2, min_lr=0.02) halves on the same loss
    /// after steps 45 and 51.
    #[test]
    fn a_plateau_is_torchs() {
        let parts = [
            ("patience", 3.0),
            ("threshold", 1e-2),
            ("cooldown", 2.0),
            ("min_lr", 0.02),
            ("start", 0.0),
            ("factor", 0.5),
        ];
        let mut whole = schedule("plateau", &parts);
        let mut changes = Vec::new();
        let loss =
            |step: u64| 5.0 * (-(step as f64) / 8.0).exp() + if step.is_multiple_of(5) { 0.3 } else { 0.0 } + 1.0;
        let mut resumed = whole.clone();
        for step in 0..60 {
            if step == 48 {
                resumed = schedule("plateau", &parts);
                resumed.restore(&whole.state());
            }
            assert_eq!(resumed.rate(step), whole.rate(step));
            if changes.last().is_none_or(|(_, rate)| *rate != whole.rate(step)) {
                changes.push((step, whole.rate(step)));
            }
            whole.observe(step, || loss(step));
            resumed.observe(step, || loss(step));
        }
        assert_eq!(changes, [(0, 0.1), (46, 0.05), (52, 0.025)]);
    }
}
