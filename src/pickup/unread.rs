//! Texts that stand where numbers are expected. A column of texts is no metric, and nothing is said of it; a text in a
//! column that has numbers, and a number in a spelling that can be read in two ways, is left out and said.

use crate::record::counted;
use indexmap::IndexMap;

/// What programs write where there is no number.
const MISSING: [&str; 8] = ["", "na", "n/a", "none", "null", "-", "--", "<na>"];

/// The texts of a file by the name of their column.
#[derive(Default)]
pub struct Unread {
    columns: IndexMap<String, Texts>,
}

struct Texts {
    count: u64,
    /// Of these, numbers in a spelling that is not certain.
    doubtful: u64,
    line: u64,
    sample: String,
}

impl Unread {
    /// Takes a text of a column; one that stands for a missing number is passed over.
    pub fn push(&mut self, name: &str, text: &str, line: u64) {
        if MISSING.contains(&text.trim().to_ascii_lowercase().as_str()) {
            return;
        }
        let doubtful = u64::from(is_doubtful(text));
        if let Some(texts) = self.columns.get_mut(name) {
            if doubtful > 0 && texts.doubtful == 0 {
                (texts.line, texts.sample) = (line, shown(text));
            }
            texts.count += 1;
            texts.doubtful += doubtful;
        } else {
            self.columns.insert(name.to_owned(), Texts { count: 1, doubtful, line, sample: shown(text) });
        }
    }

    /// What was left out of a file, in words. `has_numbers`: whether a column has numbers elsewhere.
    pub fn notes(&self, file: &str, has_numbers: impl Fn(&str) -> bool) -> Vec<String> {
        let mut notes = Vec::new();
        for (name, texts) in &self.columns {
            let count = if has_numbers(name) { texts.count } else { texts.doubtful };
            if count > 0 {
                let values = counted(usize::try_from(count).unwrap_or(usize::MAX), "value");
                let (sample, line) = (&texts.sample, texts.line);
                notes.push(format!("{values} of {name} in {file} left out: `{sample}` is no number (line {line})"));
            }
        }
        notes
    }

    /// Forgets all, for a file that is read from its top again.
    pub fn clear(&mut self) {
        self.columns.clear();
    }
}

/// Whether a text would be a number without its marks: `0,9`, `1,234.5`, `91%`, `1_000`.
fn is_doubtful(text: &str) -> bool {
    let digits = text.trim().trim_end_matches('%').replace([',', '_', ' ', '\''], "");
    text.trim_start().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && digits.parse::<f64>().is_ok()
}

fn shown(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() > 24 { text.chars().take(23).chain(['…']).collect() } else { text.to_owned() }
}
