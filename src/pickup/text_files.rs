//! CSV and JSON lines under a folder, read as they grow.
//!
//! A row's step is its step column ([`StepColumn`]). Where several files have a metric of one name, the first that was
//! made keeps it; in the others it has the file's name or folder as prefix ([`Owners`]). Files of one name in folders `version_0`,
//! `version_1` are what a program leaves that was started again ([`life`]): the one written last wins, for each metric,
//! from that metric's first step in it on.

use super::collector::{Collector, Tag};
use super::course::Course;
use super::growing::Growing;
use super::json;
use super::step_column::StepColumn;
use super::table::{Row, Table};
use crate::record::counted;
use glob::{MatchOptions, Pattern};
use indexmap::IndexMap;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const DEEPEST: usize = 8;
/// `*` stays within a folder; `**` does not.
const PATHS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line of names, then lines of numbers.
    Csv,
    /// One JSON object a line, or one array of objects.
    JsonLines,
}

/// All files under a folder that match a pattern.
pub struct TextFiles {
    root: PathBuf,
    pattern: Pattern,
    format: Format,
    /// The column that the spec names.
    step: Option<String>,
    files: Vec<TextFile>,
    owners: Owners,
    /// They are read once, whole, and nothing writes any more.
    whole: bool,
    /// What an earlier reading found of the step columns.
    known: HashMap<PathBuf, StepColumn>,
    /// The program did not end by itself: a last line may be cut off.
    cut_off: bool,
    /// Files that were read and were gone at the end, with their rows.
    gone: Vec<(PathBuf, u64)>,
}

struct TextFile {
    lines: Growing,
    /// What it shares with the other lives of the program.
    life: String,
    table: Table,
    steps: StepColumn,
    course: Course,
    /// Lines read.
    line: u64,
    /// Whether it begins as a JSON array.
    is_array: Option<bool>,
    /// Rows read.
    rows: u64,
    /// Rows to pass over: of a file written anew they were taken before.
    taken_before: u64,
    /// What is left out: why, how many rows, and the line of the first.
    left_out: IndexMap<&'static str, (u64, u64)>,
    doubt: bool,
}

impl TextFiles {
    /// Looks for files under a folder, which may not exist yet. `step`: the column that the spec names. `whole`: nothing
    /// writes any more.
    pub fn new(root: &Path, pattern: &Pattern, format: Format, step: Option<&str>, whole: bool) -> Self {
        Self {
            root: root.to_owned(),
            pattern: pattern.clone(),
            format,
            step: step.map(str::to_owned),
            files: Vec::new(),
            owners: Owners::default(),
            whole,
            known: HashMap::new(),
            cut_off: false,
            gone: Vec::new(),
        }
    }

    /// Says that the program has ended, by itself or not.
    pub fn end(&mut self, by_itself: bool) {
        self.cut_off = !by_itself;
        self.files.iter_mut().for_each(|file| file.table.cut_off = !by_itself);
    }

    /// The same files, to be read once more from their tops, now that nothing writes any more.
    pub fn again(&self) -> Self {
        let known = self.files.iter().map(|file| (file.lines.path.clone(), file.steps.again()));
        let known = known.collect();
        let gone = self.files.iter().filter(|file| file.is_gone()).map(|file| (file.lines.path.clone(), file.rows));
        let gone = self.gone.iter().cloned().chain(gone).collect();
        let new = Self::new(&self.root, &self.pattern, self.format, self.step.as_deref(), true);
        // Metrics keep the names that they were given meanwhile.
        Self { known, gone, cut_off: self.cut_off, owners: self.owners.clone(), ..new }
    }

