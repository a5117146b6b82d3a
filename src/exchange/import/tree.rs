//! Finds the runs below a folder, and reads what a table beside them says of them.

use super::naming::Pattern;
use super::past_run::{Ended, Old};
use crate::exchange::ExchangeError;
use crate::pickup::{find_event_files, literal, matching};
use crate::record::{Failure, Parameters, counted};
use crate::spec::{Metrics, MetricsSource};
use crate::store::is_fixed_column;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

impl Ended {
    /// By the columns that a table of runs has; where it has none of these, the run ended well.
    ///
    /// # Errors
    /// Where a cell says what is not known here, in words.
    fn of(line: &Line) -> Result<Self, String> {
        let cell =
            |name: &str| line.cells.iter().find(|(column, _)| column == name).map_or("", |(_, cell)| cell.trim());
        let unknown = |name: &str, known: &str| format!("`{}` is no {name}; known: {known}", cell(name));
        match cell("status") {
            "" | "finished" => Ok(Self::Well),
            "diverged" => {
                let step = cell("diverged_step").parse();
                step.map(Self::Diverged).map_err(|_| unknown("diverged_step", "a number of steps"))
            }
            "failed" if cell("failure").is_empty() => Ok(Self::Failed(Failure::Crash)),
            "failed" => {
                let failure = serde_json::from_value(cell("failure").into());
                let known = "oom, timeout, stalled, crash, killed, lost";
                failure.map(Self::Failed).map_err(|_| unknown("failure", known))
            }
            "planned" | "queued" | "running" | "stopped" | "unknown" => Ok(Self::Early),
            _ => Err(unknown("status", "finished, diverged, failed, stopped, running, queued, planned, unknown")),
        }
    }
}

/// A line a run beside the runs' files, as `export csv` writes it.
const SHEET: &str = "runs.csv";

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum From {
    /// Event files; tags of files in sub-folders of a run get the folder as prefix
    Tensorboard,
    /// Files that end in .csv: a line of names, then lines of numbers. `runs.csv` may hold a line a run: its file under
    /// `run`, and its parameters
    Csv,
}

/// Where runs are looked for.
pub struct Search<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// What its files are.
    pub from: From,
    /// Only metrics that match.
    pub tags: &'a [glob::Pattern],
}

