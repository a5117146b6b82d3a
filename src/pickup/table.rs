//! A CSV table, read as it grows: its names, its rows of numbers, and what of it cannot be read for certain.
//!
//! Quotes, line breaks within quotes and doubled quotes are read by the `csv` crate. What stands here is what the format
//! leaves open: comment lines, names that come again in another order, rows of another width, decimal commas.

use super::unread::Unread;
use csv::{ReaderBuilder, StringRecord};

/// A record that is longer does not end: a quote is missing.
const LONGEST: usize = 4 << 20;

/// What begins a comment; `numpy.savetxt` begins the line of names with it too.
const COMMENT: char = '#';

/// Why nothing after a quote is read.
const NO_END: Cause = "a quote that does not end, so that nothing after it can be read";

/// Why a row is left out.
pub type Cause = &'static str;

/// The numbers of a row by name.
pub type Numbers = Vec<(String, f64)>;

/// A row with the number of its line: its numbers, or why it is left out.
pub type Row = (u64, Result<Numbers, Cause>);

/// A table and how far it was read.
#[derive(Default)]
pub struct Table {
    /// What may still become a whole record, and the line on which it begins, from 1.
    rest: String,
    line: u64,
    /// What stands between cells; none before the first line of names or numbers.
    separator: Option<u8>,
    /// The last comment before the names.
    comment: Option<String>,
    names: Option<Vec<String>>,
    /// What numbers have before their decimals, where cells are not separated by commas.
    point: Option<char>,
    /// Texts where numbers are expected.
    pub unread: Unread,
    /// A last line without its line break may be cut off: the program did not end by itself.
    pub cut_off: bool,
    /// A quote did not end: nothing after it can be read.
    lost: bool,
}

impl Table {
    /// Begins at the top of a file; `cut_off`: see there.
    pub fn new(cut_off: bool) -> Self {
        Self { cut_off, ..Self::default() }
    }

    /// Reads the next part of the file, whole lines; `last`: nothing comes after it. Each row is handed on with its line.
    pub fn read(&mut self, text: &str, last: bool, mut each: impl FnMut(u64, Result<Numbers, Cause>)) {
        if self.lost {
            return;
        }
        if self.line == 0 {
            self.line = 1;
            self.rest.push_str(text.trim_start_matches('\u{feff}'));
        } else {
            self.rest.push_str(text);
        }
        let mut text = std::mem::take(&mut self.rest);
        if self.names.is_none() {
            text = self.without_comments(text);
        }
        if self.separator.is_none() {
            self.separator = text.lines().find(|line| !line.trim().is_empty()).map(separator);
        }
        let Some(separator) = self.separator else {
            self.rest = text;
            return;
        };
        let binary = text.contains('\0');
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .comment(Some(COMMENT as u8))
            .from_reader(text.as_bytes());
        let (mut record, mut start, base) = (StringRecord::new(), 0, self.line);
        // The text is UTF-8 and lies in memory: reading it cannot fail.
        while reader.read_record(&mut record).unwrap_or(false) {
            let end = usize::try_from(reader.position().byte()).unwrap_or(text.len()).min(text.len());
            let raw = text.get(start..end).unwrap_or_default();
            if end == text.len() && !last && !is_whole(raw, separator) {
                break;
            }
            let line = base + record.position().map_or(1, |position| position.line()) - 1;
            let line = line + self.commented(raw, line, &mut each);
            let cut = end == text.len() && !raw.ends_with(['\n', '\r']);
            let open = end == text.len() && last && !is_whole(&format!("{raw}\n"), separator);
            if binary && raw.contains('\0') {
                each(line, Err("bytes that are no text in UTF-8"));
            } else if let Some(row) = self.row(&record, line, cut, open) {
                each(line, row);
            }
            start = end;
        }
        self.line += text[..start].matches('\n').count() as u64;
        if last {
            self.commented(&text[start..], self.line, &mut each);
        }
        if text.len() - start > LONGEST {
            self.lost = true;
            each(self.line, Err(NO_END));
            return;
        }
        self.rest = text[start..].to_owned();
    }

    /// Passes over the blank lines and comments before a record; how many. A comment that is as wide as a row may be one.
    fn commented(&self, raw: &str, line: u64, each: &mut impl FnMut(u64, Result<Numbers, Cause>)) -> u64 {
        let mut passed = 0;
        for text in raw.split_inclusive('\n') {
            if text.starts_with(COMMENT) {
                let cells =
                    records(text.trim_start_matches(COMMENT), self.separator.unwrap_or(b',')).into_iter().next();
                let cells = cells.unwrap_or_default();
                let names = self.names.as_ref().map_or(0, Vec::len);
                if cells.len() > 1 && cells.len() == names && cells.iter().any(|cell| cell.parse::<f64>().is_ok()) {
                    each(line + passed, Err("a row that begins with `#`, as comments do"));
                }
            } else if !text.trim_end_matches(['\r', '\n']).is_empty() {
                break;
            }
            passed += 1;
        }
        passed
    }

