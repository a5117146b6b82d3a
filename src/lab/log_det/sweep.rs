//! Inverse and log-determinant of symmetric positive definite matrices, in place, in one sweep over block columns: the blocked
//! form of Cholesky, triangular inverse and their product together (Bientinesi, Gunter & van de Geijn 2008).
//!
//! After the blocks P have been swept, the matrix holds A_PP⁻¹ in P, A_RP·A_PP⁻¹ in (R, P) and the Schur complement
//! A_RR − A_RP·A_PP⁻¹·A_PR in R, the rest. To sweep the block K with pivot S_KK = L·Lᵀ and T = L⁻¹, with B_i = S_iK for
//! rows i in R and S_Kiᵀ for i in P, and Z_i = B_i·Tᵀ:
//!
//! ```text
//! S_ij ← S_ij − Z_i·Z_jᵀ   for i in R, j in P or R        S_ij ← S_ij + Z_i·Z_jᵀ   for i, j in P
//! S_iK ← Z_i·T             for i in R                     S_Ki ← −(Z_i·T)ᵀ         for i in P
//! S_KK ← Tᵀ·T              log det A = 2·Σ log diag(L) over all blocks
//! ```
//!
//! Lower triangles alone, one number of L matrices in each element: J³ operations a matrix, nearly all of them in [`tile`].

use super::lanes::{Lanes, Real};

/// Rows and columns that are multiplied at a time: their sums stay in registers.
pub const ROWS: usize = 4;
const COLUMNS: usize = 2;
/// Columns of a block; a multiple of [`ROWS`].
const BLOCK: usize = 32;
/// Columns updated together: their part of Z stays in the innermost cache.
const STRIP: usize = 8;

/// L matrices of `size` × `size` and what it takes to invert them.
pub struct Sweep<T, const L: usize, const FUSED: bool> {
    size: usize,
    /// Row by row; only the lower triangle means anything.
    matrix: Vec<Lanes<T, L, FUSED>>,
    /// `[size, BLOCK]`: B and Z.
    b: Vec<Lanes<T, L, FUSED>>,
    z: Vec<Lanes<T, L, FUSED>>,
    /// `[BLOCK, BLOCK]`: L, T and Tᵀ.
    l: Vec<Lanes<T, L, FUSED>>,
    t: Vec<Lanes<T, L, FUSED>>,
    tt: Vec<Lanes<T, L, FUSED>>,
}

impl<T: Real, const L: usize, const FUSED: bool> Sweep<T, L, FUSED> {
    /// For matrices of a size, a multiple of [`ROWS`].
    pub fn new(size: usize) -> Self {
        let zeros = |count| vec![Lanes::zero(); count];
        Self {
            size,
            matrix: zeros(size * size),
            b: zeros(size * BLOCK),
            z: zeros(size * BLOCK),
            l: zeros(BLOCK * BLOCK),
            t: zeros(BLOCK * BLOCK),
            tt: zeros(BLOCK * BLOCK),
        }
    }

    /// The lower triangle's part of a row.
    #[inline(always)]
    pub fn row(&mut self, i: usize) -> &mut [Lanes<T, L, FUSED>] {
        &mut self.matrix[i * self.size..][..=i]
    }

    /// Replaces the matrices by their inverses, or leaves nothing of use where `invert` is false, which takes a third of the
    /// time. Gives log2 det of the first `count` rows and columns; NaN for a matrix that is not positive definite.
    #[inline(always)]
    pub fn run(&mut self, count: usize, invert: bool) -> [f64; L] {
        let mut log2_det = [0.0; L];
        for from in (0..self.size).step_by(BLOCK) {
            let to = (from + BLOCK).min(self.size);
            self.factor(from, to);
            self.add_logarithms(count.saturating_sub(from).min(to - from), &mut log2_det);
            self.invert_factor(to - from);
            if invert {
                self.panel(0..from, from, to, invert);
            }
            self.panel(to..self.size, from, to, invert);
            if invert {
                self.replace_pivot(from, to);
                self.update(0..from, 0, from, to);
                self.update(to..self.size, 0, from, to);
            } else {
                self.update(to..self.size, to, from, to);
            }
        }
        log2_det
    }

    /// L of the pivot block.
    #[inline(always)]
    fn factor(&mut self, from: usize, to: usize) {
        let l = &mut self.l;
        for j in 0..to - from {
            for i in j..to - from {
                let mut sum = Lanes::zero();
                for m in 0..j {
                    sum.add_product(l[i * BLOCK + m], l[j * BLOCK + m]);
                }
                let rest = self.matrix[(from + i) * self.size + from + j].zip(sum, |s, sum| s - sum);
                l[i * BLOCK + j] = if i == j { rest.map(T::sqrt) } else { rest.zip(l[j * BLOCK + j], |x, d| x / d) };
            }
        }
    }

    /// Adds 2·log2 of L's first diagonal elements, four in one logarithm.
    #[inline(always)]
    fn add_logarithms(&self, count: usize, log2_det: &mut [f64; L]) {
        for first in (0..count).step_by(4) {
            let mut products = [1.0f64; L];
            for i in first..(first + 4).min(count) {
                let diagonal = self.l[i * BLOCK + i].0;
                for lane in 0..L {
                    products[lane] *= diagonal[lane].into();
                }
            }
            for lane in 0..L {
                log2_det[lane] += 2.0 * products[lane].log2();
            }
        }
    }

