//! Writes a sweep for other tools: event files with HParams, or CSV.

use super::ExchangeError;
use crate::analyse::{Format, Grid};
use crate::pickup::encode;
use crate::record::Value;
use crate::store::{Row, RunState, Scope, Status, Sweep};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

/// For whom a sweep is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum To {
    /// Event files with scalars and HParams
    Tensorboard,
    /// `runs.csv`, and `<run>.csv` with the history of each run
    Csv,
}

/// Writes the runs of a scope below a folder; how many of them have a history, and how many there are.
///
/// # Errors
/// Where the sweep cannot be read, or a file cannot be written.
pub fn export(sweep: &Sweep, scope: &Scope, to: To, out: &Path) -> Result<(usize, usize), ExchangeError> {
    let mut runs = sweep.scoped(scope)?;
    // As they lie in parts.
    runs.sort_by(|a, b| a.run.cmp(&b.run));
    fs::create_dir_all(out).map_err(ExchangeError::unwritable(out))?;
    if to == To::Csv {
        let frame = sweep.runs(scope)?;
        let path = out.join("runs.csv");
        fs::write(&path, Grid::of_frame(&frame, Format::Csv).render(Format::Csv))
            .map_err(ExchangeError::unwritable(&path))?;
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
        match to {
            To::Tensorboard => tensorboard(run, rows, out, &mut metrics)?,
            To::Csv => csv(run, &rows, out)?,
        }
    }
    if to == To::Tensorboard {
        let mut kinds: BTreeMap<&str, &Value> = BTreeMap::new();
        for run in &runs {
            kinds.extend(run.parameters.iter().map(|(name, value)| (name.as_str(), value)));
        }
        let seed = Value::Integer(0);
        kinds.insert("seed", &seed);
        let path = out.join(EVENTS);
        let about = encode::experiment(0.0, kinds, metrics.iter().map(String::as_str));
        fs::write(&path, [encode::version(0.0), about].concat()).map_err(ExchangeError::unwritable(&path))?;
    }
    Ok((written, runs.len()))
}

/// The name of an event file.
const EVENTS: &str = "events.out.tfevents.0.tessera";

/// Writes a run's event file.
fn tensorboard(
    run: &RunState,
    rows: Vec<Row>,
    out: &Path,
    metrics: &mut BTreeSet<String>,
) -> Result<(), ExchangeError> {
    let folder = out.join(format!("{}-seed{}", run.run, run.seed));
    fs::create_dir_all(&folder).map_err(ExchangeError::unwritable(&folder))?;
    let path = folder.join(EVENTS);
    let began = run.started.unwrap_or(0.0);
    let seed = Value::Integer(i64::try_from(run.seed).unwrap_or(i64::MAX));
    let parameters = run.parameters.iter().map(|(name, value)| (name.as_str(), value));
    let parameters: BTreeMap<&str, &Value> = parameters.chain([("seed", &seed)]).collect();
    let mut file = BufWriter::new(File::create(&path).map_err(ExchangeError::unwritable(&path))?);
    let mut put = |bytes: Vec<u8>| file.write_all(&bytes).map_err(ExchangeError::unwritable(&path));
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
    file.flush().map_err(ExchangeError::unwritable(&path))
}

/// Writes a run's history.
fn csv(run: &RunState, rows: &[Row], out: &Path) -> Result<(), ExchangeError> {
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.metrics.iter().map(|(name, _)| name.as_str())).collect();
    let path = out.join(format!("{}.csv", run.run));
    let unwritable = |error: csv::Error| ExchangeError::unwritable(&path)(error.into());
    let mut file = csv::Writer::from_path(&path).map_err(unwritable)?;
    file.write_record(["step", "elapsed"].iter().chain(&names)).map_err(unwritable)?;
    for row in rows {
        let values: BTreeMap<&str, f64> = row.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let cells = names.iter().map(|name| values.get(name).map_or_else(String::new, ToString::to_string));
        let line = [row.step.to_string(), row.elapsed.to_string()].into_iter().chain(cells);
        file.write_record(line).map_err(unwritable)?;
    }
    file.flush().map_err(ExchangeError::unwritable(&path))
}
