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
    unreadable: u64,
    /// Array files (safetensors) that wait to be taken.
    pub arrays: Vec<Said>,
    /// Checkpoints that wait to be taken.
    pub checkpoints: Vec<Said>,
}

impl Events {
    /// Reads the events file of a folder, which may not exist yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            lines: Growing::new(folder.join(FILE)),
            rows: 0,
            rows_only: false,
            column: StepColumn::default(),
            course: Course::default(),
            rewritten: false,
            unreadable: 0,
            arrays: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    /// Begins again at the file's top, for its rows: arrays and checkpoints are not said twice.
    pub fn rewind(&mut self) {
        let column = self.column.again();
        *self = Self { rows_only: true, column, course: Course::new(true, false), ..Self::new(&self.folder) };
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
        }
        for line in lines.text.lines().filter(|line| !line.trim().is_empty()) {
            let taken = json::object(line).and_then(|map| self.event(&map, collector, now));
            self.unreadable += u64::from(taken.is_none());
        }
        Ok(lines.more)
    }

    /// What could not be read, in words.
    pub fn notes(&self) -> Vec<String> {
        let unreadable = self.unreadable + self.lines.passed_over;
        let lines = (unreadable > 0).then(|| format!("{FILE}: {unreadable} lines could not be read"));
        lines.into_iter().chain(self.course.note(FILE)).collect()
    }

    fn event(&mut self, map: &Map<String, Value>, collector: &mut Collector, now: f64) -> Option<()> {
        let mut row = Vec::new();
        match map.get("event").and_then(Value::as_str) {
            Some("arrays" | "checkpoint") if self.rows_only => return Some(()),
            Some("arrays") => {
                let said = self.said(map)?;
                self.arrays.push(said);
                return Some(());
            }
            Some("checkpoint") => {
                let said = self.said(map)?;
                self.checkpoints.push(said);
                return Some(());
            }
            Some("history") => json::numbers(map.get("metrics")?.as_object()?, "", &mut row),
            Some(_) => return Some(()),
            None => json::numbers(map, "", &mut row),
        }
        let number = self.rows;
        self.rows += 1;
        let (mut step, mut time) = (map.get("step").and_then(Value::as_u64), map.get("time").and_then(Value::as_f64));
        if !map.contains_key("event") {
            step = Some(self.column.take(&mut row).ok()?);
            time = json::time(&mut row);
        }
        let (elapsed, step) = (json::elapsed(&mut row), step.unwrap_or(number));
        let values: Vec<(Tag, f64)> =
            row.into_iter().filter_map(|(name, value)| Some((collector.tag(&name)?, value))).collect();
        self.course.push(&values, step, time.unwrap_or(now), collector);
        if let Some(elapsed) = elapsed {
            collector.elapsed(step, elapsed);
        }
        Some(())
    }

    fn said(&self, map: &Map<String, Value>) -> Option<Said> {
        let file = Path::new(map.get("file")?.as_str()?);
        Some(Said { step: map.get("step")?.as_u64()?, path: self.folder.join(file) })
    }
}
