//! The runs below a folder: which folders or files are one, and what a table beside them says of them.

use super::naming::Pattern;
use super::past_run::{Ended, Old};
use crate::error::Error;
use crate::pickup::{cells, find_event_files, literal, matching};
use crate::record::{Failure, Parameters};
use crate::spec::{Metrics, MetricsSource};
use crate::store::is_fixed_column;
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;

impl Ended {
    /// By the columns that a table of runs has.
    fn of(line: &Line) -> Self {
        let cell = |name: &str| line.iter().find(|(column, _)| column == name).map(|(_, cell)| cell.as_str());
        match cell("status") {
            Some("diverged") => Self::Diverged(cell("diverged_step").and_then(|s| s.parse().ok()).unwrap_or(0)),
            Some("failed") => {
                let why = serde_json::from_value(cell("failure").unwrap_or_default().into());
                Self::Failed(why.unwrap_or(Failure::Crash))
            }
            Some("planned" | "queued" | "running" | "stopped" | "unknown") => Self::Early,
            _ => Self::Well,
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
    /// The runs below the folder, by name. Says what a pattern leaves out.
    pub fn find(&self, pattern: Option<&Pattern>) -> Result<Vec<Old>, Error> {
        let (runs, out) = match self.from {
            From::Csv => self.csv_files(pattern)?,
            From::Tensorboard => self.event_folders(pattern)?,
        };
        if let Some(first) = out.first() {
            let name = if first.is_empty() { "." } else { first };
            if runs.is_empty() {
                return Err(Error::usage(format!("none of {} runs matches the pattern, as `{name}`", out.len())));
            }
            eprintln!("note: {} runs do not match the pattern and are left out, as `{name}`", out.len());
        }
        Ok(runs)
    }

    fn metrics(&self, source: MetricsSource) -> Metrics {
        Metrics { source: Some(source), tags: self.tags.to_vec(), ..Metrics::default() }
    }

    /// A run is a folder that matches the pattern, else the topmost with event files; what lies below belongs to it.
    fn event_folders(&self, pattern: Option<&Pattern>) -> Result<(Vec<Old>, Vec<String>), Error> {
        let mut files = Vec::new();
        find_event_files(self.dir, self.dir, 0, &mut files).map_err(unreadable(self.dir))?;
        let folders: BTreeSet<String> = files.into_iter().map(|(folder, _)| folder).collect();
        if pattern.is_none() && folders.len() > 1 && folders.contains("") {
            eprintln!(
                "note: {} has event files of its own, so it is one run and its {} sub-folders belong to it",
                self.dir.display(),
                folders.len() - 1
            );
            eprintln!("  help: where its folders are the runs: --pattern '*' (or --pattern '{{method}}/{{seed}}')");
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
    fn csv_files(&self, pattern: Option<&Pattern>) -> Result<(Vec<Old>, Vec<String>), Error> {
        let any = glob::Pattern::new("**/*.csv").map_err(|error| Error::failure(error.to_string()))?;
        let sheet = sheet(&self.dir.join(SHEET))?;
        let (mut runs, mut out) = (Vec::new(), Vec::new());
        for file in matching(self.dir, &any).map_err(unreadable(self.dir))? {
            if sheet.is_some() && file == self.dir.join(SHEET) {
                continue;
            }
            let folder = file.parent().unwrap_or(self.dir).to_owned();
            let own = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let path = if own == "metrics.csv" { folder.clone() } else { file.with_extension("") };
            let name = path.strip_prefix(self.dir).unwrap_or(&path).to_string_lossy().into_owned();
            if pattern.is_some_and(|pattern| !pattern.matches(&name)) {
                out.push(name);
                continue;
            }
            let exact = glob::Pattern::new(&glob::Pattern::escape(&own)).unwrap_or_default();
            let (parameters, ended) = match sheet.as_ref().and_then(|sheet| sheet.get(&name)) {
                Some(line) => (parameters(line, &first_cells(&file)?), Ended::of(line)),
                None => Default::default(),
            };
            runs.push(Old { folder, name, metrics: self.metrics(MetricsSource::Csv(exact)), parameters, ended });
        }
        Ok((runs, out))
    }
}

/// The cells of a line, each with the name of its column.
type Line = Vec<(String, String)>;

/// The lines of a table of runs, by the cell under `run`; none where there is no such table.
fn sheet(path: &Path) -> Result<Option<HashMap<String, Line>>, Error> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(unreadable(path))?,
    };
    let mut lines = text.lines();
    let header = cells(lines.next().unwrap_or_default(), ',');
    let Some(place) = header.iter().position(|name| name == "run") else { return Ok(None) };
    let line = |line: &str| {
        let cells = cells(line, ',');
        Some((cells.get(place)?.clone(), header.iter().cloned().zip(cells).collect()))
    };
    Ok(Some(lines.filter_map(line).collect()))
}

/// The parameters among a line's cells: no fixed column of `runs`, and no metric that the run's own file has.
fn parameters(line: &[(String, String)], metrics: &[String]) -> Parameters {
    let is_parameter = |name: &str| {
        !name.starts_with("metric.") && (name == "seed" || !is_fixed_column(name)) && !metrics.iter().any(|m| m == name)
    };
    let given = line.iter().filter(|(name, cell)| is_parameter(name) && !cell.is_empty());
    given.map(|(name, cell)| (name.trim_start_matches("parameter.").to_owned(), literal(cell))).collect()
}

fn first_cells(file: &Path) -> Result<Vec<String>, Error> {
    let mut line = String::new();
    let read = std::fs::File::open(file).and_then(|file| BufReader::new(file).read_line(&mut line));
    read.map_err(unreadable(file)).map(|_| cells(line.trim_end(), ','))
}

/// A folder or file that cannot be read.
pub fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::failure(format!("cannot read {}: {error}", path.display()))
}
