//! The learner: parameters, and how one step changes them, for each constraint method (`method.rs`).

use super::kernels::jittered;
use super::method::{Method, mean};
use super::model::{Forward, Model};
use super::shape::unit_columns;
use super::tensors::{Name, Tensors, gradient};
use crate::log_det::{LogDets, NotPositiveDefinite};
use crate::optimizer::Optimizer;
use crate::phases::{Phase, Phases};
use tch::{Kind, Tensor};

/// What a step is told.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Learning rate of the step.
    pub learning: f64,
    /// Firing-rate learning rate of the step.
    pub firing_rate: f64,
    /// Weight of the kernel variance in the loss of the step.
    pub centering: f64,
}

/// What learns.
#[derive(Debug)]
pub struct Learner {
    /// What does not change.
    pub model: Model,
    /// The constraint.
    pub method: Method,
    /// Target of each neuron's mean rate.
    pub target: f64,
    /// β.
    pub beta: f64,
    /// The norm of all gradients is clipped to this.
    pub max_grad_norm: f64,
    /// What changes.
    pub parameters: Tensors,
    /// Centres that are fixed are parameters that do not learn.
    pub centers_learn: bool,
    /// `[J]`: ĥ of `gamma` and `normalized`.
    pub running_mean: Tensor,
    /// The rule and its memory.
    pub optimizer: Optimizer,
}

/// What happened in a step; all that measurements are made of. Parameters are as they were, so autograd can still go back.
#[derive(Debug)]
pub struct Step {
    /// Responses, before the step.
    pub forward: Forward,
    /// Log-determinants, before the step.
    pub log_dets: LogDets,
    /// `[J]`: h.
    pub excess: Tensor,
    /// `[]`: the method's final loss.
    pub loss: Tensor,
    /// Before the step.
    pub parameters: Tensors,
    /// Just before the kernels moved.
    pub before_kernels: Tensors,
    /// The gradient of β·kl.
    pub by_kl: Tensors,
    /// The gradient of the term that the method adds; none for gamma, normalized and none.
    pub by_constraint: Option<Tensors>,
    /// The weights v of a term v·h with the gradient of the term that the method adds.
    pub constraint_weights: Option<Tensor>,
    /// The gradient of the final loss before clipping.
    pub total: Tensors,
    /// `[]`: its norm.
    pub grad_norm: Tensor,
    /// Gain and bias after the firing-rate step; none where the method has no such step.
    pub after: Option<(Tensor, Tensor)>,
}

impl Step {
    /// `[]`: ‖h‖², differentiable.
    pub fn fr_loss(&self) -> Tensor {
        self.excess.square().sum(None::<Kind>)
    }
}

impl Learner {
    /// `[J]`: gains a.
    pub fn gain(&self) -> Tensor {
        match self.method {
            method if method.divides() => method.gain(self.target, &self.running_mean),
            _ => self.parameter(Name::LogGain).exp(),
        }
    }

    /// `[J]`: biases b.
    pub fn bias(&self) -> Tensor {
        self.parameter(Name::LogBias).exp()
    }

    fn parameter(&self, name: Name) -> Tensor {
        self.parameters.get(name).map_or_else(Tensor::new, Tensor::shallow_clone)
    }

    /// Whether a gradient is taken for a parameter.
    fn learns(&self, name: Name) -> bool {
        match name {
            Name::Multipliers => false,
            Name::Centers => self.centers_learn,
            _ => true,
        }
    }

    /// The parameters as leaves of a new graph.
    fn leaves(&self) -> Tensors {
        let leaf = |(name, tensor): (Name, &Tensor)| (name, tensor.detach().set_requires_grad(self.learns(name)));
        self.parameters.iter().map(leaf).collect()
    }

    /// Responses to a batch with the parameters as they are.
    pub fn forward(&self, images: &Tensor, noise: &Tensor) -> Forward {
        self.model.forward(&self.parameters, images, noise, &self.bias(), |_| self.gain())
    }

    /// `[J]`: gains for a batch of drives `[B, J]`, as a step has them.
    pub fn gain_for(&self, drive: &Tensor) -> Tensor {
        self.method.gain_for(self.target, &self.running_mean, drive).unwrap_or_else(|| self.gain())
    }

    /// One step on images `[B, L, K²]` with standard-normal noise of the same shape.
    pub fn step(
        &mut self,
        images: &Tensor,
        noise: &Tensor,
        rates: Rates,
        phases: &mut Phases,
    ) -> Result<Step, NotPositiveDefinite> {
        phases.enter(Phase::Forward);
        self.parameters = self.leaves();
        let parameters = self.parameters.share();
        let forward = self.model.forward(&self.parameters, images, noise, &self.bias(), |drive| self.gain_for(drive));
        let excess = mean(&forward.rates) - self.target;
        phases.enter(Phase::LogDet);
        let log_dets = self.model.log_dets(&forward)?;

        phases.enter(Phase::Backward);
        let information = &log_dets.kl * self.beta;
        let by_kl = gradient(&information, &parameters);
        let constraint_weights = self.constraint_weights(&excess.detach());
        let by_constraint =
            constraint_weights.as_ref().map(|weights| gradient(&(weights * &excess).sum(None::<Kind>), &parameters));
        let mut loss = self.loss(&information, &excess);
        let mut total = self.total(&by_kl, by_constraint.as_ref(), &excess);
        if rates.centering > 0.0 {
            let variance = self.model.kernels.variance(&forward.kernels) * rates.centering;
            total = total.plus(&gradient(&variance, &parameters));
            loss += variance.detach();
        }

        phases.enter(Phase::Optimizer);
        let grad_norm = total.norm();
        let clip = (&grad_norm + 1e-6).reciprocal() * self.max_grad_norm;
        let clipped = total.times(&clip.clamp_max(1.0));
        let (before_kernels, after) = self.move_parameters(&clipped, by_constraint.as_ref(), &forward, rates);
        phases.leave();
        Ok(Step {
            forward,
            log_dets,
            excess,
            loss,
            parameters,
            before_kernels,
            by_kl,
            by_constraint,
            constraint_weights,
            total,
            grad_norm,
            after,
        })
    }

