//! What a run of the retina says: its parameters, read once.

use super::kernels::Kernels;
use super::method::Method;
use super::model::Nonlinearity;
use super::shape::Shape;
use crate::data;
use crate::log_det::LogDet;
use crate::optimizer::Rule;
use crate::parameter::Values;
use crate::schedule::Schedule;
use tch::Kind;

/// Everything that a run says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Steps.
    pub iterations: u64,
    /// B.
    pub batch: i64,
    /// J.
    pub neurons: i64,
    /// How kernels come about.
    pub kernels: Kernels,
    /// Whether each neuron has a shape of its own.
    pub individual_shapes: bool,
    /// Hexagonal grids that centres are fixed on; none: they learn.
    pub fixed_mosaics: Option<usize>,
    /// φ.
    pub nonlinearity: Nonlinearity,
    /// σ_in, correlation length of the input noise in pixels, σ_out.
    pub noise: [f64; 3],
    /// β.
    pub beta: f64,
    /// The constraint.
    pub method: Method,
    /// Target of each neuron's mean rate.
    pub target: f64,
    /// Patches that mean drives are measured on.
    pub calibration: i64,
    /// The rule of a step.
    pub optimizer: Rule,
    /// The norm of all gradients is clipped to this.
    pub max_grad_norm: f64,
    /// Of everything that the firing-rate rate does not move.
    pub learning_rate: Schedule,
    /// Of what each method says.
    pub fr_learning_rate: Schedule,
    /// Jitter of free kernels.
    pub jitter: Option<Jitter>,
    /// Centring.
    pub centering: Centering,
    /// How log-determinants are computed.
    pub log_det: LogDet,
    /// Single or double.
    pub kind: Kind,
    /// Where patches come from.
    pub data: data::Options,
    /// What is recorded when.
    pub record: Record,
}

/// When free kernels are sharpened: at start, start + interval … ≤ stop.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    start: u64,
    stop: u64,
    interval: u64,
    /// W ← W·|W|^power.
    pub power: f64,
}

impl Jitter {
    /// Whether it happens before a step.
    pub fn is_due(&self, step: u64) -> bool {
        (self.start..=self.stop).contains(&step) && (step - self.start).is_multiple_of(self.interval)
    }
}

/// A weight of the kernel variance in the loss, for start ≤ step < stop.
#[derive(Clone, Copy, Debug)]
pub struct Centering {
    weight: f64,
    start: u64,
    stop: u64,
}

impl Centering {
    /// The weight of a step.
    pub fn weight(&self, step: u64) -> f64 {
        if (self.start..self.stop).contains(&step) { self.weight } else { 0.0 }
    }
}

/// Steps between records and checkpoints; 0: at the end only.
#[derive(Clone, Debug)]
pub struct Record {
    /// Rows of the history.
    pub every: u64,
    /// Rates, Λ, gain and bias.
    pub arrays_every: u64,
    /// Kernels, gradients and matrices.
    pub matrices_every: u64,
    /// Checkpoints.
    pub checkpoint_every: u64,
    /// Newest checkpoints that are kept.
    pub keep: usize,
    /// Metric whose best checkpoint is kept.
    pub best: Option<String>,
}

impl Options {
    /// Reads a job's values.
    pub fn read(values: &Values) -> Result<Self, String> {
        let iterations = values.steps("iterations")?;
        let shape = Shape::parse(&values.text("shape")?);
        let method = method(values)?;
        let rate = values.number("learning_rate")?;
        let fr_rate = values.number("fr_learning_rate")?;
        let log_det = values.text("log_det")?;
        let fixed = shape.is_some() && values.boolean("fixed_centers")?;
        Ok(Self {
            iterations,
            batch: values.integer("batch_size")?,
            neurons: values.integer("neurons")?,
            kernels: Kernels { shape, colors: values.integer("colors")?, kernel_size: values.integer("kernel_size")? },
            individual_shapes: values.boolean("individual_shapes")?,
            fixed_mosaics: if fixed { Some(values.steps("mosaics")? as usize) } else { None },
            nonlinearity: match values.text("nonlinearity")?.as_str() {
                "relu" => Nonlinearity::Relu,
                _ => Nonlinearity::Softplus,
            },
            noise: [
                values.number("input_noise")?,
                values.number("input_noise_correlation")?,
                values.number("output_noise")?,
            ],
            beta: values.number("beta")?,
            target: values.number("fr_target")?,
            calibration: values.integer("normalized.calibration")?,
            optimizer: if values.text("optimizer")? == "adam" { Rule::Adam } else { Rule::Sgd },
            max_grad_norm: values.number("max_grad_norm")?,
            learning_rate: Schedule::read(values, "lr_schedule", rate, iterations)?,
            fr_learning_rate: match method.has_rate() {
                false => Schedule::constant(fr_rate),
                true => Schedule::read(values, "fr_lr_schedule", fr_rate, iterations)?,
            },
            method,
            jitter: if shape.is_none() { jitter(values)? } else { None },
            centering: Centering {
                weight: values.number("centering.weight")?,
                start: values.steps("centering.start")?,
                stop: values.steps("centering.stop")?,
            },
            log_det: LogDet::parse(&log_det).ok_or_else(|| format!("no log_det `{log_det}`"))?,
            kind: if values.text("precision")? == "double" { Kind::Double } else { Kind::Float },
            data: data::Options::read(values)?,
            record: record(values)?,
        })
    }
}

fn method(values: &Values) -> Result<Method, String> {
    Ok(match values.text("method")?.as_str() {
        "lagrange" => Method::Lagrange { rho: values.number("rho")? },
        "two_losses" => Method::TwoLosses { kernels_follow_both: values.text("two_losses.kernel_gradient")? == "both" },
        "gamma" => Method::Gamma {
            of_rate: values.text("gamma.estimate")? == "rate",
            through: values.text("gamma.gradient")? == "through",
        },
        "normalized" => Method::Normalized { running: values.text("normalized.estimate")? == "running" },
        _ => Method::None,
    })
}

fn jitter(values: &Values) -> Result<Option<Jitter>, String> {
    let interval = values.steps("jitter.interval")?;
    let jitter = Jitter {
        start: values.steps("jitter.start")?,
        stop: values.steps("jitter.stop")?,
        interval,
        power: values.number("jitter.power")?,
    };
    Ok((interval > 0).then_some(jitter))
}

fn record(values: &Values) -> Result<Record, String> {
    Ok(Record {
        every: values.steps("record.every")?.max(1),
        arrays_every: values.steps("record.arrays_every")?,
        matrices_every: values.steps("record.matrices_every")?,
        checkpoint_every: values.steps("checkpoint.every")?,
        keep: values.steps("checkpoint.keep")? as usize,
        best: Some(values.text("checkpoint.best")?).filter(|best| best != "none"),
    })
}
