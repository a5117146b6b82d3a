//! The differences that `tessera compare` gives.

use super::PageError;
use super::answer::known;
use super::question::Question;
use super::shelf::Shelf;
use crate::analyse::{CompareRequest, Difference, Format, compare};
use crate::store::Scope;
use serde_json::{Value, json};

/// The levels of an axis compared: numbers in full, and each line as the command prints it.
pub(super) fn compared(shelf: &Shelf, name: &str, question: &Question) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let request = CompareRequest {
        by: question.by.clone().unwrap_or_default(),
        value: Question::chosen(&question.value).map(str::to_owned),
        reduce: question.reduce()?,
        baseline: Question::chosen(&question.baseline).map(str::to_owned),
        goal: None,
        scope: Scope::Current,
        filters: question.filters()?,
    };
    let comparison = compare(&view.sweep, &request)?;
    let words = comparison.grid(Format::Table);
    let said = words.header.iter().position(|name| name == "difference");
    let line = |(difference, row): (&Difference, &Vec<crate::analyse::Cell>)| {
        let words = match said.and_then(|place| row.get(place)) {
            Some(crate::analyse::Cell::Text(text)) => text.clone(),
            _ => String::new(),
        };
        json!({
            "level": difference.level,
            "minus": difference.minus,
            "at": difference.at,
            "words": words,
            "mean": difference.interval.and_then(|interval| known(interval.mean)),
            "low": difference.interval.and_then(|interval| known(interval.low)),
            "high": difference.interval.and_then(|interval| known(interval.high)),
            "n": difference.interval.map_or(0, |interval| interval.n),
            "paired": difference.paired,
            "detectable": known(difference.detectable),
            "left_out": difference.left_out,
        })
    };
    Ok(json!({
        "by": comparison.by,
        "value": comparison.value,
        "differences": comparison.differences.iter().zip(&words.rows).map(line).collect::<Vec<_>>(),
        "warnings": comparison.warnings,
    }))
}