    /// Whether what was handed on may not be what stands in the files now.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn doubt(&self) -> io::Result<bool> {
        for file in &self.files {
            if file.doubt || file.steps.doubt || file.course.doubt || !self.whole && !file.lines.is_as_read()? {
                return Ok(true);
            }
        }
        // Files that are gone are replaced by those that stand; where none does, what was read is all there is.
        Ok(!self.whole && self.files.iter().any(TextFile::is_gone) && self.files.iter().any(|file| file.lines.exists()))
    }

    /// Whether there is any such file.
    pub fn exist(&self) -> bool {
        !self.files.is_empty()
    }

    /// Hands new rows to the collector; true if there are more. `now`: seconds since 1970, for rows without a time.
    pub fn poll(&mut self, collector: &mut Collector, all: bool, now: f64) -> io::Result<bool> {
        self.discover()?;
        let mut more = false;
        for file in &mut self.files {
            let lines = match file.lines.poll(all) {
                Ok(lines) => lines,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if lines.rewritten {
                file.begin_anew();
            }
            more |= lines.more;
            let mut rows = Vec::new();
            match self.format {
                Format::Csv => {
                    file.table.read(&lines.text, all && !lines.more, |line, row| rows.push((line, row)));
                }
                Format::JsonLines => file.json(&lines.text, all && !lines.more, &mut rows)?,
            }
            for (line, row) in rows {
                file.row(line, row, &mut self.owners, collector, now);
            }
        }
        Ok(more)
    }

    fn discover(&mut self) -> io::Result<()> {
        let mut found = matching(&self.root, &self.pattern)?;
        // The helper's file is a source of its own.
        found.retain(|path| {
            let known = self.files.iter().any(|file| file.lines.path == *path);
            !known && path.file_name().is_none_or(|name| name != super::events::FILE)
        });
        if found.is_empty() {
            return Ok(());
        }
        let mut lives: BTreeMap<String, Vec<(SystemTime, PathBuf)>> = BTreeMap::new();
        for path in found {
            let written = fs::metadata(&path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            lives.entry(life(path.strip_prefix(&self.root).unwrap_or(&path))).or_default().push((written, path));
        }
        let mut lives: Vec<_> = lives.into_iter().collect();
        if !self.whole {
            // The order in which a program makes its files does not depend on when they are looked for.
            let made = |path: &PathBuf| fs::metadata(path).and_then(|about| about.created()).ok();
            lives.sort_by_cached_key(|(_, files)| files.iter().filter_map(|(_, path)| made(path)).min());
        }
        for (life, mut files) in lives {
            files.sort();
            for (_, path) in files {
                let follows = self.files.iter().any(|file| file.life == life);
                let steps = self.known.remove(&path).unwrap_or_else(|| StepColumn::new(self.step.as_deref()));
                self.files.push(TextFile {
                    lines: Growing::new(path),
                    life: life.clone(),
                    table: Table::new(self.cut_off),
                    steps,
                    course: Course::new(self.whole, follows),
                    line: 0,
                    is_array: None,
                    rows: 0,
                    taken_before: 0,
                    left_out: IndexMap::new(),
                    // Which of the two was written last is known at the end.
                    doubt: follows && !self.whole,
                });
            }
        }
        Ok(())
    }

    /// What people should know: what was left out and why, in words.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for file in &self.files {
            let name = file.lines.path.strip_prefix(&self.root).unwrap_or(&file.lines.path).display().to_string();
            if !self.whole && file.is_gone() {
                notes.push(format!("{name} was gone when the run ended: what had been read of it stays"));
            }
            for (cause, (count, line)) in &file.left_out {
                let rows = counted(usize::try_from(*count).unwrap_or(usize::MAX), "row");
                notes.push(format!("{rows} of {name} left out: {cause} (line {line})"));
            }
            if file.lines.passed_over > 0 {
                notes.push(format!("{} lines of {name} left out: longer than 4 MiB", file.lines.passed_over));
            }
            notes.extend(file.table.unread.notes(&name, |column| self.owners.0.contains_key(column)));
            notes.extend(file.course.note(&name));
        }
        for (path, rows) in &self.gone {
            let name = path.strip_prefix(&self.root).unwrap_or(path).display();
            let rows = counted(usize::try_from(*rows).unwrap_or(usize::MAX), "row");
            notes.push(format!("{rows} of {name} left out: the file was gone when the run ended"));
        }
        notes
    }

    /// Where each file's steps come from, in words.
    pub fn steps(&self) -> Vec<String> {
        let files = self.files.iter().filter(|file| file.rows > 0);
        let name = |file: &TextFile| {
            file.lines.path.strip_prefix(&self.root).unwrap_or(&file.lines.path).display().to_string()
        };
        files.map(|file| format!("{}: {}", name(file), file.steps.described())).collect()
    }
}

impl TextFile {
    /// Whether rows were read of a file that is not there any more.
    fn is_gone(&self) -> bool {
        self.rows > 0 && !self.lines.exists()
    }

    /// The file was written anew: what was handed on stays until the end, and rows beyond it are handed on meanwhile.
    fn begin_anew(&mut self) {
        (self.taken_before, self.rows, self.line, self.is_array) = (self.rows.max(self.taken_before), 0, 0, None);
        self.table = Table::new(self.table.cut_off);
        self.steps = self.steps.again();
        self.course.rewind();
        self.left_out.clear();
        self.doubt = true;
    }

