//! `tessera run`: executes what is missing of a sweep.

use crate::error::{Error, ExitCode};
use crate::page::serve;
use crate::session;
use crate::session::execution::{Execution, On};
use std::path::{Path, PathBuf};

/// Execute what is missing of a sweep, and draw its figures
///
/// Ctrl-C lets workers write a checkpoint and stop; a second Ctrl-C kills them. The same command goes on from there.
#[derive(clap::Args)]
pub struct Run {
    /// A YAML file with `sweep:`
    spec: PathBuf,
    /// Show what would be executed, and stop
    #[arg(long)]
    dry_run: bool,
    /// Execute this many runs at once [default: as many as GPUs or cores allow]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    slots: Option<u16>,
    /// GPUs to use, by index in PCI order or UUID [default: all that CUDA_VISIBLE_DEVICES allows]
    #[arg(long, value_name = "GPU", value_delimiter = ',')]
    gpus: Vec<String>,
    /// Also use GPUs that somebody else works on
    #[arg(long)]
    share_busy: bool,
    /// Replace a value of the spec, `name=value`
    #[arg(long = "set", value_name = "K=V")]
    sets: Vec<String>,
    /// Execute at most this many runs
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Also execute again what an older version of the trainer's code executed
    #[arg(long)]
    stale: bool,
    /// Go on in the background, also after the terminal is closed; on Slurm: submit and do not wait
    #[arg(long)]
    detach: bool,
    /// Where runs are executed
    #[arg(long, value_enum, default_value_t)]
    on: On,
    /// Serve the live page along, until the runs are over; `tessera serve` shows it afterwards
    #[arg(long, conflicts_with_all = ["detach", "dry_run"])]
    serve: bool,
    /// Begin even if the results will take more than 10 GiB on disk
    #[arg(long)]
    yes: bool,
}

impl Run {
    /// Executes the sweep.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        if self.detach && self.on == On::Local {
            return crate::session::detach::detach(results, &self.spec, &self.sets);
        }
        if self.serve {
            let folder = results.to_owned();
            // Without a page the runs are executed all the same.
            std::thread::spawn(move || {
                if let Err(error) = serve(&folder, "127.0.0.1", 0, |address| eprintln!("page     {}", address.url)) {
                    eprintln!("warning: no page is served: {error}");
                }
            });
        }
        let execution = Execution {
            spec: self.spec,
            sets: self.sets,
            dry_run: self.dry_run,
            slots: self.slots.map(usize::from),
            gpus: self.gpus,
            share_busy: self.share_busy,
            limit: self.limit,
            stale: self.stale,
            yes: self.yes,
            detach: self.detach,
            on: self.on,
            ..Execution::default()
        };
        session::execute(&execution, results)
    }
}
