//! `tessera-lab`: the lab's science, written with `tch`. A worker that executes runs; it knows nothing of sweeps or Parquet.

#[expect(dead_code, reason = "the model that calls it comes next")]
mod log_det;

fn main() {}
