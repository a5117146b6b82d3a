//! `tessera probe`: measurements on stored checkpoints.

use super::scoped::Scoped;
use crate::analyse::Format;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::session::probe::{Probe as Measurement, Which};
use crate::spec::Condition;
use std::path::Path;

/// Measure at stored checkpoints, without training again
///
/// Measurements are executed like runs: Ctrl-C stops them, and the same command goes on from there. The numbers are kept; figures (`probe: covariance`) and `tessera query` (tables probes and probe_arrays) read them.
#[derive(clap::Args)]
pub struct Probe {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// A sweep's name
    sweep: String,
    /// Number of batches
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    batches: u64,
    /// Measure only runs that match: `method == lagrange and seed < 3`
    #[arg(long = "where", value_name = "CONDITION", value_parser = Condition::parse)]
    condition: Option<Condition>,
    /// Which checkpoint of each run: last, best (by `checkpoint.best`) or the one after so many steps
    #[arg(long, value_name = "WHICH", default_value = "last")]
    checkpoint: Which,
    /// Measure this many at once [default: as many as GPUs or cores allow]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    slots: Option<u16>,
    /// GPUs to use, by index in PCI order or UUID [default: all that CUDA_VISIBLE_DEVICES allows]
    #[arg(long, value_name = "GPU", value_delimiter = ',')]
    gpus: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    scoped: Scoped,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Off-diagonal energy of WᵀCW (without G), C_z and C_zx (with G) and the sample covariances of y and z, and their spread over sets of 1, 10, 100 … batches
    Covariance,
    /// Firing rates, a neuron's mean over images and an image's mean over neurons, with the sampling noise
    Rates,
    /// Mean gradients of β·kl and of ‖h‖², their noise and the angle between them
    Gradient,
    /// kl with its standard error
    Kl,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Covariance => "covariance",
            Self::Rates => "rates",
            Self::Gradient => "gradient",
            Self::Kl => "kl",
        }
    }
}

impl Probe {
    /// Measures what is missing, and prints the table.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let measurement = Measurement {
            what: self.what.name().to_owned(),
            sweep: self.sweep,
            batches: self.batches,
            condition: self.condition,
            checkpoint: self.checkpoint,
            slots: self.slots,
            gpus: self.gpus,
            scope: self.scoped.scope(),
        };
        let (code, measured) = measurement.measured(results)?;
        if let Some(measured) = measured {
            answer(&measured.grid(self.format).render(self.format))?;
            measured.answers().iter().for_each(|line| eprintln!("{line}"));
        }
        Ok(code)
    }
}
