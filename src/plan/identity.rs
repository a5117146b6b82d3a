//! The text that a run id is the hash of: the trainer, its identity number, the seed, and every active parameter
//! that is part of the identity and not at its default.

use super::Run;
use crate::record::Value;
use crate::spec::{Parameter, Sweep};

/// The lines that a run's id is the hash of.
pub fn identity(sweep: &Sweep, run: &Run) -> String {
    let mut text = head(sweep, run.seed);
    for (name, value) in run.parameters() {
        text.extend(line(&name, &value, sweep.description.parameter(&name)));
    }
    text
}

/// The lines before the parameters.
pub(super) fn head(sweep: &Sweep, seed: u64) -> String {
    format!("trainer {}\nidentity {}\nseed {seed}\n", spelled(&sweep.trainer.name().into()), sweep.description.identity)
}

/// The line of a parameter; none where it is not part of the identity or has its default.
pub(super) fn line(name: &str, value: &Value, parameter: Option<&Parameter>) -> Option<String> {
    let counts = parameter.is_none_or(|p| p.identity && p.default.as_ref() != Some(value));
    counts.then(|| format!("{name} {}\n", spelled(value)))
}

/// One spelling for equal values and different ones for different values: text is quoted, numbers are the shortest.
pub(super) fn spelled(value: &Value) -> String {
    match value {
        Value::Text(text) => serde_json::to_string(text).unwrap_or_default(),
        // Beyond 2^53 a whole number may have been written as a float; both spell alike where they are equal.
        Value::Integer(i) if i.unsigned_abs() > 1 << 53 && (*i as f64) as i128 == i128::from(*i) => {
            Value::Number(*i as f64).to_string()
        }
        Value::List(items) => format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let entry = |(key, item): (&String, &Value)| format!("{}:{}", spelled(&key.as_str().into()), spelled(item));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