    fn json(&mut self, text: &str, last: bool, rows: &mut Vec<Row>) -> io::Result<()> {
        let unread = &mut self.table.unread;
        let mut numbers = |map: &serde_json::Map<String, serde_json::Value>, line: u64| {
            let mut numbers = Vec::new();
            json::numbers(map, "", &mut numbers, &mut |name, text| unread.push(name, text, line));
            numbers
        };
        for line in text.split_inclusive('\n') {
            self.line += 1;
            let trimmed = line.trim_start_matches('\u{feff}').trim();
            if trimmed.is_empty() || *self.is_array.get_or_insert_with(|| trimmed.starts_with('[')) {
                continue;
            }
            let cut = last && !line.ends_with('\n');
            let row = json::object(trimmed).map(|map| numbers(&map, self.line));
            rows.push((self.line, row.ok_or(if cut { "cut off at the end of the file" } else { "no JSON object" })));
        }
        // An array is known to be whole at the end only.
        if last && self.rows == 0 && self.is_array.unwrap_or(self.lines.passed_over > 0) {
            let text = fs::read(&self.lines.path)?;
            match json::array(String::from_utf8_lossy(&text).trim_start_matches('\u{feff}')) {
                Some(maps) => {
                    self.lines.passed_over = 0;
                    rows.extend((1..).zip(maps.iter()).map(|(item, map)| (item, Ok(numbers(map, item)))));
                }
                None if self.is_array.is_none() => {}
                None => rows.push((1, Err("an array that is not one of objects, or not whole"))),
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        line: u64,
        row: Result<Vec<(String, f64)>, &'static str>,
        owners: &mut Owners,
        collector: &mut Collector,
        now: f64,
    ) {
        let placed = row.and_then(|mut numbers| Ok((self.steps.take(&mut numbers)?, numbers)));
        let (step, mut numbers) = match placed {
            Ok(placed) => placed,
            Err(cause) => {
                self.left_out.entry(cause).or_insert((0, line)).0 += 1;
                return;
            }
        };
        let row = self.rows;
        self.rows += 1;
        if row < self.taken_before {
            return;
        }
        let wall = json::time(&mut numbers).unwrap_or(now);
        let elapsed = json::elapsed(&mut numbers);
        let mut values: Vec<(Tag, f64)> = Vec::with_capacity(numbers.len());
        for (name, number) in numbers {
            let name = owners.name(&self.life, name);
            values.extend(collector.tag(&name).map(|tag| (tag, number)));
        }
        self.course.push(&values, step, wall, collector);
        if let Some(elapsed) = elapsed {
            collector.elapsed(step, elapsed);
        }
    }
}

/// Which file has which name of a metric.
#[derive(Clone, Default)]
struct Owners(HashMap<String, String>);

impl Owners {
    /// The name of a metric of a file: its own where no other file has it, else with the file's name, its folder, or both
    /// before it.
    fn name(&mut self, life: &str, metric: String) -> String {
        let owner = self.0.entry(metric.clone()).or_insert_with(|| life.to_owned());
        if owner == life {
            return metric;
        }
        let (folder, stem) = life.rsplit_once('/').unwrap_or(("", life));
        let (of_owner, _) = owner.rsplit_once('/').unwrap_or(("", owner));
        // What tells lives apart is no part of a name.
        let folders: Vec<&str> = folder.split('/').filter(|folder| !folder.contains('#')).collect();
        let short = if folder == of_owner { stem.to_owned() } else { folders.join("/") };
        for prefix in [&*short, life] {
            let name = format!("{prefix}/{metric}");
            if !prefix.is_empty() && *self.0.entry(name.clone()).or_insert_with(|| life.to_owned()) == life {
                return name;
            }
        }
        format!("{life}.csv/{metric}")
    }
}

/// The path of a file below the run's folder, without its ending, and without what tells the lives of a program apart:
/// the number of `version_3`, and dates and times, which have six digits or more.
fn life(path: &Path) -> String {
    let folders = path.parent().into_iter().flat_map(Path::components).map(|folder| {
        let folder = folder.as_os_str().to_string_lossy();
        let digits = folder.chars().filter(char::is_ascii_digit).count();
        if folder.starts_with("version_") || digits >= 6 {
            folder.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect::<String>().replace("##", "#")
        } else {
            folder.into_owned()
        }
    });
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    folders.chain([stem]).collect::<Vec<_>>().join("/")
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
