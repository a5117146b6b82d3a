//! The loop over the steps of a run: draws, steps, records, checkpoints, stops.

use super::calibration::mean_drive;
use super::checkpoint::{self, Parts, Progress};
use super::learner::{Learner, Rates, Step};
use super::measure;
use super::method::Method;
use super::options::Options;
use super::recorder::{History, Means, Watch, batch_of};
use super::start;
use crate::answers::Answers;
use crate::data::Source;
use crate::parameter::Values;
use crate::phases::{Phase, Phases};
use crate::random::Streams;
use crate::tensor_file::TensorFile;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};
use tessera::record::{Answer, Assignment, Outcome};

/// Rows wait no longer than this, and no more of them than that.
const ROWS_WAIT: (Duration, usize) = (Duration::from_millis(500), 1000);

/// A run under way.
struct Training<'a> {
    job: &'a Assignment,
    answers: &'a mut Answers,
    options: Options,
    source: Source,
    streams: Streams,
    device: Device,
    learner: Learner,
    watch: Watch,
    rates: Means,
    matrices: Means,
    history: History,
    sent: Instant,
    phases: Phases,
    began: Instant,
    progress: Progress,
    /// Matrices that were noted with a checkpoint: sent at the end if the checkpoint is still there.
    waiting: VecDeque<(u64, String)>,
}

/// Executes a run; answers all but its start and a failure. `Err` is a failure in one line.
pub fn train(
    job: &Assignment,
    values: &Values,
    device: Device,
    answers: &mut Answers,
    stop: &dyn Fn() -> bool,
) -> Result<(), String> {
    let options = Options::read(values)?;
    let streams = Streams::new(job.seed);
    let source = Source::open(&options.data, &job.cache, options.kind, device)?;
    let learner = start::learner(&options, &source.covariance(), &streams, device);
    let mut training = Training {
        job,
        answers,
        source,
        streams,
        device,
        learner,
        watch: Watch::default(),
        rates: Means::of_rates(),
        matrices: Means::of_matrices(),
        history: History::default(),
        sent: Instant::now(),
        phases: Phases::new(device),
        began: Instant::now(),
        progress: Progress::default(),
        waiting: VecDeque::new(),
        options,
    };
    if let Some(resume) = &job.resume {
        training.progress = checkpoint::read(&resume.checkpoint, training.parts())?;
    }
    training.run(stop)
}