impl Search<'_> {
    /// The runs below the folder, by name; what a pattern leaves out is added to the notes.
    pub fn find(&self, pattern: Option<&Pattern>, notes: &mut Vec<String>) -> Result<Vec<Old>, ExchangeError> {
        let (runs, out) = match self.from {
            From::Csv => self.csv_files(pattern, notes)?,
            From::Tensorboard => self.event_folders(pattern, notes)?,
        };
        if let Some(first) = out.first() {
            let name = if first.is_empty() { "." } else { first };
            if runs.is_empty() {
                return Err(ExchangeError::request(format!(
                    "none of {} runs matches the pattern, as `{name}`",
                    out.len()
                )));
            }
            notes.push(format!("note: {} runs do not match the pattern and are left out, as `{name}`", out.len()));
        }
        Ok(runs)
    }

    fn metrics(&self, source: MetricsSource) -> Metrics {
        Metrics { source: Some(source), tags: self.tags.to_vec(), ..Metrics::default() }
    }

    /// A run is a folder that matches the pattern, else the topmost with event files; what lies below belongs to it.
    fn event_folders(
        &self,
        pattern: Option<&Pattern>,
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Old>, Vec<String>), ExchangeError> {
        let mut files = Vec::new();
        find_event_files(self.dir, self.dir, 0, &mut files).map_err(ExchangeError::unreadable(self.dir))?;
        let folders: BTreeSet<String> = files.into_iter().map(|(folder, _)| folder).collect();
        if pattern.is_none() && folders.len() > 1 && folders.contains("") {
            notes.push(format!(
                "note: {} has event files of its own, so it is one run and its {} sub-folders belong to it\n  help: where \
                 its folders are the runs: --pattern '*' (or --pattern '{{method}}/{{seed}}')",
                self.dir.display(),
                folders.len() - 1
            ));
        }
        let (mut names, mut out): (BTreeSet<String>, Vec<String>) = (BTreeSet::new(), Vec::new());
        for folder in folders {
            match pattern.map(|pattern| pattern.run_of(&folder)) {
                Some(Some(run)) => _ = names.insert(run.to_owned()),
                Some(None) => out.push(folder),
                None => {
                    let inside = |run: &String| run.is_empty() || folder.starts_with(&format!("{run}/"));
                    if !names.iter().any(inside) {
                        names.insert(folder);
                    }
                }
            }
        }
        let run = |name: String| Old {
            folder: self.dir.join(&name),
            name,
            metrics: self.metrics(MetricsSource::TensorBoard),
            parameters: Parameters::new(),
            ended: Ended::Well,
        };
        Ok((names.into_iter().map(run).collect(), out))
    }

    /// Every file is a run; `metrics.csv` stands for its folder.
    fn csv_files(
        &self,
        pattern: Option<&Pattern>,
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Old>, Vec<String>), ExchangeError> {
        let any = glob::Pattern::new("**/*.csv").map_err(|error| ExchangeError::request(error.to_string()))?;
        let mut sheet = sheet(&self.dir.join(SHEET))?;
        let (mut runs, mut out) = (Vec::new(), Vec::new());
        for file in matching(self.dir, &any).map_err(ExchangeError::unreadable(self.dir))? {
            if sheet.is_some() && file == self.dir.join(SHEET) {
                continue;
            }
            let folder = file.parent().unwrap_or(self.dir).to_owned();
            let own = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let path = if own == "metrics.csv" { folder.clone() } else { file.with_extension("") };
            let name = path.strip_prefix(self.dir).unwrap_or(&path).to_string_lossy().into_owned();
            let line = sheet.as_mut().and_then(|sheet| sheet.remove(&name));
            if pattern.is_some_and(|pattern| !pattern.matches(&name)) {
                out.push(name);
                continue;
            }
            let exact = glob::Pattern::new(&glob::Pattern::escape(&own)).unwrap_or_default();
            let (parameters, ended) = match &line {
                Some(line) => {
                    let ended =
                        Ended::of(line).map_err(|why| ExchangeError::line(&self.dir.join(SHEET), line.number, why))?;
                    (parameters(&line.cells, &columns(&file)?), ended)
                }
                None => Default::default(),
            };
            runs.push(Old { folder, name, metrics: self.metrics(MetricsSource::Csv(exact)), parameters, ended });
        }
        let mut lost: Vec<&String> = sheet.iter().flat_map(HashMap::keys).collect();
        lost.sort();
        if let Some(first) = lost.first() {
            notes.push(format!("note: {SHEET} tells of {} without a file, as `{first}`", counted(lost.len(), "run")));
        }
        Ok((runs, out))
    }
}

/// A line of a table of runs.
struct Line {
    /// Its number in the file, from 1.
    number: u64,
    /// Its cells, each with the name of its column.
    cells: Vec<(String, String)>,
}

/// The lines of a table of runs, by the cell under `run`; none where there is no such table.
fn sheet(path: &Path) -> Result<Option<HashMap<String, Line>>, ExchangeError> {
    if !path.exists() {
        return Ok(None);
    }
    let unreadable = |error: csv::Error| ExchangeError::unreadable(path)(error.into());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let Some(place) = header.iter().position(|name| name == "run") else { return Ok(None) };
    let mut lines: HashMap<String, Line> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let number = record.position().map_or(0, csv::Position::line);
        let cells = header.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect();
        let run = record.get(place).unwrap_or_default().to_owned();
        if let Some(other) = lines.insert(run.clone(), Line { number, cells }) {
            return Err(ExchangeError::line(path, number, format!("line {} is of the run `{run}` too", other.number)));
        }
    }
    Ok(Some(lines))
}

/// The parameters among a line's cells: no fixed column of `runs`, and no metric that the run's own file has.
fn parameters(line: &[(String, String)], metrics: &[String]) -> Parameters {
    let is_parameter = |name: &str| {
        !name.starts_with("metric.") && (name == "seed" || !is_fixed_column(name)) && !metrics.iter().any(|m| m == name)
    };
    let given = line.iter().filter(|(name, cell)| is_parameter(name) && !cell.is_empty());
    given.map(|(name, cell)| (name.trim_start_matches("parameter.").to_owned(), literal(cell))).collect()
}

/// The names of a file's columns.
fn columns(file: &Path) -> Result<Vec<String>, ExchangeError> {
    let unreadable = |error: csv::Error| ExchangeError::unreadable(file)(error.into());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).map_err(unreadable)?;
    Ok(reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect())
}
