//! Whether claims hold.

use super::mistake::{Mistake, wrong};
use super::sources::{Sources, Watch};
use crate::analyse::significant;
use crate::spec::Claim;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, Value};
use std::ops::Range;

/// A claim, looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What it says to a reader, with values; none: the condition alone.
    pub says: Option<String>,
    /// The condition as it is written.
    pub condition: String,
    /// Whether it holds.
    pub holds: Holds,
}

/// Whether a claim holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not; with what was found: `high = 0.12`.
    No(String),
    /// Too few runs can decide it; why.
    TooFew(String),
}

impl Verdict {
    /// What a report says of it: nothing of a claim without words that holds.
    pub fn line(&self) -> Option<String> {
        let words = self.says.clone().unwrap_or_else(|| format!("`{}`", self.condition));
        match &self.holds {
            Holds::Yes => self.says.clone(),
            Holds::No(found) if found.is_empty() => Some(format!("no longer holds: {words}")),
            Holds::No(found) => Some(format!("no longer holds: {words} ({found})")),
            Holds::TooFew(why) => Some(format!("too few runs to decide: {words} ({why})")),
        }
    }

    /// What became of it and what it says, as a line.
    pub fn said(&self) -> String {
        match self.holds {
            Holds::Yes => format!("holds: {}\n", self.says.as_deref().unwrap_or(&self.condition).trim()),
            _ => format!("{}\n", self.line().unwrap_or_default().trim()),
        }
    }
}

/// Looks at a claim.
pub(super) fn judge(
    environment: &Environment,
    sources: &Sources,
    claim: &Claim,
    context: &Value,
    known: &[&str],
) -> Result<Holds, (Mistake, Option<Range<usize>>)> {
    sources.watching(|watch| *watch = Watch { claim: true, ..Watch::default() });
    let answer = environment.compile_expression(claim.holds.trim()).and_then(|condition| condition.eval(context));
    let watch = sources.watching(std::mem::take);
    let decided = answer.and_then(|answer| decided(&answer, &watch));
    decided.map_err(|error| Mistake::of(&error, known))
}

fn decided(answer: &Value, watch: &Watch) -> Result<Holds, Error> {
    if watch.untouched > 0 {
        return Err(wrong(
            "this compares a value as a whole",
            "compare its number: `.mean`, an end of its interval, `.low` or `.high`, or `.n`",
        ));
    }
    if let Some(why) = &watch.undecided {
        return Ok(Holds::TooFew(why.clone()));
    }
    if answer.kind() != ValueKind::Bool {
        return Err(wrong(format!("a claim is true or false, this is {answer}"), "like `mean('kl').low > 7`"));
    }
    if answer.is_true() {
        return Ok(Holds::Yes);
    }
    let found = watch.seen.iter().map(|(field, x)| format!("{field} = {}", significant(*x, 4)));
    Ok(Holds::No(found.collect::<Vec<_>>().join(", ")))
}
