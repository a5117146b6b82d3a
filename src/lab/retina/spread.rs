//! How well n batches determine a matrix: its estimates from disjoint sets of 1, 10, 100 … batches.

use tch::{Kind, Tensor};

/// What is known of a matrix by one set of batches, as a sum over them.
pub trait Estimate: Sized {
    /// Of two sets together.
    fn join(self, other: &Self) -> Self;
    /// `[J, J]`, double.
    fn matrix(&self) -> Tensor;
    /// The same numbers.
    fn share(&self) -> Self;
}

/// The mean of one matrix a batch.
#[derive(Debug)]
pub struct MeanMatrix {
    /// `[J, J]`.
    pub sum: Tensor,
    /// How many.
    pub batches: f64,
}

impl Estimate for MeanMatrix {
    fn join(self, other: &Self) -> Self {
        Self { sum: self.sum + &other.sum, batches: self.batches + other.batches }
    }
    fn matrix(&self) -> Tensor {
        &self.sum / self.batches
    }
    fn share(&self) -> Self {
        Self { sum: self.sum.shallow_clone(), batches: self.batches }
    }
}

/// The sample covariance of responses to images.
#[derive(Debug)]
pub struct SampleCovariance {
    sum: Tensor,
    products: Tensor,
    images: f64,
}

impl SampleCovariance {
    /// Of responses `[B, J]`.
    pub fn of(responses: &Tensor) -> Self {
        let responses = responses.detach().to_kind(Kind::Double);
        Self {
            sum: responses.sum_dim_intlist(0, false, None::<Kind>),
            products: responses.tr().matmul(&responses),
            images: responses.size()[0] as f64,
        }
    }
}

impl Estimate for SampleCovariance {
    fn join(self, other: &Self) -> Self {
        Self {
            sum: self.sum + &other.sum,
            products: self.products + &other.products,
            images: self.images + other.images,
        }
    }
    fn matrix(&self) -> Tensor {
        (&self.products - self.sum.outer(&self.sum) / self.images) / (self.images - 1.0).max(1.0)
    }
    fn share(&self) -> Self {
        Self { sum: self.sum.shallow_clone(), products: self.products.shallow_clone(), images: self.images }
    }
}

/// Sets of one size.
#[derive(Debug)]
struct Level<E> {
    batches: u64,
    open: Option<(E, u64)>,
    sets: u64,
    sum: Option<Tensor>,
    squares: f64,
    off_diagonal: f64,
    first: Option<Tensor>,
}

/// Estimates of a matrix by sets of several sizes, from one pass over the batches.
#[derive(Debug)]
pub struct Spread<E> {
    levels: Vec<Level<E>>,
}

/// What sets of one size say.
#[derive(Debug)]
pub struct Found {
    /// Batches of a set.
    pub batches: u64,
    /// Mean over sets of the off-diagonal energy over the total.
    pub off_diagonal: f64,
    /// Root mean square over sets of ‖C_set − C̄‖/‖C̄‖, C̄ their mean, with n − 1; NaN for one set.
    pub spread: f64,
    /// `[J, J]`: the estimate of the first set.
    pub first: Tensor,
}

impl<E: Estimate> Spread<E> {
    /// Sets of 1, 10, 100 … and of all `batches`.
    pub fn new(batches: u64) -> Self {
        let mut sizes: Vec<u64> =
            std::iter::successors(Some(1u64), |size| size.checked_mul(10)).take_while(|size| *size < batches).collect();
        sizes.push(batches.max(1));
        let level =
            |batches| Level { batches, open: None, sets: 0, sum: None, squares: 0.0, off_diagonal: 0.0, first: None };
        Self { levels: sizes.into_iter().map(level).collect() }
    }

    /// Takes in one batch.
    pub fn add(&mut self, batch: &E) {
        self.levels.iter_mut().for_each(|level| level.add(batch));
    }

    /// What each size says.
    pub fn found(self) -> Vec<Found> {
        self.levels.into_iter().filter_map(Level::found).collect()
    }
}

impl<E: Estimate> Level<E> {
    fn add(&mut self, batch: &E) {
        let (set, count) = match self.open.take() {
            Some((set, count)) => (set.join(batch), count + 1),
            None => (batch.share(), 1),
        };
        if count < self.batches {
            self.open = Some((set, count));
            return;
        }
        let matrix = set.matrix();
        self.sets += 1;
        self.squares += energy(&matrix);
        self.off_diagonal += off_diagonal_energy(&matrix);
        if self.first.is_none() {
            self.first = Some(matrix.shallow_clone());
        }
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + matrix,
            None => matrix,
        });
    }

    fn found(self) -> Option<Found> {
        let sets = self.sets as f64;
        let mean = energy(&(self.sum? / sets));
        let variance = (self.squares - sets * mean).max(0.0) / (sets - 1.0);
        Some(Found {
            batches: self.batches,
            off_diagonal: self.off_diagonal / sets,
            spread: if self.sets > 1 { (variance / mean).sqrt() } else { f64::NAN },
            first: self.first?,
        })
    }
}

fn energy(matrix: &Tensor) -> f64 {
    matrix.square().sum(Kind::Double).double_value(&[])
}

/// Σ of squares off the diagonal over Σ of all squares.
pub fn off_diagonal_energy(matrix: &Tensor) -> f64 {
    1.0 - energy(&matrix.diagonal(0, 0, 1)) / energy(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn spread_falls_with_the_root_of_the_batches() {
        tch::manual_seed(1);
        let mut spread = Spread::new(1000);
        let mut all: Option<SampleCovariance> = None;
        for _ in 0..1000 {
            let batch = SampleCovariance::of(&Tensor::randn([16, 4], (Kind::Double, Device::Cpu)));
            spread.add(&batch);
            all = Some(match all {
                Some(all) => all.join(&batch),
                None => batch,
            });
        }
        let found = spread.found();
        assert_eq!(found.iter().map(|found| found.batches).collect::<Vec<_>>(), [1, 10, 100, 1000]);
        let ratio = found[0].spread / found[1].spread;
        assert!((ratio - 10f64.sqrt()).abs() < 0.5, "{ratio}");
        assert!(found[3].spread.is_nan() && found[3].first.allclose(&all.unwrap().matrix(), 1e-12, 1e-12, false));
        assert!(found[3].off_diagonal < 0.01 && found[0].off_diagonal > 0.05);
    }
}
