//! Every backend against plain Cholesky with autograd in double precision.

use super::*;
use tch::{Device, Kind};

/// Symmetric positive definite M_z, M_zx with a condition number, and g with magnitudes between two powers of ten.
struct Case {
    m_z: Tensor,
    m_zx: Tensor,
    g: Tensor,
}

impl Case {
    fn new(neurons: i64, batch: i64, condition: f64, powers: (f64, f64)) -> Self {
        let streams = crate::random::Streams::new(5);
        let normal = |name, shape: &[i64]| streams.normal(name, 0, shape, Kind::Double, Device::Cpu);
        let matrix = |name| {
            let (q, _) = Tensor::linalg_qr(&normal(name, &[neurons, neurons]), "reduced");
            let spectrum = Tensor::logspace(-condition.log10(), 0.0, neurons, 10.0, (Kind::Double, Device::Cpu));
            q.matmul(&spectrum.diag(0)).matmul(&q.tr())
        };
        let power =
            streams.uniform("g", 0, &[batch, neurons], Kind::Double, Device::Cpu) * (powers.1 - powers.0) + powers.0;
        let m_zx = matrix("zx") * 0.1;
        // As in the model, C_z − C_zx is positive semi-definite.
        Self { m_z: matrix("z") + &m_zx, m_zx, g: Tensor::from(10.0).pow(&power) }
    }

    /// kl, numerator, denominator and the gradients of kl by M_z, M_zx and g.
    fn run(&self, kind: Kind, kl: impl Fn(&Tensor, &Tensor, &Tensor) -> LogDets) -> Vec<Tensor> {
        let inputs = [&self.m_z, &self.m_zx, &self.g].map(|x| x.copy().to_kind(kind).set_requires_grad(true));
        let values = kl(&inputs[0], &inputs[1], &inputs[2]);
        values.kl.backward();
        let gradients = inputs.iter().map(Tensor::grad);
        [values.kl.detach(), values.numerator, values.denominator].into_iter().chain(gradients).collect()
    }

    fn backend(&self, kind: Kind, backend: LogDet) -> Vec<Tensor> {
        self.run(kind, |m_z, m_zx, g| kl(backend, m_z, m_zx, g, NOISE).unwrap())
    }
}

const NOISE: f64 = 3.0;
const NAMES: [&str; 6] = ["kl", "numerator", "denominator", "by m_z", "by m_zx", "by g"];

fn errors(found: &[Tensor], expected: &[Tensor]) -> Vec<f64> {
    let largest = |x: &Tensor| x.abs().max().double_value(&[]);
    let error = |(a, b): (&Tensor, &Tensor)| largest(&(a.to_kind(Kind::Double) - b)) / largest(b);
    found.iter().zip(expected).map(error).collect()
}

fn cases() -> Vec<(&'static str, Case)> {
    vec![
        ("plain", Case::new(40, 37, 10.0, (-1.0, 1.0))),
        ("one neuron", Case::new(1, 3, 1.0, (-1.0, 1.0))),
        ("ill-conditioned", Case::new(40, 37, 1e12, (-1.0, 1.0))),
        ("small and large gains", Case::new(40, 37, 10.0, (-6.0, 2.0))),
        ("both", Case::new(61, 20, 1e12, (-6.0, 2.0))),
    ]
}

#[test]
fn backends_agree_in_double_precision() {
    for (name, case) in cases() {
        let expected = case.backend(Kind::Double, LogDet::AutogradCholesky);
        for (backend, tolerance) in [(LogDet::Fused, 1e-9), (LogDet::Lu, 1e-9), (LogDet::Eigen, 1e-8)] {
            for (quantity, error) in NAMES.iter().zip(errors(&case.backend(Kind::Double, backend), &expected)) {
                assert!(error < tolerance, "{name}: {backend:?} {quantity} {error:e}");
            }
        }
    }
}

/// 1e-4 where matrices are well-conditioned; elsewhere at most twice the error of plain Cholesky in single precision.
#[test]
fn fused_is_as_exact_as_the_reference_in_single_precision() {
    for (name, case) in cases() {
        let expected = case.backend(Kind::Double, LogDet::AutogradCholesky);
        let reference = errors(&case.backend(Kind::Float, LogDet::AutogradCholesky), &expected);
        let fused = errors(&case.backend(Kind::Float, LogDet::Fused), &expected);
        let condition = covariances(&case.m_z, &case.g, NOISE).linalg_cond(2.0).max().double_value(&[]);
        for ((quantity, error), reference) in NAMES.iter().zip(fused).zip(reference) {
            let limit = if condition <= 1e3 { 1e-4 } else { (2.0 * reference).max(1e-6) };
            assert!(error < limit, "{name} (condition {condition:.0}): {quantity} {error:e}, reference {reference:e}");
        }
    }
}

#[test]
fn the_batched_way_for_gpus_gives_the_same() {
    for (name, case) in cases() {
        let inputs = [&case.m_z, &case.m_zx, &case.g].map(Tensor::shallow_clone);
        let [z, zx] = batched::terms(&inputs, NOISE, true).unwrap();
        let [here_z, here_zx] = in_cache::terms(&inputs, NOISE, true).unwrap();
        for (there, here) in [(z, here_z), (zx, here_zx)] {
            let flat = |term: term::Term| {
                let gradient = term.gradient.unwrap();
                [term.log2_det, gradient.m, gradient.g]
            };
            for error in errors(&flat(there), &flat(here)) {
                assert!(error < 1e-9, "{name}: {error:e}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let case = Case::new(40, 37, 10.0, (-1.0, 1.0));
            let inputs = [&case.m_z, &case.m_zx, &case.g].map(|x| x.to_kind(Kind::Float));
            let gradient = |term: term::Term| Vec::<f32>::try_from(term.gradient.unwrap().m.view([-1])).unwrap();
            in_cache::terms(&inputs, NOISE, true).unwrap().map(gradient)
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn without_a_gradient_to_find_the_value_is_the_same() {
    let case = Case::new(40, 37, 10.0, (-1.0, 1.0));
    let with = case.backend(Kind::Double, LogDet::Fused);
    let without = kl(LogDet::Fused, &case.m_z, &case.m_zx, &case.g, NOISE).unwrap();
    assert!(without.kl.equal(&with[0]) && !without.kl.requires_grad());
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_named() {
    let Case { m_z, m_zx, g } = Case::new(10, 4, 10.0, (1.0, 1.0));
    for backend in [LogDet::Fused, LogDet::AutogradCholesky, LogDet::Eigen] {
        let error = kl(backend, &m_z, &(&m_zx * -10.0), &g, NOISE).unwrap_err();
        assert_eq!(error.to_string(), "c_zx is not positive definite");
        assert!(kl(backend, &m_z, &m_zx, &(&g * f64::NAN), NOISE).map_or(true, |x| x.kl.double_value(&[]).is_nan()));
    }
    let [z, zx] = batched::terms(&[m_z.copy(), &m_zx * -10.0, g.copy()], NOISE, true).unwrap();
    assert!(z.log2_det.isfinite().all().int64_value(&[]) == 1);
    assert!(zx.log2_det.isnan().all().int64_value(&[]) == 1);
}