    /// v with v·h of the same gradient as the term that the method adds to β·kl.
    fn constraint_weights(&self, excess: &Tensor) -> Option<Tensor> {
        match self.method {
            Method::Lagrange { rho } => Some(self.parameters.get(Name::Multipliers)?.detach() + excess * rho),
            Method::TwoLosses { .. } => Some(excess * 2.0),
            Method::Gamma { .. } | Method::Normalized { .. } | Method::None => None,
        }
    }

    /// The final loss (without centring), detached.
    fn loss(&self, information: &Tensor, excess: &Tensor) -> Tensor {
        let (information, excess) = (information.detach(), excess.detach());
        match (self.method, self.parameters.get(Name::Multipliers)) {
            (Method::Lagrange { rho }, Some(multipliers)) => {
                let penalty = excess.square().sum(None::<Kind>) * (rho / 2.0);
                information + (multipliers.detach() * excess).sum(None::<Kind>) + penalty
            }
            _ => information,
        }
    }

    /// The gradient that is clipped: that of the final loss, and for two_losses what the lab's loop leaves in W.
    fn total(&self, by_kl: &Tensors, by_constraint: Option<&Tensors>, excess: &Tensor) -> Tensors {
        match (self.method, by_constraint) {
            (Method::Lagrange { .. }, Some(constraint)) => {
                let mut total = by_kl.plus(constraint);
                total.set(Name::Multipliers, excess.detach());
                total
            }
            (Method::TwoLosses { kernels_follow_both: true }, Some(constraint)) => {
                by_kl.plus(&constraint.share().only(Name::is_of_kernels))
            }
            _ => by_kl.share(),
        }
    }

    /// Returns the parameters just before the kernels move, and gain and bias after the firing-rate step.
    fn move_parameters(
        &mut self,
        clipped: &Tensors,
        by_constraint: Option<&Tensors>,
        forward: &Forward,
        rates: Rates,
    ) -> (Tensors, Option<(Tensor, Tensor)>) {
        let Self { optimizer, parameters, .. } = self;
        let mut before_kernels = parameters.share();
        match self.method {
            Method::Lagrange { .. } => {
                let ascending = clipped.iter().map(|(name, gradient)| match name {
                    Name::Multipliers => (name, -gradient),
                    _ => (name, gradient.shallow_clone()),
                });
                let rate = |name| if name == Name::Multipliers { rates.firing_rate } else { rates.learning };
                optimizer.step(parameters, &ascending.collect(), rate);
            }
            Method::TwoLosses { .. } => {
                let own = |name| matches!(name, Name::LogGain | Name::LogBias);
                let constraint = by_constraint.map(Tensors::share).unwrap_or_default();
                optimizer.step(parameters, &constraint.only(own), |_| rates.firing_rate);
                before_kernels = parameters.share();
                optimizer.step(parameters, &clipped.share().only(Name::is_of_kernels), |_| rates.learning);
            }
            Method::Gamma { .. } | Method::Normalized { .. } | Method::None => {
                optimizer.step(parameters, clipped, |_| rates.learning);
            }
        }
        let bias = if self.method.divides() {
            self.running_mean =
                self.method.next_mean(&self.running_mean, &forward.before_gain, &forward.rates, rates.firing_rate);
            before_kernels.get(Name::LogBias).map_or_else(Tensor::new, |log| log.detach().exp())
        } else {
            self.bias()
        };
        let after = self.method.has_rate().then(|| (self.gain(), bias));
        self.change_kernels(unit_columns);
        (before_kernels, after)
    }

    /// Gain, bias, and what the method keeps of each neuron.
    pub fn state_arrays(&self) -> Vec<(&'static str, Tensor)> {
        let mut arrays = vec![("gain", self.gain()), ("bias", self.bias())];
        match self.method {
            Method::Lagrange { .. } => arrays.push(("lambda", self.parameter(Name::Multipliers))),
            Method::Gamma { .. } | Method::Normalized { .. } => {
                arrays.push(("h_exp", self.running_mean.shallow_clone()))
            }
            Method::TwoLosses { .. } | Method::None => {}
        }
        arrays
    }

    /// Whether the kernels follow the term that the method adds.
    pub fn constraint_moves_kernels(&self) -> bool {
        !matches!(self.method, Method::TwoLosses { kernels_follow_both: false })
    }

    /// Sharpens free kernels.
    pub fn jitter(&mut self, power: f64) {
        self.change_kernels(|kernels| jittered(kernels, power));
    }

    fn change_kernels(&mut self, change: impl Fn(&Tensor) -> Tensor) {
        if let Some(kernels) = self.parameters.get(Name::Kernels) {
            let changed = tch::no_grad(|| change(kernels));
            self.parameters.set(Name::Kernels, changed);
        }
    }
}
