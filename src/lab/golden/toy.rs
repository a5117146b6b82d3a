//! The toy's golden file: a thousand iterations in single and double precision.

use super::Worst;
use crate::tensor_file::TensorFile;
use crate::toy::{Number, Toy};
use tch::{Kind, Tensor};

/// Compares the trajectory and the end of one precision.
pub fn compare(file: &TensorFile, kind: Kind) -> Result<Worst, String> {
    match kind {
        Kind::Double => compare_in::<f64>(file, "f64"),
        _ => compare_in::<f32>(file, "f32"),
    }
}

fn compare_in<T: Number>(file: &TensorFile, suffix: &str) -> Result<Worst, String> {
    let get = |name: &str| file.get(&format!("{name}.{suffix}")).ok_or_else(|| format!("no `{name}.{suffix}`"));
    let (trajectory, end) = (get("trajectory")?, get("final")?);
    let toy = Toy::<T>::new([1.0, 1.5], [1.0, 0.7, 0.7, 1.0], 0.01, 0.2, 3.0);
    let mut x = [2.0, 1.0].map(T::of);
    let mut rows: Vec<f64> = Vec::new();
    for _ in 0..trajectory.size()[0] {
        rows.extend([x[0], x[1], toy.loss(x)].map(Into::into));
        x = toy.step(x);
    }
    let mut worst = Worst::default();
    worst.compare("trajectory", &Tensor::from_slice(&rows).view([-1, 3]), trajectory);
    worst.compare("final", &Tensor::from_slice(&x.map(Into::<f64>::into)), end);
    Ok(worst)
}
