//! `tessera-lab`: the lab's science, written with `tch`. A worker that executes runs, one after another; it knows nothing
//! of sweeps, grids, GPUs in the plural or Parquet.

mod accelerator;
mod answers;
mod bench;
mod data;
mod describe;
mod golden;
mod log_det;
mod optimizer;
mod parameter;
mod phases;
mod random;
mod retina;
mod schedule;
mod tensor_file;
mod toy;
mod worker;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
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
    /// Compare this implementation with golden numbers: one line a file with the largest relative error in double and in
    /// single precision, and the tensor that has it. Exit code 0 only if all are within 1e-9 and 1e-4.
    Check {
        /// A folder of golden safetensors files.
        dir: PathBuf,
        /// `cpu`, `cuda` or `cuda:1`.
        #[arg(long, default_value = "cpu")]
        device: String,
    },
    /// Time whole training steps by each way to the log-determinants, at 100 and at 300 neurons: ratios, phases, the share of
    /// the machine's matrix-product rate, peak memory.
    Bench {
        /// CPU threads.
        #[arg(long, default_value_t = 2)]
        threads: u32,
        /// Steps that each way takes, in turns.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Only these ways (values of `log_det`).
        #[arg(long)]
        only: Vec<String>,
        /// `cpu`, `cuda` or `cuda:1`.
        #[arg(long, default_value = "cpu")]
        device: String,
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
        Some(Command::Check { dir, device }) => {
            accelerator::load();
            match accelerator::device(&device).and_then(|device| golden::check(&dir, device)) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(message) => fail(&message),
            }
        }
        Some(Command::Bench { threads, rounds, only, device }) => {
            accelerator::load();
            match accelerator::device(&device).and_then(|device| bench::run(threads, rounds, &only, device)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(message) => fail(&message),
            }
        }
        None => match worker::work() {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(&message),
        },
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}
