//! Measurements on a stored checkpoint, without training again: many batches at fixed parameters. The batches come from
//! streams of their own, so no probe sees an image and noise that it was trained on.
//!
//! - `covariance`: Wᵀ(C_x + σ_in²C_n)W without G, exact; C_z and C_zx (means of one matrix an image) and the sample covariances
//!   of y and z, each from disjoint sets of 1, 10, 100 … batches: off-diagonal energy over the total, and the spread over
//!   sets. One row for each size of set; `step` is the size.
//! - `rates`: both distributions of rates over all batches, with the sampling noise of the per-neuron means; and, as a row of
//!   its own, what single batches say on average.
//! - `gradient`: mean gradients of β·kl and ‖h‖², how much of one batch's gradient is noise, the angle between them.
//! - `kl`: mean, sd over batches and standard error; the same with each gain set so that the mean rate is the target, and how far
//!   from the target rates are with the gains as they are.

use super::calibration::mean_drive;
use super::checkpoint::{self, Parts};
use super::learner::Learner;
use super::method::{Method, gain_at, mean};
use super::options::Options;
use super::spread::{Found, MeanMatrix, SampleCovariance, Spread, off_diagonal_energy};
use super::start;
use super::sums::{MeanGradient, RATES, RateSums};
use super::tensors::{Name, Tensors, gradient};
use super::training::write_arrays;
use crate::answers::Answers;
use crate::data::Source;
use crate::parameter::Values;
use crate::random::Streams;
use std::time::Instant;
use tch::{Device, Kind, Tensor};
use tessera::record::{Answer, Outcome, ProbeAssignment, Real, Rows};

/// A learner from a checkpoint and what it is shown.
struct Probe {
    learner: Learner,
    source: Source,
    streams: Streams,
    options: Options,
    device: Device,
}

