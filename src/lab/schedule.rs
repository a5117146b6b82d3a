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
