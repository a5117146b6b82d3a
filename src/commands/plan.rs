//! `tessera plan`: the runs of a spec, and which of them exist already.

use crate::analyse::Format;
use crate::error::{Error, ExitCode};
use crate::output::answer;
use crate::session::execution::On;
use crate::session::outline::Outline;
use std::path::{Path, PathBuf};

/// More runs than this are not listed for people, unless asked.
const LISTED: usize = 60;

/// Show the runs of a spec: which exist already, counts by axis, estimated time and disk
#[derive(clap::Args)]
pub struct PlanCommand {
    /// A sweep's YAML file
    spec: PathBuf,
    /// Replace a base value, or an axis by grid.NAME=[…]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    sets: Vec<String>,
    /// Show what each run id is the hash of
    #[arg(short, long)]
    verbose: bool,
    /// Where runs would be executed; `slurm` prints the scripts that would be submitted
    #[arg(long, value_enum, default_value_t)]
    on: On,
    /// List every run, however many
    #[arg(long)]
    all: bool,
    /// Output format of the list of runs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PlanCommand {
    /// Prints the plan.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let outline = Outline::of(&self.spec, &self.sets, results)?;
        let listed = if self.all { usize::MAX } else { LISTED };
        let more = match outline.count().saturating_sub(listed) {
            0 => String::new(),
            more => format!("… {more} more (--all lists them)\n"),
        };
        if self.on == On::Slurm {
            let (scripts, summary) = outline.scripts()?;
            answer(&scripts)?;
            eprint!("{summary}");
        } else if self.verbose {
            answer(&format!("{}{more}", outline.identities(listed)))?;
        } else if self.format.is_for_people() {
            let list = outline.runs(listed).render(self.format);
            answer(&format!("{list}{more}\n{}", outline.summary()))?;
        } else {
            answer(&outline.runs(usize::MAX).render(self.format))?;
            eprint!("{}", outline.summary());
        }
        Ok(ExitCode::Success)
    }
}
