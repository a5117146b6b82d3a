//! Numbers in lanes: one number of each of L matrices beside another, so that arithmetic on a batch of small matrices is
//! vector arithmetic without shuffles, whatever the shape of the matrices.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use tch::kind::Element;

/// f32 and f64.
pub trait Real:
    Element
    + Copy
    + Default
    + Into<f64>
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Div<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Sub<Output = Self>
{
    /// Rounded.
    fn from_f64(x: f64) -> Self;
    /// self·b + c, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// √self.
    fn sqrt(self) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

/// A number of each of L matrices. `FUSED`: whether the processor multiplies and adds in one instruction (where it does not,
/// a fused operation would be a slow call).
#[derive(Clone, Copy, Debug)]
pub struct Lanes<T, const L: usize, const FUSED: bool>(pub [T; L]);

impl<T: Real, const L: usize, const FUSED: bool> Lanes<T, L, FUSED> {
    /// The same number in each lane.
    #[inline(always)]
    pub fn splat(x: T) -> Self {
        Self([x; L])
    }

    /// Zeros.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::splat(T::default())
    }

    /// A function of each lane.
    #[inline(always)]
    pub fn map(self, f: impl Fn(T) -> T) -> Self {
        Self(self.0.map(f))
    }

    /// A function of each pair of lanes.
    #[inline(always)]
    pub fn zip(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        let mut out = self;
        for lane in 0..L {
            out.0[lane] = f(self.0[lane], other.0[lane]);
        }
        out
    }

    /// Adds a·b.
    #[inline(always)]
    pub fn add_product(&mut self, a: Self, b: Self) {
        for lane in 0..L {
            let sum = &mut self.0[lane];
            *sum = if FUSED { a.0[lane].mul_add(b.0[lane], *sum) } else { a.0[lane] * b.0[lane] + *sum };
        }
    }

    /// The sum over lanes.
    #[inline(always)]
    pub fn sum(self) -> T {
        let mut sums = self.0;
        let mut width = L / 2;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        sums[0]
    }
}
