//! `tessera-lab`: the lab's science, written with `tch`. A worker that executes runs, one after another; it knows nothing
//! of sweeps, grids, GPUs in the plural or Parquet.

#[expect(dead_code, reason = "the model that draws patches comes next")]
mod data;
mod describe;
#[expect(dead_code, reason = "the model that calls it comes next")]
mod log_det;
#[expect(dead_code, reason = "values are read by the trainers, which come next")]
mod parameter;
#[cfg_attr(not(test), expect(dead_code, reason = "the model that draws noise comes next"))]
mod random;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The trainers behind `trainer: retina` and `trainer: toy`. Without a command: a worker that reads requests on standard
/// input and answers on standard output, one JSON object a line.
#[derive(Parser)]
#[command(name = "tessera-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print what a trainer says of itself, as `src/spec/<trainer>.json` holds it.
    Describe {
        /// `retina` or `toy`.
        #[arg(long, default_value = "retina")]
        trainer: String,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Some(Command::Describe { trainer }) => match describe::json(&trainer) {
            Some(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            None => {
                eprintln!("error: no trainer `{trainer}`\n  help: `retina` or `toy`");
                ExitCode::from(2)
            }
        },
        None => ExitCode::SUCCESS,
    }
}
