//! Predicts how much a run of a built-in trainer will write, from its `record` and `checkpoint` parameters. It is
//! predicted before any run is done, since one matrix a step too many fills a disk.

use super::Run;
use crate::record::Value;
use crate::spec::Description;

/// Bytes of a number in a history.
const A_NUMBER: f64 = 8.0;
/// Bytes of a value in an array or checkpoint.
const A_VALUE: f64 = 4.0;

/// Bytes that a run of `retina` or `toy` leaves on disk, before compression; none for other trainers.
pub fn foreseen_bytes(run: &Run, description: &Description) -> Option<f64> {
    let number = |name: &str| run.get(name).and_then(Value::as_f64);
    // How often something is recorded that is recorded each so many steps; 0: never.
    let times = |every: &str| {
        number(every).filter(|every| *every >= 1.0).map_or(0.0, |every| number("iterations").unwrap_or(0.0) / every)
    };
    let history = times("record.every") * description.metrics.len() as f64 * A_NUMBER;
    let (Some(neurons), Some(pixels)) = (number("neurons"), number("kernel_size").map(|side| side * side)) else {
        return (description.trainer == "toy").then_some(history);
    };
    let inputs = number("colors").unwrap_or(1.0) * pixels;
    // Rates of neurons and of images, Λ, gain, bias.
    let vectors = 4.0 * neurons + number("batch_size").unwrap_or(0.0);
    // Kernels with their gradients; three matrices of neurons by neurons, of one batch and as running means.
    let matrices = 2.0 * neurons * inputs + 6.0 * neurons * neurons;
    // Kernels with what two averages of an optimizer hold, and the sums behind the running means.
    let checkpoint = 3.0 * neurons * inputs + 3.0 * neurons * neurons;
    let kept = number("checkpoint.keep").unwrap_or(0.0) + 1.0;
    let values = (times("record.arrays_every") + 1.0) * vectors
        + (times("record.matrices_every") + kept) * matrices
        + kept * checkpoint;
    Some(history + values * A_VALUE)
}