    /// The text without the comment lines at its beginning; the last of them may hold the names.
    fn without_comments(&mut self, mut text: String) -> String {
        loop {
            let line_end = text.find('\n').map_or(text.len(), |end| end + 1);
            let line = text[..line_end].trim();
            if line.is_empty() && line_end < text.len() || line.starts_with(COMMENT) {
                if line.starts_with(COMMENT) {
                    self.comment = Some(line.trim_start_matches(COMMENT).trim().to_owned());
                }
                self.line += 1;
                text.drain(..line_end);
                if text.is_empty() {
                    return text;
                }
            } else {
                return text;
            }
        }
    }

    /// What a record is: numbers, or none for names.
    fn row(&mut self, record: &StringRecord, line: u64, cut: bool, open: bool) -> Option<Result<Numbers, Cause>> {
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            return None;
        }
        if open {
            return Some(Err(NO_END));
        }
        let Some(names) = &self.names else {
            return self.first(&cells);
        };
        if is_names_again(&cells, names) {
            self.names = Some(named(&cells));
            return None;
        }
        let more = cells.get(names.len()..).is_some_and(|more| more.iter().any(|cell| !cell.is_empty()));
        if more {
            return Some(Err("more cells than names"));
        }
        if cut && (self.cut_off || cells.len() < names.len()) {
            return Some(Err("cut off at the end of the file"));
        }
        let mut numbers = Numbers::new();
        for (name, cell) in names.iter().zip(&cells).filter(|(name, _)| !name.is_empty()) {
            match number(cell, self.separator, &mut self.point) {
                Some(number) => numbers.push((name.clone(), number)),
                None => self.unread.push(name, cell, line),
            }
        }
        Some(Ok(numbers))
    }

    /// The first record: names, or numbers under the names of a comment.
    fn first(&mut self, cells: &[&str]) -> Option<Result<Numbers, Cause>> {
        let separator = self.separator;
        let is_number = |cell: &&str| number(cell, separator, &mut None).is_some();
        if !cells.iter().all(|cell| cell.is_empty() || is_number(cell)) {
            self.names = Some(named(cells));
            return None;
        }
        let comment = self.comment.take().unwrap_or_default();
        let names = records(&comment, separator.unwrap_or(b',')).into_iter().next().unwrap_or_default();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if names.len() != cells.len() || names.iter().all(is_number) {
            return Some(Err("no line of names before it"));
        }
        self.names = Some(named(&names));
        let mut numbers = Numbers::new();
        for (name, cell) in names.iter().zip(cells) {
            if let Some(number) = number(cell, separator, &mut self.point) {
                numbers.push(((*name).to_owned(), number));
            }
        }
        Some(Ok(numbers))
    }
}

/// The cells of all records of a text.
pub fn records(text: &str, separator: u8) -> Vec<Vec<String>> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let record = |record: StringRecord| record.iter().map(|cell| cell.trim().to_owned()).collect();
    reader.records().map_while(Result::ok).map(record).collect()
}

/// What stands between the cells of a line: what it has most of.
fn separator(line: &str) -> u8 {
    let count = |separator: &u8| records(line, *separator).first().map_or(0, Vec::len);
    // The last of equals counts.
    [b',', b';', b'\t'].into_iter().max_by_key(count).filter(|separator| count(separator) > 1).unwrap_or(b',')
}

/// Whether a record's text ends outside of quotes.
fn is_whole(raw: &str, separator: u8) -> bool {
    let followed = format!("{raw}0\n");
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(followed.as_bytes());
    reader.records().count() > 1
}

/// Names as pandas has them: of equal ones the second is `name.1`.
fn named(cells: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for cell in cells {
        let mut name = (*cell).to_owned();
        let mut again = 0;
        while !name.is_empty() && names.contains(&name) {
            again += 1;
            name = format!("{cell}.{again}");
        }
        names.push(name);
    }
    names
}

/// Whether a record is a line of names that comes again: texts only, each once, at least half of the names known.
fn is_names_again(cells: &[&str], names: &[String]) -> bool {
    let known = names.iter().filter(|name| cells.contains(&name.as_str())).count();
    let texts = cells.iter().all(|cell| !cell.is_empty() && cell.parse::<f64>().is_err());
    let distinct = (1..cells.len()).all(|i| !cells[..i].contains(&cells[i]));
    texts && distinct && known > 0 && 2 * known >= names.len()
}

