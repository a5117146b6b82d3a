//! The lab's toy: gradient descent of −exp(−q) over two coordinates, q = (x−u)ᵀΣ(x−u), against a second step that pulls x2 to
//! a target. Plain arithmetic, operation by operation as autograd does it in the lab's script, so numbers agree to the last
//! digits and ten thousand runs take a second.

use crate::answers::Answers;
use crate::parameter::Values;
use std::ops::{Add, Mul, Neg, Sub};
use std::time::Instant;
use tessera::record::{Outcome, Real, Rows, RunId};

/// f32 and f64.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self> + Into<f64>
{
    /// The nearest of its kind.
    fn of(x: f64) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
}

impl Number for f32 {
    fn of(x: f64) -> Self {
        x as Self
    }
    fn exp(self) -> Self {
        self.exp()
    }
}

impl Number for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn exp(self) -> Self {
        self.exp()
    }
}

/// The toy's landscape and rates.
#[derive(Clone, Copy, Debug)]
pub struct Toy<T> {
    center: [T; 2],
    covariance: [T; 4],
    rate: T,
    constraint_rate: T,
    target: T,
}

impl<T: Number> Toy<T> {
    /// From numbers in double.
    pub fn new(center: [f64; 2], covariance: [f64; 4], rate: f64, constraint_rate: f64, target: f64) -> Self {
        Self {
            center: center.map(T::of),
            covariance: covariance.map(T::of),
            rate: T::of(rate),
            constraint_rate: T::of(constraint_rate),
            target: T::of(target),
        }
    }

    /// exp(−q) and (x−u)ᵀΣ.
    fn density(&self, [x1, x2]: [T; 2]) -> (T, [T; 2], [T; 2]) {
        let [a, b, c, d] = self.covariance;
        let offset = [x1 - self.center[0], x2 - self.center[1]];
        let left = [offset[0] * a + offset[1] * c, offset[0] * b + offset[1] * d];
        let right = [a * offset[0] + b * offset[1], c * offset[0] + d * offset[1]];
        ((-(left[0] * offset[0] + left[1] * offset[1])).exp(), left, right)
    }

    /// −exp(−q).
    pub fn loss(&self, x: [T; 2]) -> T {
        -self.density(x).0
    }

    /// One iteration: both coordinates down −exp(−q), then x2 down (x2 − target)².
    pub fn step(&self, x: [T; 2]) -> [T; 2] {
        let (density, left, right) = self.density(x);
        let slope = |i: usize| density * left[i] + density * right[i];
        let x1 = x[0] - self.rate * slope(0);
        let x2 = x[1] - self.rate * slope(1);
        [x1, x2 - self.constraint_rate * (T::of(2.0) * (x2 - self.target))]
    }
}

/// How near each coordinate must come to the constrained optimum to have arrived.
const ARRIVED: f64 = 0.05;

/// Executes a run.
pub fn run(run: &RunId, values: &Values, answers: &mut Answers) -> Result<(), String> {
    match values.text("precision")?.as_str() {
        "double" => run_in::<f64>(run, values, answers),
        _ => run_in::<f32>(run, values, answers),
    }
}

fn run_in<T: Number>(run: &RunId, values: &Values, answers: &mut Answers) -> Result<(), String> {
    let since = Instant::now();
    let (center, covariance) = (values.list::<2>("center")?, values.list::<4>("covariance")?);
    let target = values.number("constraint_target")?;
    let toy = Toy::<T>::new(
        center,
        covariance,
        values.number("learning_rate")?,
        values.number("constraint_learning_rate")?,
        target,
    );
    let (iterations, every) = (values.steps("iterations")?, values.steps("record.every")?.max(1));
    let mut x = [T::of(values.number("x1")?), T::of(values.number("x2")?)];
    // Where exp(−q) is largest on the line x2 = target.
    let optimum = center[0] - (covariance[1] + covariance[2]) / (2.0 * covariance[0]) * (target - center[1]);

    let mut history = History::default();
    let mut outcome = Outcome::Done;
    for step in 1..=iterations {
        x = toy.step(x);
        let [x1, x2] = x.map(Into::into);
        let finite = x1.is_finite() && x2.is_finite();
        if step % every == 0 || step == iterations || !finite {
            let distance = (x1 - optimum).abs().max((x2 - target).abs());
            let arrived = f64::from(distance <= ARRIVED);
            let (loss, constraint) = (toy.loss(x).into(), (x2 - target).powi(2));
            history.push(step, since.elapsed().as_secs_f64(), [x1, x2, loss, constraint, distance, arrived]);
        }
        if !finite {
            let quantity = if x1.is_finite() { "x2_now" } else { "x1_now" };
            outcome = Outcome::Diverged { step, quantity: quantity.to_owned() };
            break;
        }
    }
    answers.history(run, history.rows());
    answers.finished(run, outcome);
    Ok(())
}

/// Rows by column.
#[derive(Default)]
struct History {
    step: Vec<u64>,
    elapsed: Vec<Real>,
    columns: [Vec<Real>; 6],
}

impl History {
    fn push(&mut self, step: u64, elapsed: f64, numbers: [f64; 6]) {
        self.step.push(step);
        self.elapsed.push(Real(elapsed));
        self.columns.iter_mut().zip(numbers).for_each(|(column, number)| column.push(Real(number)));
    }

    fn rows(self) -> Rows {
        let names = crate::describe::toy::METRICS.iter().map(|(name, ..)| (*name).to_owned());
        Rows { step: self.step, elapsed: self.elapsed, metrics: names.zip(self.columns).collect() }
    }
}
