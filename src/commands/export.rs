//! `tessera export`: a sweep for other tools.

use super::scoped::Scoped;
use crate::analyse::{Format, Grid};
use crate::error::{Error, ExitCode};
use crate::pickup::encode;
use crate::record::Value;
use crate::store::{Row, RunState, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A sweep for other tools: event files with HParams, which TensorBoard opens, or CSV
///
/// A folder a run, and its path is printed. With `tensorboard` each run's summary stands beside its parameters under
/// HPARAMS, and a run's folder is named by its id and seed.
#[derive(clap::Args)]
pub struct Export {
    /// For whom
    #[arg(value_enum)]
    to: To,
    /// A sweep's name
    sweep: String,
    /// Where the files go [default: results/<sweep>/export]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    scoped: Scoped,
}

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// Event files with scalars and HParams
    Tensorboard,
    /// `runs.csv`, and `<run>.csv` with the history of each run
    Csv,
}

impl Export {
    /// Writes the files and prints their folder.
    pub fn run(self, results: &Path) -> Result<ExitCode, Error> {
        let sweep = self.scoped.open(results, &self.sweep)?;
        let mut runs = sweep.scoped(&self.scoped.scope())?;
        // As they lie in parts.
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        let out = self.out.clone().unwrap_or_else(|| sweep.layout().root().join("export"));
        fs::create_dir_all(&out).map_err(unwritable(&out))?;
        if self.to == To::Csv {
            let frame = sweep.runs(&self.scoped.scope())?;
            let path = out.join("runs.csv");
            fs::write(&path, Grid::of_frame(&frame, Format::Csv).render(Format::Csv)).map_err(unwritable(&path))?;
        }
        let mut metrics = BTreeSet::new();
        let mut histories = sweep.histories()?;
        let mut written = 0;
        for run in &runs {
            let rows = histories.of(run)?;
            if rows.is_empty() {
                continue;
            }
            written += 1;
            match self.to {
                To::Tensorboard => tensorboard(run, rows, &out, &mut metrics)?,
                To::Csv => csv(run, &rows, &out)?,
            }
        }
        if self.to == To::Tensorboard {
            let mut kinds: BTreeMap<&str, &Value> = BTreeMap::new();
            for run in &runs {
                kinds.extend(run.parameters.iter().map(|(name, value)| (name.as_str(), value)));
            }
            let seed = Value::Integer(0);
            kinds.insert("seed", &seed);
            let path = out.join("events.out.tfevents.0.tessera");
            let about = encode::experiment(0.0, kinds, metrics.iter().map(String::as_str));
            fs::write(&path, [encode::version(0.0), about].concat()).map_err(unwritable(&path))?;
        }
        eprintln!("{written} of {} runs have a history", runs.len());
        println!("{}", out.display());
        Ok(ExitCode::Success)
    }
}

/// Writes a run's event file.
fn tensorboard(run: &RunState, rows: Vec<Row>, out: &Path, metrics: &mut BTreeSet<String>) -> Result<(), Error> {
    let folder = out.join(format!("{}-seed{}", run.run, run.seed));
    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let path = folder.join("events.out.tfevents.0.tessera");
    let began = run.started.unwrap_or(0.0);
    let seed = Value::Integer(i64::try_from(run.seed).unwrap_or(i64::MAX));
    let parameters = run.parameters.iter().map(|(name, value)| (name.as_str(), value));
    let parameters: BTreeMap<&str, &Value> = parameters.chain([("seed", &seed)]).collect();
    let mut file = BufWriter::new(File::create(&path).map_err(unwritable(&path))?);
    let mut put = |bytes: Vec<u8>| file.write_all(&bytes).map_err(unwritable(&path));
    put(encode::version(began))?;
    put(encode::session_start(began, &folder.file_name().unwrap_or_default().to_string_lossy(), parameters))?;
    let mut end = began;
    for row in rows {
        end = if row.elapsed.is_finite() { began + row.elapsed } else { end };
        put(encode::scalars(end, row.step, row.metrics.iter().map(|(name, value)| (name.as_str(), *value))))?;
        metrics.extend(row.metrics.into_iter().map(|(name, _)| name));
    }
    let status = match run.status {
        Status::Finished => 1,
        Status::Running => 3,
        Status::Failed | Status::Diverged | Status::Stopped => 2,
        Status::Planned | Status::Queued | Status::Unknown => 0,
    };
    put(encode::session_end(end, status))?;
    file.flush().map_err(unwritable(&path))
}

/// Writes a run's history.
fn csv(run: &RunState, rows: &[Row], out: &Path) -> Result<(), Error> {
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.metrics.iter().map(|(name, _)| name.as_str())).collect();
    let path = out.join(format!("{}.csv", run.run));
    let mut file = BufWriter::new(File::create(&path).map_err(unwritable(&path))?);
    let mut put = |cells: Vec<String>| writeln!(file, "{}", cells.join(",")).map_err(unwritable(&path));
    let quoted = |name: &&str| {
        let special = name.contains([',', '"', '\n']);
        if special { format!("\"{}\"", name.replace('"', "\"\"")) } else { (*name).to_owned() }
    };
    put(["step", "elapsed"].iter().chain(&names).map(quoted).collect())?;
    for row in rows {
        let values: BTreeMap<&str, f64> = row.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let cells = names.iter().map(|name| values.get(name).map_or_else(String::new, ToString::to_string));
        put([row.step.to_string(), row.elapsed.to_string()].into_iter().chain(cells).collect())?;
    }
    file.flush().map_err(unwritable(&path))
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::failure(format!("cannot write {}: {error}", path.display()))
}