impl Training<'_> {
    fn run(&mut self, stop: &dyn Fn() -> bool) -> Result<(), String> {
        let first = self.progress.step;
        for step in first..self.options.iterations {
            if stop() || self.answers.is_lost() {
                return self.stop(step);
            }
            if let Some((step, quantity)) = self.step(step, first)? {
                return self.finish(Outcome::Diverged { step, quantity: quantity.to_owned() });
            }
        }
        self.finish(Outcome::Done)
    }

    /// One step and what is recorded with it. `Some`: the run has diverged, at that step, by that quantity.
    fn step(&mut self, step: u64, first: u64) -> Result<Option<(u64, &'static str)>, String> {
        let Options { iterations, batch, kernels, kind, .. } = self.options;
        let is_last = step + 1 == iterations;
        let is_recorded = step.is_multiple_of(self.options.record.every) || is_last;
        if let Some(jitter) = self.options.jitter.filter(|jitter| jitter.is_due(step)) {
            self.learner.jitter(jitter.power);
        }
        self.phases.step(is_recorded);
        self.phases.enter(Phase::Data);
        let images = self.source.patches(&self.streams, "patches", step, batch);
        let shape = [batch, kernels.colors, kernels.kernel_size * kernels.kernel_size];
        let noise = self.streams.normal("input", step, &shape, kind, self.device);
        let rates = Rates {
            learning: self.options.learning_rate.rate(step),
            firing_rate: self.options.fr_learning_rate.rate(step),
            centering: self.options.centering.weight(step),
        };
        let done = match self.learner.step(&images, &noise, rates, &mut self.phases) {
            Ok(done) => done,
            Err(fault) => return Ok(Some((step, fault.0))),
        };
        self.phases.enter(Phase::Recording);
        let loss = || measure::fetch([&done.loss])[0];
        self.options.learning_rate.observe(step, loss);
        self.options.fr_learning_rate.observe(step, loss);
        self.watch.observe(&done);
        let (rate, matrices) = batch_of(&done, &self.learner);
        self.rates.add(rate);
        self.matrices.add(matrices);
        // On a GPU to ask at every step would be to wait at every step.
        let not_finite = if is_recorded || !self.device.is_cuda() { self.watch.not_finite() } else { None };
        if is_recorded || not_finite.is_some() {
            let metrics = measure::metrics(&done, &self.learner, rates, self.source.entropy());
            self.history.push(step, self.elapsed(), &metrics, &mut self.phases);
            self.send_rows(false);
        }
        if let Some((after, quantity)) = not_finite {
            return Ok(Some((first + after, quantity)));
        }
        if is_last && matches!(self.learner.method, Method::Normalized { .. }) {
            self.learner.running_mean = mean_drive(&self.learner, &self.source, &self.streams, &self.options);
        }
        self.record(&done, step + 1, is_last)?;
        self.phases.leave();
        Ok(None)
    }

    /// Arrays and checkpoints that are due after `step` steps.
    fn record(&mut self, done: &Step, step: u64, is_last: bool) -> Result<(), String> {
        let due = |every: u64| is_last || (every > 0 && step.is_multiple_of(every));
        let record = self.options.record.clone();
        let with_checkpoint = due(record.checkpoint_every);
        let with_matrices = due(record.matrices_every) || (record.matrices_every == 0 && with_checkpoint);
        if due(record.arrays_every) {
            let arrays = self.rate_arrays(done);
            let file = self.write_arrays("rates", step, arrays)?;
            self.say_arrays(step, file);
        }
        if with_matrices {
            let arrays = self.matrix_arrays(done);
            let file = self.write_arrays("matrices", step, arrays)?;
            if is_last || record.matrices_every > 0 {
                self.say_arrays(step, file);
            } else {
                self.waiting.push_back((step, file));
            }
        }
        if with_checkpoint {
            self.checkpoint(step)?;
        }
        Ok(())
    }

    fn rate_arrays(&mut self, done: &Step) -> Vec<(&'static str, Tensor)> {
        let mut arrays = self.rates.take();
        arrays.push(("rate_per_image", done.forward.rates.detach().mean_dim([1i64].as_slice(), false, None)));
        arrays.extend(self.learner.state_arrays());
        arrays
    }

    fn matrix_arrays(&mut self, done: &Step) -> Vec<(&'static str, Tensor)> {
        let [c_z, c_zx] = self.learner.model.mean_covariances(&done.forward);
        let mut arrays = measure::kernel_arrays(done, &self.learner);
        arrays.extend([("c_z", c_z), ("c_zx", c_zx), ("wcxw", done.forward.m_z.detach())]);
        arrays.extend(self.matrices.take());
        arrays
    }

    /// Writes arrays into the run's folder in single precision; returns the plain file name.
    fn write_arrays(&self, what: &str, step: u64, arrays: Vec<(&'static str, Tensor)>) -> Result<String, String> {
        write_arrays(self.job, &format!("{what}-{step}.safetensors"), arrays)
    }

    fn say_arrays(&mut self, step: u64, file: String) {
        self.answers.say(&Answer::Arrays { run: self.job.run.clone(), step, file });
    }

    fn parts(&mut self) -> Parts<'_> {
        Parts {
            learner: &mut self.learner,
            schedules: [&mut self.options.learning_rate, &mut self.options.fr_learning_rate],
            means: vec![&mut self.rates, &mut self.matrices],
        }
    }

    /// A checkpoint of the policy: judges whether it is the best and deletes what is no longer kept.
    fn checkpoint(&mut self, step: u64) -> Result<(), String> {
        if let Some(name) = &self.options.record.best {
            let goal = if name == "kl" { 1.0 } else { -1.0 };
            let value = self.watch.take_mean(name).unwrap_or(f64::NAN) * goal;
            if self.progress.best.is_none_or(|(_, best)| value > best) {
                self.progress.best = Some((step, value));
            }
        }
        self.write_checkpoint(step)?;
        let best = self.progress.best.map(|(step, _)| step);
        let deleted = checkpoint::prune(&self.job.checkpoints, step, self.options.record.keep, best);
        self.waiting.retain(|(step, file)| {
            let is_kept = !deleted.contains(step);
            if !is_kept {
                std::fs::remove_file(self.job.dir.join(file)).ok();
            }
            is_kept
        });
        Ok(())
    }

    /// Rows first: a checkpoint is noted down after all rows up to it.
    fn write_checkpoint(&mut self, step: u64) -> Result<(), String> {
        self.send_rows(true);
        self.progress.step = step;
        let progress = Progress { elapsed: self.elapsed(), ..self.progress.clone() };
        let file = checkpoint::file_name(step);
        let path = self.job.checkpoints.join(&file);
        checkpoint::write(&path, &self.parts(), &progress)?;
        self.answers.say(&Answer::Checkpoint { run: self.job.run.clone(), step, file });
        Ok(())
    }

    fn stop(&mut self, step: u64) -> Result<(), String> {
        self.write_checkpoint(step)?;
        self.end();
        self.answers.say(&Answer::Stopped { run: self.job.run.clone(), step });
        Ok(())
    }

    fn finish(&mut self, outcome: Outcome) -> Result<(), String> {
        self.end();
        self.answers.finished(&self.job.run, outcome);
        Ok(())
    }

    fn end(&mut self) {
        self.send_rows(true);
        for (step, file) in std::mem::take(&mut self.waiting) {
            self.say_arrays(step, file);
        }
    }

    fn send_rows(&mut self, now: bool) {
        let (longest, most) = ROWS_WAIT;
        if now || self.sent.elapsed() > longest || self.history.len() >= most {
            self.answers.history(&self.job.run, self.history.take());
            self.answers.send();
            self.sent = Instant::now();
        }
    }

    /// Seconds since the run began, earlier attempts included.
    fn elapsed(&self) -> f64 {
        self.progress.elapsed + self.began.elapsed().as_secs_f64()
    }
}

/// Writes arrays into a job's folder in single precision; returns the plain file name.
pub fn write_arrays(job: &Assignment, file: &str, arrays: Vec<(&'static str, Tensor)>) -> Result<String, String> {
    let tensors = arrays.into_iter().map(|(name, tensor)| (name.to_owned(), tensor.to_kind(Kind::Float))).collect();
    TensorFile { tensors, ..TensorFile::default() }.write(&job.dir.join(file))?;
    Ok(file.to_owned())
}