    /// T = L⁻¹ and its transpose.
    #[inline(always)]
    fn invert_factor(&mut self, size: usize) {
        let Self { l, t, tt, .. } = self;
        for j in 0..size {
            for i in 0..size {
                let element = if i < j {
                    Lanes::zero()
                } else if i == j {
                    l[i * BLOCK + i].map(|d| T::from_f64(1.0) / d)
                } else {
                    let mut sum = Lanes::zero();
                    for m in j..i {
                        sum.add_product(l[i * BLOCK + m], tt[j * BLOCK + m]);
                    }
                    sum.zip(l[i * BLOCK + i], |x, d| -x / d)
                };
                t[i * BLOCK + j] = element;
                tt[j * BLOCK + i] = element;
            }
        }
    }

    /// Z of some rows, all swept or all to be swept, and the rows' part of the block column.
    #[inline(always)]
    fn panel(&mut self, rows: std::ops::Range<usize>, from: usize, to: usize, invert: bool) {
        let (size, width) = (self.size, to - from);
        let swept = rows.start < from;
        if swept {
            for m in 0..width {
                for i in rows.clone() {
                    self.b[i * BLOCK + m] = self.matrix[(from + m) * size + i];
                }
            }
        } else {
            for i in rows.clone() {
                self.b[i * BLOCK..][..width].copy_from_slice(&self.matrix[i * size + from..][..width]);
            }
        }
        for i in rows.step_by(ROWS) {
            for c in (0..width).step_by(COLUMNS) {
                let product = tile(&self.b[i * BLOCK..], &self.t[c * BLOCK..], 0, c + COLUMNS);
                for (r, row) in product.iter().enumerate() {
                    self.z[(i + r) * BLOCK + c..][..COLUMNS].copy_from_slice(row);
                }
            }
            if !invert {
                continue;
            }
            for c in (0..width).step_by(COLUMNS) {
                let product = tile(&self.z[i * BLOCK..], &self.tt[c * BLOCK..], c, width);
                for (r, row) in product.iter().enumerate() {
                    for (q, &x) in row.iter().enumerate() {
                        if swept {
                            self.matrix[(from + c + q) * size + i + r] = x.map(|x| -x);
                        } else {
                            self.matrix[(i + r) * size + from + c + q] = x;
                        }
                    }
                }
            }
        }
    }

    /// S_KK ← Tᵀ·T.
    #[inline(always)]
    fn replace_pivot(&mut self, from: usize, to: usize) {
        for i in 0..to - from {
            for j in 0..=i {
                let mut sum = Lanes::zero();
                for m in i..to - from {
                    sum.add_product(self.tt[i * BLOCK + m], self.tt[j * BLOCK + m]);
                }
                self.matrix[(from + i) * self.size + from + j] = sum;
            }
        }
    }

    /// S_ij ∓ Z_i·Z_jᵀ for some rows i, all swept or all to be swept, and columns j ≤ i from `first`, without the block.
    #[inline(always)]
    fn update(&mut self, rows: std::ops::Range<usize>, first: usize, from: usize, to: usize) {
        let (size, width) = (self.size, to - from);
        let swept = rows.start < from;
        for strip in (first..rows.end).step_by(STRIP) {
            for i in (rows.start.max(strip / ROWS * ROWS)..rows.end).step_by(ROWS) {
                let end = (strip + STRIP).min(i + ROWS);
                for j in (strip..end).step_by(COLUMNS).filter(|j| !(from..to).contains(j)) {
                    let product = tile(&self.z[i * BLOCK..], &self.z[j * BLOCK..], 0, width);
                    for (r, row) in product.iter().enumerate() {
                        let target = &mut self.matrix[(i + r) * size + j..][..COLUMNS];
                        for (x, &z) in target.iter_mut().zip(row) {
                            *x = if swept { x.zip(z, |x, z| x + z) } else { x.zip(z, |x, z| x - z) };
                        }
                    }
                }
            }
        }
    }
}

/// The products of ROWS rows of `a` with COLUMNS rows of `b` (both of BLOCK columns) over the columns from..to.
#[inline(always)]
fn tile<T: Real, const L: usize, const FUSED: bool>(
    a: &[Lanes<T, L, FUSED>],
    b: &[Lanes<T, L, FUSED>],
    from: usize,
    to: usize,
) -> [[Lanes<T, L, FUSED>; COLUMNS]; ROWS] {
    let mut sums = [[Lanes::zero(); COLUMNS]; ROWS];
    let a: [_; ROWS] = std::array::from_fn(|row| &a[row * BLOCK..][from..to]);
    let b: [_; COLUMNS] = std::array::from_fn(|column| &b[column * BLOCK..][from..to]);
    for k in 0..to - from {
        for (sums, a) in sums.iter_mut().zip(&a) {
            for (sum, b) in sums.iter_mut().zip(&b) {
                sum.add_product(a[k], b[k]);
            }
        }
    }
    sums
}