/// Rows by step, arrays by name.
type Measured = (Vec<(u64, Vec<(String, f64)>)>, Vec<(&'static str, Tensor)>);

/// Answers a probe like a run.
pub fn probe(
    request: &ProbeAssignment,
    values: &Values,
    device: Device,
    answers: &mut Answers,
    stop: &dyn Fn() -> bool,
) -> Result<(), String> {
    let began = Instant::now();
    let job = &request.job;
    let resume = job.resume.as_ref().ok_or("a probe needs a checkpoint")?;
    let mut options = Options::read(values)?;
    let streams = Streams::new(job.seed);
    let source = Source::open(&options.data, &job.cache, options.kind, device)?;
    let mut learner = start::learner(&options, &source.covariance(), &streams, device);
    let parts = Parts {
        learner: &mut learner,
        schedules: [&mut options.learning_rate, &mut options.fr_learning_rate],
        means: Vec::new(),
    };
    checkpoint::read(&resume.checkpoint, parts)?;
    if matches!(learner.method, Method::Normalized { .. }) {
        learner.running_mean = mean_drive(&learner, &source, &streams, &options);
    }
    let probe = Probe { learner, source, streams, options, device };
    let batches = request.batches.max(1);
    let measured = match request.what.as_str() {
        "covariance" => probe.covariance(batches, stop),
        "rates" => probe.rates(batches, stop),
        "gradient" => probe.gradient(batches, stop),
        "kl" => probe.kl(batches, stop),
        other => return Err(format!("no probe `{other}`: covariance, rates, gradient or kl")),
    };
    let Some((rows, arrays)) = measured? else {
        answers.say(&Answer::Stopped { run: job.run.clone(), step: resume.step });
        return Ok(());
    };
    let mut history = Rows::default();
    for (step, metrics) in rows {
        history.step.push(step);
        history.elapsed.push(Real(began.elapsed().as_secs_f64()));
        for (name, value) in metrics {
            history.metrics.entry(name).or_default().push(Real(value));
        }
    }
    answers.history(&job.run, history);
    let file = write_arrays(job, &format!("probe-{}.safetensors", request.what), arrays)?;
    answers.say(&Answer::Arrays { run: job.run.clone(), step: resume.step, file });
    answers.finished(&job.run, Outcome::Done);
    Ok(())
}

impl Probe {
    /// Images and noise of a batch.
    fn batch(&self, batch: u64) -> (Tensor, Tensor) {
        let images = self.source.patches(&self.streams, "probe.patches", batch, self.options.batch);
        let noise = self.streams.normal("probe.input", batch, &images.size(), self.options.kind, self.device);
        (images, noise)
    }

    fn covariance(&self, batches: u64, stop: &dyn Fn() -> bool) -> Result<Option<Measured>, String> {
        let double = |tensor: &Tensor| tensor.detach().to_kind(Kind::Double).to_device(Device::Cpu);
        let (mut c_z, mut c_zx) = (Spread::<MeanMatrix>::new(batches), Spread::<MeanMatrix>::new(batches));
        let (mut y, mut z) = (Spread::<SampleCovariance>::new(batches), Spread::<SampleCovariance>::new(batches));
        let gain = self.learner.gain().detach();
        let mut wcxw = Tensor::new();
        for batch in 0..batches {
            if stop() {
                return Ok(None);
            }
            let (images, noise) = self.batch(batch);
            let forward = tch::no_grad(|| self.learner.forward(&images, &noise));
            let [with_g, with_g_noise] =
                self.learner.model.mean_covariances(&forward).map(|sum| MeanMatrix { sum: double(&sum), batches: 1.0 });
            c_z.add(&with_g);
            c_zx.add(&with_g_noise);
            y.add(&SampleCovariance::of(&double(&forward.filtered)));
            let size = forward.drive.size();
            let output = self.streams.normal("probe.output", batch, &size, self.options.kind, self.device);
            let response = &gain * &forward.drive + output * self.learner.model.output_noise;
            z.add(&SampleCovariance::of(&double(&response)));
            wcxw = double(&forward.m_z);
        }
        let exact = off_diagonal_energy(&wcxw);
        let named = [("c_z", c_z.found()), ("c_zx", c_zx.found()), ("y", y.found()), ("z", z.found())];
        let sizes: Vec<u64> = named[0].1.iter().map(|found| found.batches).collect();
        let row = |(index, size): (usize, u64)| {
            let of = |(name, found): &(&str, Vec<Found>)| {
                let Found { off_diagonal, spread, .. } = found[index];
                [(format!("{name}_off_diagonal"), off_diagonal), (format!("{name}_spread"), spread)]
            };
            let exact = [("wcxw_off_diagonal".to_owned(), exact)];
            (size, exact.into_iter().chain(named.iter().flat_map(of)).collect())
        };
        let rows = sizes.into_iter().enumerate().map(row).collect();
        let mut arrays = vec![("wcxw", wcxw)];
        let names = [("c_z_one_batch", "c_z"), ("c_zx_one_batch", "c_zx"), ("y_one_batch", "y"), ("z_one_batch", "z")];
        for ((one, all), (_, found)) in names.into_iter().zip(named) {
            let sets = found.len();
            for (index, found) in found.into_iter().enumerate() {
                if index + 1 == sets {
                    arrays.push((all, found.first));
                } else if index == 0 {
                    arrays.push((one, found.first));
                }
            }
        }
        Ok(Some((rows, arrays)))
    }

    fn rates(&self, batches: u64, stop: &dyn Fn() -> bool) -> Result<Option<Measured>, String> {
        let mut all: Option<RateSums> = None;
        let mut single = Vec::new();
        for batch in 0..batches {
            if stop() {
                return Ok(None);
            }
            let (images, noise) = self.batch(batch);
            let rates = tch::no_grad(|| self.learner.forward(&images, &noise)).rates;
            let sums = RateSums::of(&rates.to_kind(Kind::Double).to_device(Device::Cpu));
            single.push(sums.numbers());
            all = Some(match all {
                Some(all) => all.join(sums),
                None => sums,
            });
        }
        let Some(all) = all else { return Ok(None) };
        let named = |numbers: [f64; 5]| RATES.iter().map(|name| (*name).to_owned()).zip(numbers).collect();
        let mean = |column: usize| single.iter().map(|row| row[column]).sum::<f64>() / single.len() as f64;
        let mut rows = vec![(batches, named(all.numbers()))];
        if batches > 1 {
            rows.insert(0, (1, named(std::array::from_fn(mean))));
        }
        Ok(Some((rows, vec![("rate_per_neuron", all.per_neuron()), ("rate_per_image", all.per_image)])))
    }

    fn gradient(&self, batches: u64, stop: &dyn Fn() -> bool) -> Result<Option<Measured>, String> {
        let (mut kl, mut fr) = (MeanGradient::default(), MeanGradient::default());
        for batch in 0..batches {
            if stop() {
                return Ok(None);
            }
            let (images, noise) = self.batch(batch);
            let Some([by_kl, by_fr]) = self.gradients(&images, &noise) else {
                return Err("C_z is not positive definite at this checkpoint".to_owned());
            };
            kl.add(by_kl);
            fr.add(by_fr);
        }
        let cosine = kl.mean().dot(&fr.mean()) / (kl.mean().norm() * fr.mean().norm());
        let row = vec![
            ("grad_norm_kl".to_owned(), kl.norm()),
            ("grad_norm_kl_one_batch".to_owned(), kl.norm_of_one()),
            ("grad_norm_fr".to_owned(), fr.norm()),
            ("grad_norm_fr_one_batch".to_owned(), fr.norm_of_one()),
            ("grad_cosine".to_owned(), cosine.double_value(&[])),
        ];
        let of_kernels = |mean: &MeanGradient| mean.mean().get(Name::Kernels).map(Tensor::shallow_clone);
        let arrays = [("kernel_gradient_kl", of_kernels(&kl)), ("kernel_gradient_fr", of_kernels(&fr))];
        let arrays = arrays.into_iter().filter_map(|(name, array)| Some((name, array?))).collect();
        Ok(Some((vec![(batches, row)], arrays)))
    }

    /// Of β·kl and of ‖h‖², for W, logB, and logA where the gain is no function of the batch; `None` where a factorisation fails.
    fn gradients(&self, images: &Tensor, noise: &Tensor) -> Option<[Tensors; 2]> {
        let learner = &self.learner;
        let leaf = |tensor: &Tensor| tensor.detach().set_requires_grad(true);
        let (kernels, gain, bias) =
            (leaf(&learner.model.kernels.of(&learner.parameters)), learner.gain(), learner.bias());
        let (log_gain, log_bias) = (leaf(&gain.log()), leaf(&bias.log()));
        let gain_for = |drive: &Tensor| {
            let passed = learner.method.gain_for(learner.target, &learner.running_mean, drive);
            passed.unwrap_or_else(|| log_gain.exp())
        };
        let forward = learner.model.forward_with(&kernels, images, noise, &log_bias.exp(), gain_for);
        let kl = learner.model.log_dets(&forward).ok()?.kl;
        let excess = mean(&forward.rates) - learner.target;
        let leaves: Tensors =
            [(Name::Kernels, kernels), (Name::LogGain, log_gain), (Name::LogBias, log_bias)].into_iter().collect();
        Some([kl * learner.beta, excess.square().sum(None::<Kind>)].map(|loss| gradient(&loss, &leaves)))
    }

    fn kl(&self, batches: u64, stop: &dyn Fn() -> bool) -> Result<Option<Measured>, String> {
        let learner = &self.learner;
        let gain = gain_at(learner.target, &mean_drive(learner, &self.source, &self.streams, &self.options));
        let (mut found, mut at_target) = (Vec::new(), Vec::new());
        let mut rates: Option<RateSums> = None;
        for batch in 0..batches {
            if stop() {
                return Ok(None);
            }
            let (images, noise) = self.batch(batch);
            let forward = tch::no_grad(|| learner.forward(&images, &noise));
            let number = |kl: Tensor| kl.double_value(&[]);
            let with = learner.model.kl_with(&forward, &gain, &learner.bias()).map_err(|fault| fault.to_string())?;
            at_target.push(number(with));
            found.push(number(learner.model.log_dets(&forward).map_err(|fault| fault.to_string())?.kl));
            let sums = RateSums::of(&forward.rates.to_kind(Kind::Double).to_device(Device::Cpu));
            rates = Some(match rates {
                Some(rates) => rates.join(sums),
                None => sums,
            });
        }
        let Some(rates) = rates else { return Ok(None) };
        let off = (rates.per_neuron() / learner.target - 1.0).abs().max().double_value(&[]);
        let [mean, sd] = mean_and_sd(&found);
        let row = vec![
            ("kl".to_owned(), mean),
            ("kl_at_target".to_owned(), mean_and_sd(&at_target)[0]),
            ("information".to_owned(), mean / 2.0),
            ("mi".to_owned(), self.source.entropy() - learner.beta * mean),
            ("kl_sd".to_owned(), sd),
            ("kl_standard_error".to_owned(), sd / (found.len() as f64).sqrt()),
            ("rate_mean".to_owned(), rates.per_neuron().mean(None).double_value(&[])),
            ("rate_off".to_owned(), off),
        ];
        let arrays = vec![
            ("kl_per_batch", Tensor::from_slice(&found)),
            ("kl_at_target_per_batch", Tensor::from_slice(&at_target)),
            ("rate_per_neuron", rates.per_neuron()),
        ];
        Ok(Some((vec![(batches, row)], arrays)))
    }
}

/// Mean, and sd with n − 1.
fn mean_and_sd(numbers: &[f64]) -> [f64; 2] {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    [mean, (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()]
}
