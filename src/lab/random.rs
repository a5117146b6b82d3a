//! Seeded draws: every draw is a function of (seed, stream, step), so the random state of a run is its step.
//!
//! On the CPU the generator is counter-based (ChaCha8). Numbers are drawn in chunks of fixed length, each with a counter
//! of its own, so they do not depend on the number of threads; they do not depend on the precision either. A GPU has
//! a generator of its own, seeded anew from the same key before each draw. Streams know nothing of methods or rates: runs
//! of one seed are paired.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

/// Numbers that share one counter; a change changes every number.
const CHUNK: usize = 4096;

/// All streams of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of a run's seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Standard-normal numbers.
    pub fn normal(&self, stream: &str, step: u64, shape: &[i64], kind: Kind, device: Device) -> Tensor {
        if device.is_cuda() {
            self.seed_device(stream, step);
            return Tensor::randn(shape, (kind, device));
        }
        self.fill(stream, step, shape, kind, |generator| StandardNormal.sample(generator))
    }

    /// Uniform numbers in [0, 1).
    pub fn uniform(&self, stream: &str, step: u64, shape: &[i64], kind: Kind, device: Device) -> Tensor {
        if device.is_cuda() {
            self.seed_device(stream, step);
            return Tensor::rand(shape, (kind, device));
        }
        // 24 bits: exact in both precisions, and below 1 in both.
        self.fill(stream, step, shape, kind, |generator| (generator.next_u32() >> 8) as f32 / (1 << 24) as f32)
    }

    /// The generator of one draw, for what is drawn on the CPU whatever the device (where patches lie).
    pub fn generator(&self, stream: &str, step: u64) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.key(stream, step))
    }

    fn key(&self, stream: &str, step: u64) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&step.to_le_bytes()).update(stream.as_bytes());
        hasher.finalize().into()
    }

    fn seed_device(&self, stream: &str, step: u64) {
        let [a, b, c, d, e, f, g, h, ..] = self.key(stream, step);
        tch::manual_seed(i64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }

    /// Draws in single precision whatever the kind, so that runs in both precisions see the same numbers.
    fn fill(
        &self,
        stream: &str,
        step: u64,
        shape: &[i64],
        kind: Kind,
        draw: impl Fn(&mut ChaCha8Rng) -> f32 + Sync,
    ) -> Tensor {
        let count = shape.iter().product::<i64>().max(0) as usize;
        let generator = self.generator(stream, step);
        let mut numbers = vec![0f32; count];
        numbers.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, numbers)| {
            let mut generator = generator.clone();
            generator.set_stream(chunk as u64);
            numbers.iter_mut().for_each(|number| *number = draw(&mut generator));
        });
        Tensor::from_slice(&numbers).view(shape).to_kind(kind)
    }
}

/// A whole number below `bound`, by multiplication; the bias is below bound/2⁶⁴.
pub fn below(generator: &mut ChaCha8Rng, bound: u64) -> u64 {
    ((u128::from(generator.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(seed: u64, stream: &str, step: u64, count: i64) -> Tensor {
        Streams::new(seed).normal(stream, step, &[count], Kind::Float, Device::Cpu)
    }

    #[test]
    fn a_draw_is_a_function_of_seed_stream_and_step() {
        let draw = normal(7, "input", 3, 10_000);
        assert!(draw.equal(&normal(7, "input", 3, 10_000)));
        for other in [normal(8, "input", 3, 10_000), normal(7, "output", 3, 10_000), normal(7, "input", 4, 10_000)] {
            assert!(!draw.equal(&other));
        }
        let double = Streams::new(7).normal("input", 3, &[10_000], Kind::Double, Device::Cpu);
        assert!(double.equal(&draw.to_kind(Kind::Double)));
    }

    #[test]
    fn a_draw_does_not_depend_on_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| normal(1, "input", 0, 100_000))
        };
        assert!(on(1).equal(&on(3)));
    }

    #[test]
    fn numbers_have_their_distribution() {
        let normal = normal(1, "input", 0, 1_000_000);
        assert!(normal.mean(Kind::Double).double_value(&[]).abs() < 4e-3);
        assert!((normal.std(true).double_value(&[]) - 1.0).abs() < 3e-3);
        let tail = normal.abs().gt(1.959_964).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert!((tail - 0.05).abs() < 1e-3);
        let uniform = Streams::new(1).uniform("start", 0, &[1_000_000], Kind::Float, Device::Cpu);
        assert!((uniform.mean(Kind::Double).double_value(&[]) - 0.5).abs() < 2e-3);
        assert!(uniform.min().double_value(&[]) >= 0.0 && uniform.max().double_value(&[]) < 1.0);
    }
}
