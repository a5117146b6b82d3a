//! The fused log-determinants on the CPU: one image's matrices at a time, lower triangles alone, in a core's cache; images
//! in parallel over chunks of fixed size that are added up in fixed order, so numbers do not depend on threads or timing.

use super::NotPositiveDefinite;
use super::fused::{Gradient, Term};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, inverse};
use faer::{Mat, Par};
use rayon::prelude::*;
use std::ops::{Add, AddAssign, Mul};
use tch::kind::Element;
use tch::{Kind, Tensor};

/// Images whose gradients of M are added into one matrix; a change changes the last digits of every number.
const CHUNK: usize = 16;

/// f32 and f64.
trait Real:
    faer::traits::RealField + Element + Copy + Default + Into<f64> + Add<Output = Self> + Mul<Output = Self> + AddAssign
{
    fn from_f64(x: f64) -> Self;
}

impl Real for f32 {
    fn from_f64(x: f64) -> Self {
        x as f32
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }
}

/// The terms of M_z and M_zx; see [`super::fused`].
pub fn terms(tensors: &[Tensor; 3], output_noise: f64, with_gradient: bool) -> Result<[Term; 2], NotPositiveDefinite> {
    match tensors[2].kind() {
        Kind::Double => terms_of::<f64>(tensors, output_noise, with_gradient),
        _ => terms_of::<f32>(tensors, output_noise, with_gradient),
    }
}

/// What a chunk of images gives for one M.
struct Part<T> {
    log2_det: Vec<f64>,
    /// `[J, J]`, the lower triangle.
    by_m: Mat<T>,
    /// `[chunk, J]`.
    by_g: Vec<T>,
}

fn terms_of<T: Real>(
    [m_z, m_zx, g]: &[Tensor; 3],
    output_noise: f64,
    with_gradient: bool,
) -> Result<[Term; 2], NotPositiveDefinite> {
    let neurons = m_z.size()[0] as usize;
    let gains = numbers::<T>(g);
    let variance = T::from_f64(output_noise * output_noise);
    let matrices = [("c_z", m_z), ("c_zx", m_zx)].map(|(name, m)| (name, square(&numbers::<T>(m), neurons)));
    let tasks: Vec<_> =
        matrices.iter().flat_map(|matrix| gains.chunks(CHUNK * neurons).map(move |gains| (matrix, gains))).collect();
    let parts: Result<Vec<_>, _> = tasks
        .into_par_iter()
        .map(|((name, m), gains)| part(m, gains, variance, with_gradient).ok_or(NotPositiveDefinite(name)))
        .collect();
    let mut parts = parts?;
    let of_zx = parts.split_off(parts.len() / 2);
    Ok([parts, of_zx].map(|parts| sum(parts, g, with_gradient)))
}

/// The images of one chunk, one after another; `None` if a matrix is not positive definite.
fn part<T: Real>(m: &Mat<T>, gains: &[T], variance: T, with_gradient: bool) -> Option<Part<T>> {
    let n = m.nrows();
    let images = gains.len() / n;
    let gradient_size = if with_gradient { n } else { 0 };
    let mut part = Part {
        log2_det: Vec::with_capacity(images),
        by_m: Mat::zeros(gradient_size, gradient_size),
        by_g: vec![T::default(); images * gradient_size],
    };
    let scratch = factor::cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default())
        .or(inverse::inverse_scratch::<T>(n, Par::Seq));
    let mut buffer = MemBuffer::new(scratch);
    let mut a = Mat::<T>::zeros(n, n);
    let mut a_inverse = Mat::<T>::zeros(gradient_size, gradient_size);
    for (image, g) in gains.chunks_exact(n).enumerate() {
        compose(&mut a, m, g, variance);
        let stack = MemStack::new(&mut buffer);
        factor::cholesky_in_place(a.as_mut(), Default::default(), Par::Seq, stack, Default::default()).ok()?;
        let log2_det = 2.0 * (0..n).map(|i| a[(i, i)].into().log2()).sum::<f64>();
        if log2_det.is_nan() {
            return None;
        }
        part.log2_det.push(log2_det);
        if with_gradient {
            inverse::inverse(a_inverse.as_mut(), a.as_ref(), Par::Seq, MemStack::new(&mut buffer));
            accumulate(&mut part.by_m, &mut part.by_g[image * n..][..n], &a_inverse, m, g);
        }
    }
    Some(part)
}

