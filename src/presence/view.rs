//! The progress of a sweep as people see it: one value for the terminal, for plain lines, and for `tessera status
//! --watch`, which reads it from the agent's heartbeat.

use crate::record::{PlannedRun, Value};
use serde::{Deserialize, Serialize};

/// How a sweep stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The sweep.
    pub sweep: String,
    /// Runs asked for.
    pub total: usize,
    /// Runs with a result, those of earlier sessions included.
    pub done: usize,
    /// Of these, runs that diverged.
    pub diverged: usize,
    /// Runs that failed for good.
    pub failed: usize,
    /// Runs that execute.
    pub running: usize,
    /// Runs that wait.
    pub waiting: usize,
    /// Results a second, lately.
    pub rate: f64,
    /// Seconds until all is done, as far as known.
    pub left: Option<f64>,
    /// The metric that is shown.
    pub metric: String,
    /// What each slot does.
    pub slots: Vec<SlotView>,
    /// Why nothing starts, or what happens instead: `stopping …`.
    pub note: String,
}

/// What one slot does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlotView {
    /// `gpu 0`, `cpu 1`.
    pub name: String,
    /// The run in words; empty: none.
    pub label: String,
    /// Its id; empty: none.
    pub run: String,
    /// How far it is, 0 to 1, where known.
    pub fraction: Option<f64>,
    /// Steps done.
    pub step: u64,
    /// Last value of the metric.
    #[serde(default)]
    pub value: Option<f64>,
    /// Seconds since it began.
    pub seconds: f64,
}

/// Shows a sweep to people.
pub trait Watch {
    /// The state now; called several times a second.
    fn show(&mut self, view: &View);
    /// One line that stays: a failure, a retry.
    fn say(&mut self, line: &str);
    /// Nothing more will be shown.
    fn finish(&mut self);
}

/// A run in words: `two_losses · fr_learning_rate 0.1 · seed 2`; the axes that it has, then its seed.
pub fn label(run: &PlannedRun, axes: &[String]) -> String {
    let mut words: Vec<String> = Vec::new();
    for axis in axes {
        match run.parameters.get(axis) {
            Some(Value::Text(text)) => words.push(text.clone()),
            Some(value) => words.push(format!("{axis} {value}")),
            None => {}
        }
    }
    words.push(format!("seed {}", run.seed));
    words.join(" · ")
}

/// Seconds as people say them: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..10 if seconds < 9.95 => format!("{:.1} s", seconds.max(0.0)),
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_in_words() {
        let words = [0.42, 12.3, 59.7, 200.0, 7500.0, 273_600.0].map(duration);
        assert_eq!(words, ["0.4 s", "12 s", "1 min 0 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"]);
    }
}