/// The number that a cell holds. Where commas do not separate cells, the first number with decimals says what stands before
/// them; a cell that disagrees is none.
fn number(cell: &str, separator: Option<u8>, point: &mut Option<char>) -> Option<f64> {
    if separator == Some(b',') {
        return cell.parse().ok();
    }
    let mark = cell.chars().find(|c| matches!(c, '.' | ','));
    let number = match mark {
        Some(',') if cell.matches([',', '.']).count() == 1 => cell.replace(',', ".").parse().ok(),
        Some(',') => None,
        _ => cell.parse().ok(),
    }?;
    match mark {
        Some(mark) if *point.get_or_insert(mark) != mark => None,
        _ => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Vec<Numbers>, Vec<(u64, Cause)>) {
        let (mut rows, mut out) = (Vec::new(), Vec::new());
        Table::default().read(text, true, |line, row| match row {
            Ok(row) => rows.push(row),
            Err(cause) => out.push((line, cause)),
        });
        (rows, out)
    }

    fn column(text: &str, name: &str) -> Vec<f64> {
        read(text).0.iter().filter_map(|row| row.iter().find(|(n, _)| n == name).map(|(_, x)| *x)).collect()
    }

    #[test]
    fn names_comments_and_separators() {
        assert_eq!(column("# step,loss\n1,0.5\n2,0.4\n", "loss"), [0.5, 0.4]);
        assert_eq!(column("#{\"t\": 1.0, \"id\": \"a\"}\nr,l\n10,3\n# later\n20,4\n", "r"), [10.0, 20.0]);
        assert_eq!(column("step;loss\n1;0,9\n2;0,8\n", "loss"), [0.9, 0.8]);
        assert_eq!(column("step;loss\n1;0.9\n2;0,8\n", "loss"), [0.9]);
        assert_eq!(column("step\tloss\n1\t0.9\n", "loss"), [0.9]);
        assert_eq!(column("\u{feff}step,loss\r\n1,0.9\r\n", "step"), [1.0]);
        assert_eq!(column("step,loss,loss\n1,2,3\n", "loss.1"), [3.0]);
        assert_eq!(read("1,2\n3,4\n").1, [(1, "no line of names before it"), (2, "no line of names before it")]);
    }

    #[test]
    fn what_is_not_certain_is_left_out_with_its_line() {
        let (rows, out) = read("step,note,loss\n1,a,0.9\n2,b,c,0.8\n3,d,0.7,\n4,e\n5,\"f\n");
        assert_eq!(out, [(3, "more cells than names"), (6, NO_END)]);
        assert_eq!(rows.len(), 3);
        assert_eq!(read("step,loss,acc\n1,2,3\n2,0.").1, [(3, "cut off at the end of the file")]);
        assert_eq!(column("step,loss,acc\n1,0.9,11\nstep,acc,loss\n2,12,0.8\n", "loss"), [0.9, 0.8]);
        assert_eq!(column("step,note,loss\n1,\"a\n7,b,5\",0.9\n2,\"c, d\",0.8\n", "loss"), [0.9, 0.8]);
    }

    proptest! {
        /// Rows do not depend on where polls cut the file, and quotes, separators and line breaks in texts move nothing.
        #[test]
        fn polls_cut_nothing(
            rows in proptest::collection::vec(("[a\"\n,;x ]{0,6}", -1000i64..1000), 0..20),
            cuts in proptest::collection::vec(0usize..400, 0..6),
        ) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let mut text = "step,note,value\n".to_owned();
            for (step, (note, value)) in rows.iter().enumerate() {
                text += &format!("{step},{},{}\n", quoted(note), *value as f64 / 8.0);
            }
            let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
            let mut parts: Vec<usize> = cuts.iter().map(|cut| ends[cut % ends.len()]).chain([0, text.len()]).collect();
            parts.sort_unstable();
            parts.dedup();
            let (mut table, mut found) = (Table::default(), Vec::new());
            for part in parts.windows(2) {
                table.read(&text[part[0]..part[1]], part[1] == text.len(), |line, row| found.push((line, row)));
            }
            prop_assert_eq!(found.len(), rows.len());
            for ((_, row), (_, value)) in found.iter().zip(&rows) {
                let row = row.as_ref().unwrap();
                prop_assert_eq!(row.iter().find(|(name, _)| name == "value").unwrap().1, *value as f64 / 8.0);
            }
        }
    }
}