/// The lower triangle of diag(g)·m·diag(g) + variance·I.
fn compose<T: Real>(a: &mut Mat<T>, m: &Mat<T>, g: &[T], variance: T) {
    for j in 0..g.len() {
        let column = &mut a.col_as_slice_mut(j)[j..];
        for ((a, &m), &gi) in column.iter_mut().zip(&m.col_as_slice(j)[j..]).zip(&g[j..]) {
            *a = gi * g[j] * m;
        }
        column[0] += variance;
    }
}

/// Adds diag(g)·A⁻¹·diag(g) to `by_m`, lower triangles, and 2·(A⁻¹ ∘ m)·g to `by_g`.
fn accumulate<T: Real>(by_m: &mut Mat<T>, by_g: &mut [T], a_inverse: &Mat<T>, m: &Mat<T>, g: &[T]) {
    let n = g.len();
    let two = T::from_f64(2.0);
    for j in 0..n {
        let (gj, twice_gj) = (g[j], two * g[j]);
        let (inverse, m) = (&a_inverse.col_as_slice(j)[j..], &m.col_as_slice(j)[j..]);
        let by_m = &mut by_m.col_as_slice_mut(j)[j..];
        by_m[0] += gj * gj * inverse[0];
        let mut below = [T::default(); LANES];
        let (mut i, end) = (1, n - j);
        while i + LANES <= end {
            for (lane, below) in below.iter_mut().enumerate() {
                let k = i + lane;
                let (x, gi) = (inverse[k], g[j + k]);
                by_m[k] += gi * gj * x;
                let weight = x * m[k];
                by_g[j + k] += weight * twice_gj;
                *below += weight * gi;
            }
            i += LANES;
        }
        for k in i..end {
            let (x, gi) = (inverse[k], g[j + k]);
            by_m[k] += gi * gj * x;
            let weight = x * m[k];
            by_g[j + k] += weight * twice_gj;
            below[0] += weight * gi;
        }
        let below = below.into_iter().fold(inverse[0] * m[0] * gj, |sum, x| sum + x);
        by_g[j] += two * below;
    }
}

/// Partial sums kept apart, so that the compiler may use vectors.
const LANES: usize = 8;

fn sum<T: Real>(parts: Vec<Part<T>>, g: &Tensor, with_gradient: bool) -> Term {
    let size = g.size();
    let log2_det: Vec<f64> = parts.iter().flat_map(|part| part.log2_det.iter().copied()).collect();
    let gradient = with_gradient.then(|| {
        let n = size[1] as usize;
        let mut by_m = vec![T::default(); n * n];
        for part in &parts {
            for j in 0..n {
                let column = &part.by_m.col_as_slice(j)[j..];
                by_m[j * n + j..][..n - j].iter_mut().zip(column).for_each(|(sum, &x)| *sum += x);
            }
        }
        let by_g: Vec<T> = parts.iter().flat_map(|part| part.by_g.iter().copied()).collect();
        // Column by column below the diagonal is row by row above it.
        let upper = Tensor::from_slice(&by_m).view([size[1], size[1]]);
        Gradient { m: &upper + upper.triu(1).tr(), g: Tensor::from_slice(&by_g).view(&*size) }
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

/// A symmetric matrix, so rows are columns.
fn square<T: Real>(numbers: &[T], n: usize) -> Mat<T> {
    Mat::from_fn(n, n, |i, j| numbers[j * n + i])
}
