//! A small table of text and numbers, and its spellings: for terminals, Markdown, CSV, JSON and LaTeX.

use super::number::significant;
use polars::prelude::{AnyValue, DataFrame};
use std::fmt::Write;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns
    #[default]
    Table,
    /// Markdown
    Md,
    /// Comma-separated, numbers in full
    Csv,
    /// A list of objects, numbers in full
    Json,
    /// A `tabular` with booktabs' rules
    Latex,
}

impl Format {
    /// Whether people read it: then numbers are rounded and mean and interval share a cell.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Md | Self::Latex)
    }
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Missing,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
}

impl Cell {
    fn for_people(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Number(x) => significant(*x, 6),
            other => other.in_full(),
        }
    }

    fn in_full(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(i) => i.to_string(),
            Self::Number(x) => x.to_string(),
            Self::Bool(b) => b.to_string(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Missing => serde_json::Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Integer(i) => (*i).into(),
            Self::Number(x) if x.is_nan() => "NaN".into(),
            Self::Number(x) if x.is_infinite() => if *x > 0.0 { "Infinity" } else { "-Infinity" }.into(),
            Self::Number(x) => (*x).into(),
            Self::Bool(b) => (*b).into(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Integer(count as i64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Each as long as the header.
    pub rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// The table with its last line break. Of columns of one name the first, a parameter's, is called `parameter.<name>`.
    pub fn render(&self, format: Format) -> String {
        let repeats = |place: usize| self.header[place + 1..].contains(&self.header[place]);
        if (0..self.header.len()).any(repeats) {
            let name = |(place, name): (usize, &String)| match repeats(place) {
                true => format!("parameter.{name}"),
                false => name.clone(),
            };
            let header = self.header.iter().enumerate().map(name).collect();
            return Self { header, rows: self.rows.clone() }.render(format);
        }
        match format {
            Format::Table => self.table(),
            Format::Md => self.markdown(),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
            Format::Latex => self.latex(),
        }
    }

    /// A data frame as a table; lists are written `[1, 2]`, for people long ones shortened.
    pub fn of_frame(frame: &DataFrame, format: Format) -> Self {
        let header = frame.get_column_names().iter().map(|name| name.to_string()).collect();
        let cell = |value: AnyValue| match value {
            AnyValue::Null => Cell::Missing,
            AnyValue::String(text) => Cell::Text(text.to_owned()),
            AnyValue::StringOwned(text) => Cell::Text(text.to_string()),
            AnyValue::Boolean(b) => Cell::Bool(b),
            AnyValue::List(series) => Cell::Text(list(&series, format)),
            value if value.is_float() => value.extract::<f64>().into(),
            value if value.is_primitive_numeric() => {
                value.extract::<i64>().map_or_else(|| value.to_string().into(), Cell::Integer)
            }
            value => Cell::Text(value.to_string()),
        };
        let row = |i: usize| frame.columns().iter().map(|c| c.get(i).map_or(Cell::Missing, cell)).collect();
        Self { header, rows: (0..frame.height()).map(row).collect() }
    }

    fn text(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(Cell::for_people).collect()).collect()
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().map(|row| &row[column]).filter(|cell| **cell != Cell::Missing).peekable();
        cells.peek().is_some() && cells.all(|cell| matches!(cell, Cell::Integer(_) | Cell::Number(_)))
    }

    fn table(&self) -> String {
        let text = self.text();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|c| text.iter().map(|row| row[c].chars().count()).chain([self.header[c].chars().count()]).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut out = String::new();
        let mut line = |cells: &[String]| {
            let cells = cells.iter().zip(&widths).enumerate().map(|(c, (cell, &width))| {
                if self.is_numeric(c) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        };
        line(&self.header);
        line(&widths.iter().map(|&width| "─".repeat(width)).collect::<Vec<_>>());
        text.iter().for_each(|row| line(row));
        out
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = (0..self.header.len()).map(|c| if self.is_numeric(c) { "---:" } else { "---" }.to_owned());
        let mut out = line(&self.header) + &line(&rule.collect::<Vec<_>>());
        out.extend(self.text().iter().map(|row| line(row)));
        out
    }

    /// A piece of a longer table in CSV, else in JSON; `first`: it begins the table. [`end`](Self::end) follows the last.
    pub(super) fn piece(&self, format: Format, first: bool) -> String {
        match (format, first) {
            (Format::Csv, true) => self.csv(),
            (Format::Csv, false) => self.csv_rows(),
            (_, true) => format!("[\n{}", self.json_rows()),
            (_, false) => format!(",\n{}", self.json_rows()),
        }
    }

    /// What follows the last piece.
    pub(super) fn end(format: Format) -> &'static str {
        if format == Format::Csv { "" } else { "\n]\n" }
    }

    fn csv(&self) -> String {
        csv_line(self.header.iter().cloned()) + &self.csv_rows()
    }

    fn csv_rows(&self) -> String {
        self.rows.iter().map(|row| csv_line(row.iter().map(Cell::in_full))).collect()
    }

    fn json(&self) -> String {
        self.piece(Format::Json, true) + Self::end(Format::Json)
    }

    fn json_rows(&self) -> String {
        let object = |row: &Vec<Cell>| {
            let pairs = self.header.iter().cloned().zip(row.iter().map(Cell::json));
            format!("  {}", serde_json::Value::Object(pairs.collect()))
        };
        self.rows.iter().map(object).collect::<Vec<_>>().join(",\n")
    }

    fn latex(&self) -> String {
        let line = |cells: &[String]| cells.iter().map(|cell| latex(cell)).collect::<Vec<_>>().join(" & ") + " \\\\\n";
        let columns: String = (0..self.header.len()).map(|c| if self.is_numeric(c) { 'r' } else { 'l' }).collect();
        let mut out = format!("\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n", line(&self.header));
        out.extend(self.text().iter().map(|row| line(row)));
        out + "\\bottomrule\n\\end{tabular}\n"
    }
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |text: String| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

fn list(series: &polars::prelude::Series, format: Format) -> String {
    let shown = if format.is_for_people() { 8 } else { series.len() };
    let digits = if format.is_for_people() { 6 } else { 9 };
    let value = |value: AnyValue| value.extract::<f64>().map_or_else(|| value.to_string(), |x| significant(x, digits));
    let values: Vec<String> = series.iter().take(shown).map(value).collect();
    let more = if series.len() > shown { format!(", … {} in all", series.len()) } else { String::new() };
    format!("[{}{more}]", values.join(", "))
}

fn latex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '±' => out.push_str("$\\pm$"),
            '×' => out.push_str("$\\times$"),
            '–' => out.push_str("--"),
            '·' => out.push_str("$\\cdot$"),
            c => out.push(c),
        }
    }
    out
}
