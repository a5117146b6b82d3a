//! A value in a sentence: it prints itself as a table's cell does, and has `.mean`, `.low`, `.high` and `.n`.

use super::mistake::wrong;
use super::sources::Sources;
use crate::analyse::{Interval, significant, with_error};
use minijinja::value::{Object, ObjectRepr, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The fields of a value.
const FIELDS: [&str; 5] = ["mean", "low", "high", "n", "level"];

/// A value in a sentence.
pub(super) struct Amount {
    /// As it prints itself.
    pub words: String,
    /// A mean with its interval; ends are NaN where too few runs have given a number.
    pub interval: Option<Interval>,
    /// Why there is no number: `3 of 3 diverged`.
    pub lacking: String,
    /// `bits`; may be empty.
    pub unit: String,
    /// The level that is best, of `best`.
    pub level: Option<String>,
    pub sources: Arc<Sources>,
    touched: AtomicBool,
}

impl Amount {
    /// A value that must be printed or looked into.
    pub fn new(sources: &Arc<Sources>, words: String, interval: Option<Interval>, unit: &str) -> Self {
        sources.watching(|watch| watch.untouched += 1);
        let lacking = if interval.is_none() { words.clone() } else { String::new() };
        let (unit, sources) = (unit.to_owned(), sources.clone());
        Self { words, interval, lacking, unit, level: None, sources, touched: AtomicBool::new(false) }
    }

    fn touch(&self) {
        if !self.touched.swap(true, Ordering::Relaxed) {
            self.sources.watching(|watch| watch.untouched -= 1);
        }
    }

    /// A number, or why there is none: what a claim cannot decide by, and what a text cannot print.
    fn number(&self, field: &'static str, x: Option<f64>) -> Value {
        let n = self.interval.map_or(0, |interval| interval.n);
        let why = match x {
            Some(x) if x.is_nan() && n == 1 => "one run (n=1) has no interval".to_owned(),
            Some(x) if x.is_nan() => "the interval is not known".to_owned(),
            Some(x) => {
                self.sources.watching(|watch| watch.seen.push((field, x)));
                return Value::from(x);
            }
            None => format!("there is no number: {}", self.lacking),
        };
        self.sources.watching(|watch| {
            if watch.claim {
                watch.undecided.get_or_insert(why.clone());
                return Value::from(f64::NAN);
            }
            Value::from(wrong(format!("`.{field}` cannot be said: {why}"), ""))
        })
    }

    /// The value with the digits that its interval allows for, after `~`.
    pub fn approximate(&self) -> String {
        self.touch();
        let Some(interval) = self.interval else { return self.words.clone() };
        let half = interval.half_width();
        let text = match half.is_finite() && half > 0.0 {
            true => {
                let decimals = (-half.log10().floor()).clamp(0.0, 9.0) as usize;
                format!("{:.decimals$}", interval.mean)
            }
            false => significant(interval.mean, 2),
        };
        format!("~{}{}", minus(&text), self.after())
    }

    /// Mean and `±` without n.
    pub fn short(&self) -> String {
        self.touch();
        let Some(interval) = self.interval else { return self.words.clone() };
        if interval.low.is_nan() {
            return format!("{}{}", minus(&significant(interval.mean, 5)), self.after());
        }
        let (mean, half) = with_error(interval.mean, interval.half_width());
        format!("{} ± {half}{}", minus(&mean), self.after())
    }

    fn after(&self) -> String {
        if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) }
    }
}

/// Numbers in prose have a minus sign.
pub(super) fn minus(text: &str) -> String {
    text.replace('-', "−")
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Object for Amount {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.touch();
        Some(match key {
            "mean" => self.number("mean", self.interval.map(|interval| interval.mean)),
            "low" => self.number("low", self.interval.map(|interval| interval.low)),
            "high" => self.number("high", self.interval.map(|interval| interval.high)),
            "n" => Value::from(self.interval.map_or(0, |interval| interval.n)),
            "level" if self.level.is_some() => Value::from(self.level.clone()),
            _ => wrong(format!("a value has no `.{key}`"), crate::spec::suggestion(key, &FIELDS)).into(),
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.touch();
        f.write_str(&self.words)
    }
}
