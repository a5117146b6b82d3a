//! What is gathered between records: sums for means over many batches, finite or not, rows of the history.

use super::learner::{Learner, Step};
use super::measure::fetch;
use crate::describe::retina::METRICS;
use crate::phases::{Phase, Phases};
use std::collections::HashMap;
use tch::{Kind, Tensor};
use tessera::record::{Real, Rows};

/// Quantities that are watched, in the order in which a step computes them.
const WATCHED: [&str; 5] = ["rate_mean", "kl", "fr_loss", "loss", "grad_norm"];

/// Watches every step for numbers that are not finite, without waiting for the device.
#[derive(Debug, Default)]
pub struct Watch {
    /// `[5]`: finite so far, 1 or 0; `[5]`: steps for which that held.
    so_far: Option<(Tensor, Tensor)>,
    steps: u64,
    /// `[5]`: sums since the last checkpoint, for its mean.
    sums: Option<Tensor>,
    summed: u64,
}

impl Watch {
    /// Takes in a step.
    pub fn observe(&mut self, step: &Step) {
        let fr_loss = step.fr_loss().detach();
        let kl = step.log_dets.kl.detach();
        let rate = step.forward.rates.detach().mean(None);
        let numbers = [&rate, &kl, &fr_loss, &step.loss, &step.grad_norm].map(|t| t.detach().to_kind(Kind::Double));
        let numbers = Tensor::stack(&numbers, 0);
        let finite = numbers.isfinite().to_kind(Kind::Double);
        self.so_far = Some(match self.so_far.take() {
            None => (finite.shallow_clone(), finite),
            Some((good, steps)) => {
                let good = good * finite;
                (good.shallow_clone(), steps + good)
            }
        });
        self.steps += 1;
        self.sums = Some(match self.sums.take() {
            None => numbers,
            Some(sums) => sums + numbers,
        });
        self.summed += 1;
    }

    /// Steps before the first number that was not finite, and which went first. Waits for the device.
    pub fn not_finite(&self) -> Option<(u64, &'static str)> {
        let counts = Vec::<f64>::try_from(&self.so_far.as_ref()?.1).unwrap_or_default();
        let first = counts.iter().copied().zip(WATCHED).reduce(|a, b| if b.0 < a.0 { b } else { a })?;
        ((first.0 as u64) < self.steps).then_some((first.0 as u64, first.1))
    }

    /// The mean of a watched quantity since the last call.
    pub fn take_mean(&mut self, name: &str) -> Option<f64> {
        let index = WATCHED.iter().position(|watched| *watched == name)?;
        let sums = Vec::<f64>::try_from(&self.sums.take()?).ok()?;
        Some(sums[index] / std::mem::take(&mut self.summed) as f64)
    }
}

/// Sums over batches since the last record.
#[derive(Debug)]
pub struct Means {
    names: &'static [&'static str],
    sums: Vec<Tensor>,
    batches: i64,
}

impl Means {
    /// Of rates.
    pub fn of_rates() -> Self {
        Self { names: &["rate_per_neuron"], sums: Vec::new(), batches: 0 }
    }

    /// Of matrices.
    pub fn of_matrices() -> Self {
        Self { names: &["c_z_running", "c_zx_running", "wcxw_running"], sums: Vec::new(), batches: 0 }
    }

    /// Takes in one batch.
    pub fn add(&mut self, batch: Vec<Tensor>) {
        self.batches += 1;
        if self.sums.is_empty() {
            self.sums = batch;
        } else {
            self.sums.iter_mut().zip(&batch).for_each(|(sum, batch)| *sum = &*sum + batch);
        }
    }

    /// The means, by name; begins anew.
    pub fn take(&mut self) -> Vec<(&'static str, Tensor)> {
        let batches = std::mem::take(&mut self.batches) as f64;
        let sums = std::mem::take(&mut self.sums);
        self.names.iter().copied().zip(sums.into_iter().map(|sum| sum / batches)).collect()
    }

    /// What a checkpoint holds of it.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        if self.batches == 0 {
            return Vec::new();
        }
        let sums = self.names.iter().zip(&self.sums).map(|(name, sum)| (format!("sum.{name}"), sum.shallow_clone()));
        let count = (format!("sum.{}.batches", self.names[0]), Tensor::from_slice(&[self.batches]));
        sums.chain([count]).collect()
    }

    /// Takes what a checkpoint holds.
    pub fn restore(&mut self, get: impl Fn(&str) -> Option<Tensor>) {
        let sums: Option<Vec<Tensor>> = self.names.iter().map(|name| get(&format!("sum.{name}"))).collect();
        if let (Some(sums), Some(count)) = (sums, get(&format!("sum.{}.batches", self.names[0]))) {
            self.sums = sums;
            self.batches = count.to_kind(Kind::Int64).int64_value(&[0]);
        }
    }
}

/// What one batch adds to the means of rates and of matrices.
pub fn batch_of(step: &Step, learner: &Learner) -> (Vec<Tensor>, Vec<Tensor>) {
    let rates = step.forward.rates.detach().mean_dim([0i64].as_slice(), false, None);
    let [c_z, c_zx] = learner.model.mean_covariances(&step.forward);
    (vec![rates], vec![c_z, c_zx, step.forward.m_z.detach()])
}

/// Rows that wait to be sent.
#[derive(Debug, Default)]
pub struct History {
    rows: Rows,
}

impl History {
    /// A row, from scalars on the device.
    pub fn push(&mut self, step: u64, elapsed: f64, metrics: &[(&'static str, Tensor)], phases: &mut Phases) {
        let values = fetch(metrics.iter().map(|(_, tensor)| tensor));
        let seconds = phases.take();
        let named = metrics.iter().map(|(name, _)| *name).zip(values);
        let mut found: HashMap<&str, f64> = named.chain(Phase::METRICS.into_iter().zip(seconds)).collect();
        self.rows.step.push(step);
        self.rows.elapsed.push(Real(elapsed));
        for (name, ..) in METRICS {
            if let Some(value) = found.remove(name) {
                self.rows.metrics.entry((*name).to_owned()).or_default().push(Real(value));
            }
        }
    }

    /// Rows that wait.
    pub fn len(&self) -> usize {
        self.rows.step.len()
    }

    /// The rows; begins anew.
    pub fn take(&mut self) -> Rows {
        std::mem::take(&mut self.rows)
    }
}
