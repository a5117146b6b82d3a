//! `tessera import`: makes a sweep from past runs.

use crate::error::{Error, ExitCode};
use crate::exchange::{From, ImportRequest, import};
use crate::record::Goal;
use crate::spec::Reduce;
use std::path::{Path, PathBuf};

/// Make a sweep from past runs: TensorBoard event files or CSV, each folder a run
///
/// Parameters come from the HParams plugin, from a text `train_args`, and from the folders' names by --pattern:
/// `--pattern '{method}/lr{learning_rate}_s{seed}'`. Runs that are in the sweep already are left alone, so the same
/// command takes in new ones. A spec is written too: `tessera figures SWEEP` draws it, and `tessera report` takes a
/// copy of it with other figures.
#[derive(clap::Args)]
pub struct Import {
    /// Kind of files
    #[arg(value_enum)]
    from: From,
    /// Folder with the runs
    dir: PathBuf,
    /// The sweep's name
    #[arg(long = "as", value_name = "SWEEP")]
    sweep: String,
    /// How a run's path below DIR holds parameters; runs that do not match are left out
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// Import only metrics that match; `*` stands for anything
    #[arg(long, value_delimiter = ',', value_name = "TAG")]
    tags: Vec<glob::Pattern>,
    /// Name of the text whose lines are parameters
    #[arg(long, value_name = "TAG", default_value = "train_args")]
    args_tag: String,
    /// The metric that runs are judged by
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Whether less or more of it is better [default: min where the metric's name says loss or error, else max]
    #[arg(long, value_enum, requires = "metric")]
    goal: Option<Goal>,
    /// How its history becomes one number: last, min, max, "mean_last 5%", "at 1000"
    #[arg(long, default_value = "last", value_name = "HOW")]
    reduce: Reduce,
}

impl Import {
    /// Imports and says what was taken.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let request = ImportRequest {
            from: self.from,
            dir: self.dir,
            sweep: self.sweep,
            pattern: self.pattern,
            tags: self.tags,
            args_tag: self.args_tag,
            metric: self.metric,
            goal: self.goal,
            reduce: self.reduce,
        };
        let imported = import(results, &request)?;
        imported.notes.iter().for_each(|note| eprintln!("{note}"));
        let there = imported.runs - imported.new - imported.empty;
        eprintln!("{} runs in `{}`: {} new, {there} were there", imported.runs, request.sweep, imported.new);
        if imported.empty > 0 {
            let empty = imported.empty;
            eprintln!("note: {empty} hold no number yet and are kept as failed; the same command looks at them again");
        }
        eprintln!("spec     {}", imported.spec.display());
        Ok(ExitCode::Success)
    }
}
