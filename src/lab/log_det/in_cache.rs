//! The fused log-determinants on the CPU: a few images' matrices at a time, in lanes, in a core's cache; images in parallel over
//! chunks of fixed size that are added up in fixed order, so numbers do not depend on threads or timing.

use super::NotPositiveDefinite;
use super::lanes::{Lanes, Real};
use super::sweep::{ROWS, Sweep};
use super::term::{Gradient, Term};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use tch::{Kind, Tensor};

/// Images whose gradients of M are added into one matrix; a change changes the last digits of every number.
const CHUNK: usize = 16;

/// The terms of M_z and M_zx; see [`super::fused`].
pub fn terms(tensors: &[Tensor; 3], output_noise: f64, with_gradient: bool) -> Result<[Term; 2], NotPositiveDefinite> {
    // 32 bytes of lanes: one vector of AVX2.
    match (tensors[2].kind(), has_fused_multiply_add()) {
        (Kind::Double, true) => terms_of::<f64, 4, true>(tensors, output_noise, with_gradient),
        (Kind::Double, false) => terms_of::<f64, 4, false>(tensors, output_noise, with_gradient),
        (_, true) => terms_of::<f32, 8, true>(tensors, output_noise, with_gradient),
        (_, false) => terms_of::<f32, 8, false>(tensors, output_noise, with_gradient),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_fused_multiply_add() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_fused_multiply_add() -> bool {
    cfg!(target_arch = "aarch64")
}

/// What a chunk of images gives for one M.
struct Part<T> {
    log2_det: Vec<f64>,
    /// `[J, J]`, the lower triangle; empty without gradient.
    by_m: Vec<T>,
    /// `[chunk, J]`; empty without gradient.
    by_g: Vec<T>,
}

/// One M and some images.
struct Task<'a, T> {
    /// `[J, J]`, symmetric.
    m: &'a [T],
    /// `[chunk, J]`.
    gains: &'a [T],
    neurons: usize,
    variance: T,
    with_gradient: bool,
}

fn terms_of<T: Real, const L: usize, const FUSED: bool>(
    [m_z, m_zx, g]: &[Tensor; 3],
    output_noise: f64,
    with_gradient: bool,
) -> Result<[Term; 2], NotPositiveDefinite> {
    let neurons = m_z.size()[0] as usize;
    let gains = numbers::<T>(g);
    let variance = T::from_f64(output_noise * output_noise);
    let matrices = [m_z, m_zx].map(numbers::<T>);
    let tasks = matrices.iter().flat_map(|m| {
        gains.chunks(CHUNK * neurons).map(move |gains| Task { m, gains, neurons, variance, with_gradient })
    });
    let tasks: Vec<_> = tasks.collect();
    // One set of matrices a thread, not one a task: fresh memory costs more than it seems.
    let idle = Mutex::new(Vec::new());
    let lock = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let run = |task: &Task<T>| {
        let sweep = lock().pop();
        let mut sweep = sweep.unwrap_or_else(|| Sweep::<T, L, FUSED>::new(neurons.next_multiple_of(ROWS)));
        let part = part_on_this_processor(task, &mut sweep);
        lock().push(sweep);
        part
    };
    let mut of_z: Vec<Part<T>> = tasks.par_iter().map(run).collect();
    let of_zx = of_z.split_off(of_z.len() / 2);
    for (name, parts) in [("c_z", &of_z), ("c_zx", &of_zx)] {
        if parts.iter().flat_map(|part| &part.log2_det).any(|log2_det| log2_det.is_nan()) {
            return Err(NotPositiveDefinite(name));
        }
    }
    Ok([of_z, of_zx].map(|parts| sum(&parts, g, with_gradient)))
}

/// [`part`] with the vector instructions that this processor has.
#[expect(unsafe_code, reason = "whether the instructions are there is known at run time only")]
fn part_on_this_processor<T: Real, const L: usize, const FUSED: bool>(
    task: &Task<T>,
    sweep: &mut Sweep<T, L, FUSED>,
) -> Part<T> {
    #[cfg(target_arch = "x86_64")]
    if has_fused_multiply_add() {
        #[target_feature(enable = "avx2,fma")]
        fn wide<T: Real, const L: usize, const FUSED: bool>(task: &Task<T>, sweep: &mut Sweep<T, L, FUSED>) -> Part<T> {
            part(task, sweep)
        }
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { wide(task, sweep) };
    }
    part(task, sweep)
}

/// The images of one task, L at a time. A matrix that is not positive definite gives NaN.
#[inline(always)]
fn part<T: Real, const L: usize, const FUSED: bool>(task: &Task<T>, sweep: &mut Sweep<T, L, FUSED>) -> Part<T> {
    let n = task.neurons;
    let images = task.gains.len() / n;
    let (matrix, vectors) = if task.with_gradient { (n * n, images * n) } else { (0, 0) };
    let mut part = Part { log2_det: Vec::new(), by_m: vec![T::default(); matrix], by_g: vec![T::default(); vectors] };
    for (group, gains) in task.gains.chunks(L * n).enumerate() {
        // Lanes without an image have g = 0: their matrices are σ²·I, and they add nothing.
        let present = gains.len() / n;
        let mut g = vec![Lanes::<T, L, FUSED>::zero(); n];
        for (lane, gains) in gains.chunks_exact(n).enumerate() {
            g.iter_mut().zip(gains).for_each(|(g, &gain)| g.0[lane] = gain);
        }
        compose(sweep, task, &g);
        part.log2_det.extend(&sweep.run(n, task.with_gradient)[..present]);
        if task.with_gradient {
            let by_g = accumulate(&mut part.by_m, sweep, task.m, &g);
            for (lane, images) in part.by_g[group * L * n..].chunks_exact_mut(n).take(present).enumerate() {
                images.iter_mut().zip(&by_g).for_each(|(image, by_g)| *image = by_g.0[lane] + by_g.0[lane]);
            }
        }
    }
    part
}

/// diag(g)·m·diag(g) + variance·I, lower triangle; rows beyond the neurons are those of variance·I.
#[inline(always)]
fn compose<T: Real, const L: usize, const FUSED: bool>(
    sweep: &mut Sweep<T, L, FUSED>,
    task: &Task<T>,
    g: &[Lanes<T, L, FUSED>],
) {
    let n = g.len();
    for i in 0..n.next_multiple_of(ROWS) {
        let row = sweep.row(i);
        if i < n {
            for ((a, &m), &gj) in row.iter_mut().zip(&task.m[i * n..]).zip(g) {
                *a = g[i].zip(gj, |gi, gj| gi * gj * m);
            }
        } else {
            row.fill(Lanes::zero());
        }
        row[i] = row[i].map(|a| a + task.variance);
    }
}

/// Adds Σ diag(g)·A⁻¹·diag(g) over the lanes to `by_m`, lower triangle, and gives (A⁻¹ ∘ m)·g.
#[inline(always)]
fn accumulate<T: Real, const L: usize, const FUSED: bool>(
    by_m: &mut [T],
    inverse: &mut Sweep<T, L, FUSED>,
    m: &[T],
    g: &[Lanes<T, L, FUSED>],
) -> Vec<Lanes<T, L, FUSED>> {
    let n = g.len();
    let mut by_g = vec![Lanes::zero(); n];
    for i in 0..n {
        let row = inverse.row(i);
        let (by_m, m) = (&mut by_m[i * n..][..=i], &m[i * n..][..=i]);
        let mut sum = Lanes::zero();
        for j in 0..i {
            let weighted = row[j].zip(g[i], |x, gi| x * gi);
            by_m[j] += weighted.zip(g[j], |x, gj| x * gj).sum();
            let m = Lanes::splat(m[j]);
            by_g[j].add_product(weighted, m);
            sum.add_product(row[j].zip(g[j], |x, gj| x * gj), m);
        }
        let weighted = row[i].zip(g[i], |x, gi| x * gi);
        by_m[i] += weighted.zip(g[i], |x, gi| x * gi).sum();
        sum.add_product(weighted, Lanes::splat(m[i]));
        by_g[i] = by_g[i].zip(sum, |a, b| a + b);
    }
    by_g
}

/// The parts of one M, in order.
fn sum<T: Real>(parts: &[Part<T>], g: &Tensor, with_gradient: bool) -> Term {
    let size = g.size();
    let log2_det: Vec<f64> = parts.iter().flat_map(|part| part.log2_det.iter().copied()).collect();
    let gradient = with_gradient.then(|| {
        let mut by_m = vec![T::default(); (size[1] * size[1]) as usize];
        for part in parts {
            by_m.iter_mut().zip(&part.by_m).for_each(|(sum, &x)| *sum += x);
        }
        let by_g: Vec<T> = parts.iter().flat_map(|part| part.by_g.iter().copied()).collect();
        let lower = Tensor::from_slice(&by_m).view([size[1], size[1]]);
        Gradient { m: &lower + lower.tril(-1).tr(), g: Tensor::from_slice(&by_g).view(&*size) }
    });
    Term { log2_det: Tensor::from_slice(&log2_det), gradient }
}

/// A tensor's numbers, row by row.
fn numbers<T: Real>(tensor: &Tensor) -> Vec<T> {
    let count = tensor.numel();
    let mut numbers = vec![T::default(); count];
    tensor.contiguous().copy_data(&mut numbers, count);
    numbers
}
