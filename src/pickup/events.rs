//! `events.jsonl`: what the Python helper writes, one JSON object a line:
//!
//! ```text
//! {"event": "history", "step": 3, "time": 1700000000.0, "metrics": {"loss": 0.5}}
//! {"event": "arrays", "step": 3, "file": "arrays-3.safetensors"}
//! {"event": "checkpoint", "step": 3, "file": "step-3.pt"}
//! ```
//!
//! A line without `event` is a row: `{"step": 3, "loss": 0.5}`.

use super::collector::{Collector, Tag};
use super::course::Course;
use super::growing::Growing;
use super::json;
use super::step_column::StepColumn;
use super::unread::Unread;
use crate::record::counted;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name, directly in the run's folder.
pub const FILE: &str = "events.jsonl";

/// A file that a program says it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Steps done.
    pub step: u64,
    /// In the run's folder.
    pub path: PathBuf,
}

/// The events of one run.
pub struct Events {
    folder: PathBuf,
    lines: Growing,
    rows: u64,
    rows_only: bool,
    column: StepColumn,
    course: Course,
    rewritten: bool,
    /// Lines read.
    line: u64,
    /// What is left out: why, how many rows, and the line of the first.
    left_out: IndexMap<&'static str, (u64, u64)>,
    unread: Unread,
    /// Array files (safetensors) that wait to be taken.
    pub arrays: Vec<Said>,
    /// Checkpoints that wait to be taken.
    pub checkpoints: Vec<Said>,
}

impl Events {
    /// Reads the events file of a folder, which may not exist yet.
    /// `step`: the column that the spec names for rows without `event`.
    pub fn new(folder: &Path, step: Option<&str>) -> Self {
        Self {
            folder: folder.to_owned(),
            lines: Growing::new(folder.join(FILE)),
            rows: 0,
            rows_only: false,
            column: StepColumn::new(step),
            course: Course::default(),
            rewritten: false,
            line: 0,
            left_out: IndexMap::new(),
            unread: Unread::default(),
            arrays: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    /// Begins again at the file's top, for its rows: arrays and checkpoints are not said twice.
    pub fn rewind(&mut self) {
        let column = self.column.again();
        *self = Self { rows_only: true, column, course: Course::new(true, false), ..Self::new(&self.folder, None) };
    }

    /// Whether what was handed on may not be what stands in the file now.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn doubt(&self) -> io::Result<bool> {
        Ok(self.rewritten || self.column.doubt || self.course.doubt || !self.lines.is_as_read()?)
    }

    /// Whether the file is there.
    pub fn exist(&self) -> bool {
        self.lines.path.exists()
    }

    /// Hands new rows to the collector; true if there are more. `now`: seconds since 1970, for rows without a time.
    pub fn poll(&mut self, collector: &mut Collector, all: bool, now: f64) -> io::Result<bool> {
        let lines = match self.lines.poll(all) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if lines.rewritten {
            self.rewritten = true;
            self.course.rewind();
            self.line = 0;
            self.left_out.clear();
            self.unread.clear();
        }
        for line in lines.text.lines() {
            self.line += 1;
            if line.trim().is_empty() {
                continue;
            }
            let map = json::object(line).ok_or("no JSON object");
            if let Err(cause) = map.and_then(|map| self.event(&map, collector, now)) {
                self.left_out.entry(cause).or_insert((0, self.line)).0 += 1;
            }
        }
        Ok(lines.more)
    }

    /// What people should know: what was left out and why, in words. `has_numbers`: whether a metric has numbers.
    pub fn notes(&self, has_numbers: impl Fn(&str) -> bool) -> Vec<String> {
        let rows = |n: u64| counted(usize::try_from(n).unwrap_or(usize::MAX), "row");
        let left_out = self.left_out.iter();
        let mut notes: Vec<String> = left_out
            .map(|(cause, (count, line))| format!("{} of {FILE} left out: {cause} (line {line})", rows(*count)))
            .collect();
        if self.lines.passed_over > 0 {
            notes.push(format!("{} of {FILE} left out: longer than 4 MiB", rows(self.lines.passed_over)));
        }
        if self.rows > 0 && !self.exist() {
            notes.push(format!("{FILE} was gone when the run ended: what had been read of it stays"));
        }
        notes.extend(self.unread.notes(FILE, has_numbers));
        notes.extend(self.course.note(FILE));
        notes
    }

    fn event(&mut self, map: &Map<String, Value>, collector: &mut Collector, now: f64) -> Result<(), &'static str> {
        const NO_FILE: &str = "no step or no file";
        let mut row = Vec::new();
        let (unread, line) = (&mut self.unread, self.line);
        let mut text = |name: &str, text: &str| unread.push(name, text, line);
        match map.get("event").and_then(Value::as_str) {
            Some("arrays" | "checkpoint") if self.rows_only => return Ok(()),
            Some("arrays") => {
                let said = self.said(map).ok_or(NO_FILE)?;
                self.arrays.push(said);
                return Ok(());
            }
            Some("checkpoint") => {
                let said = self.said(map).ok_or(NO_FILE)?;
                self.checkpoints.push(said);
                return Ok(());
            }
            Some("history") => {
                let metrics = map.get("metrics").and_then(Value::as_object).ok_or("no metrics")?;
                json::numbers(metrics, "", &mut row, &mut text);
            }
            Some(_) => return Ok(()),
            None => json::numbers(map, "", &mut row, &mut text),
        }
        let number = self.rows;
        self.rows += 1;
        let (mut step, mut time) = (map.get("step").and_then(Value::as_u64), map.get("time").and_then(Value::as_f64));
        if !map.contains_key("event") {
            step = Some(self.column.take(&mut row)?);
            time = json::time(&mut row);
        } else if step.is_none() && map.get("step").is_some_and(|step| !step.is_null()) {
            return Err("a step that is no whole number, 0 or above");
        }
        let (elapsed, step) = (json::elapsed(&mut row), step.unwrap_or(number));
        let values: Vec<(Tag, f64)> =
            row.into_iter().filter_map(|(name, value)| Some((collector.tag(&name)?, value))).collect();
        self.course.push(&values, step, time.unwrap_or(now), collector);
        if let Some(elapsed) = elapsed {
            collector.elapsed(step, elapsed);
        }
        Ok(())
    }

    fn said(&self, map: &Map<String, Value>) -> Option<Said> {
        let file = Path::new(map.get("file")?.as_str()?);
        Some(Said { step: map.get("step")?.as_u64()?, path: self.folder.join(file) })
    }
}
