//! CSV and JSON lines under a folder, read as they grow.
//!
//! A row's step is its column `step` (or `global_step`, `iteration`, `epoch` …), else its number from 0. Where several
//! files have a metric of one name, the first keeps it; in files of other names it gets the file's name as prefix.

use super::collector::Collector;
use super::growing::Growing;
use super::json;
use glob::{MatchOptions, Pattern};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DEEPEST: usize = 8;
/// `*` stays within a folder; `**` does not.
const PATHS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line of names, then lines of numbers.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// All files under a folder that match a pattern.
pub struct TextFiles {
    root: PathBuf,
    pattern: Pattern,
    format: Format,
    files: Vec<TextFile>,
    /// Which file name has a metric's plain name.
    owners: HashMap<String, String>,
}

struct TextFile {
    lines: Growing,
    stem: String,
    /// The names, and what stands between cells.
    header: Option<(Vec<String>, char)>,
    /// Rows read.
    rows: u64,
    /// Rows to pass over: of a file written anew they were taken before.
    taken_before: u64,
    unreadable: u64,
}

impl TextFiles {
    /// Looks for files under a folder, which may not exist yet.
    pub fn new(root: &Path, pattern: &Pattern, format: Format) -> Self {
        let (root, pattern) = (root.to_owned(), pattern.clone());
        Self { root, pattern, format, files: Vec::new(), owners: HashMap::new() }
    }

    /// How its rows are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether there is any such file.
    pub fn exist(&self) -> bool {
        !self.files.is_empty()
    }

    /// Hands new rows to the collector; true if there are more. `now`: seconds since 1970, for rows without a time.
    pub fn poll(&mut self, collector: &mut Collector, all: bool, now: f64) -> io::Result<bool> {
        for path in matching(&self.root, &self.pattern)? {
            // The helper's file is a source of its own.
            let known = self.files.iter().any(|file| file.lines.path == path);
            if !known && path.file_name().is_none_or(|name| name != super::events::FILE) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let lines = Growing::new(path);
                self.files.push(TextFile { lines, stem, header: None, rows: 0, taken_before: 0, unreadable: 0 });
            }
        }
        let mut more = false;
        for file in &mut self.files {
            let lines = match file.lines.poll(all) {
                Ok(lines) => lines,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if lines.rewritten {
                (file.taken_before, file.rows, file.header) = (file.rows, 0, None);
            }
            more |= lines.more;
            match self.format {
                Format::Csv => file.csv(&lines.text, &mut self.owners, collector, now),
                Format::JsonLines => file.json_lines(&lines.text, &mut self.owners, collector, now),
            }
        }
        Ok(more)
    }

    /// What could not be read, in words.
    pub fn notes(&self) -> Vec<String> {
        let unreadable = self.files.iter().filter(|file| file.unreadable + file.lines.passed_over > 0);
        let note = |file: &TextFile| {
            let name = file.lines.path.strip_prefix(&self.root).unwrap_or(&file.lines.path);
            format!("{}: {} lines could not be read", name.display(), file.unreadable + file.lines.passed_over)
        };
        unreadable.map(note).collect()
    }
}

impl TextFile {
    fn csv(&mut self, text: &str, owners: &mut HashMap<String, String>, collector: &mut Collector, now: f64) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Some((header, separator)) = &self.header else {
                // NumPy's `savetxt` begins it with a `#`.
                let line = line.trim_start_matches('\u{feff}').trim_start_matches('#');
                let separator = separator(line);
                self.header = Some((cells(line, separator), separator));
                continue;
            };
            let record = cells(line, *separator);
            let cells = header.iter().zip(record.iter());
            let numbers = cells.filter_map(|(name, cell)| Some((name.clone(), cell.parse::<f64>().ok()?))).collect();
            self.row(numbers, owners, collector, now);
        }
    }

    fn json_lines(&mut self, text: &str, owners: &mut HashMap<String, String>, collector: &mut Collector, now: f64) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Some(map) = json::object(line) else {
                self.unreadable += 1;
                continue;
            };
            let mut numbers = Vec::new();
            json::numbers(&map, "", &mut numbers);
            self.row(numbers, owners, collector, now);
        }
    }

    fn row(
        &mut self,
        mut numbers: Vec<(String, f64)>,
        owners: &mut HashMap<String, String>,
        collector: &mut Collector,
        now: f64,
    ) {
        let row = self.rows;
        self.rows += 1;
        if row < self.taken_before {
            return;
        }
        let (step, time) = json::step_and_time(&mut numbers);
        let elapsed = json::elapsed(&mut numbers);
        let (step, wall) = (step.unwrap_or(row), time.unwrap_or(now));
        for (name, number) in numbers {
            let owner = owners.entry(name.clone()).or_insert_with(|| self.stem.clone());
            let name = if *owner == self.stem { name } else { format!("{}/{name}", self.stem) };
            if let Some(tag) = collector.tag(&name) {
                collector.push(tag, step, number, wall);
            }
        }
        if let Some(elapsed) = elapsed {
            collector.elapsed(step, elapsed);
        }
    }
}

/// Files under a folder whose path from there matches a pattern, sorted.
pub fn matching(root: &Path, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    search(root, root, pattern, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn search(root: &Path, folder: &Path, pattern: &Pattern, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() && depth < DEEPEST {
            search(root, &path, pattern, depth + 1, found)?;
        } else if path.strip_prefix(root).is_ok_and(|relative| pattern.matches_path_with(relative, PATHS))
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

/// What stands between the cells of a file, by its first line: commas, else semicolons or tabs.
fn separator(header: &str) -> char {
    [',', ';', '\t'].into_iter().find(|c| header.contains(*c)).unwrap_or(',')
}

/// The cells of a line of CSV (RFC 4180 but for line breaks within quotes, which rows of numbers do not have).
pub fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = Vec::new();
    let (mut cell, mut quoted) = (String::new(), false);
    let mut characters = line.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            c => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}
