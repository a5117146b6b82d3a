//! What a trainer says of itself: its parameters, metrics and arrays. `tessera-lab describe` writes this as
//! `src/spec/retina.json` and `src/spec/toy.json`, so that a spec is checked without libtorch.

use super::Condition;
use crate::record::Value;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// The built-in trainers.
pub const TRAINERS: [&str; 2] = ["retina", "toy"];

static RETINA: LazyLock<Option<Arc<Description>>> = LazyLock::new(|| parse(include_str!("retina.json")));
static TOY: LazyLock<Option<Arc<Description>>> = LazyLock::new(|| parse(include_str!("toy.json")));

fn parse(json: &str) -> Option<Arc<Description>> {
    serde_json::from_str(json).ok().map(Arc::new)
}

/// What a built-in trainer says of itself; `None` if there is no such trainer.
pub fn description(trainer: &str) -> Option<Arc<Description>> {
    match trainer {
        "retina" => RETINA.clone(),
        "toy" => TOY.clone(),
        _ => None,
    }
}

/// A trainer's description of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// `retina`, `toy`.
    pub trainer: String,
    /// Part of every run id: raised when a default or a meaning changes.
    pub identity: u32,
    /// In the order in which documentation lists them.
    pub parameters: Vec<Parameter>,
    /// What the history may hold.
    pub metrics: Vec<Quantity>,
    /// What the arrays may hold.
    pub arrays: Vec<Quantity>,
    /// What can be measured at a stored checkpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
}

/// A measurement at stored checkpoints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// `covariance`, `rates` …
    pub name: String,
    /// What its rows hold; their steps are batches.
    pub metrics: Vec<Quantity>,
    /// Its arrays.
    pub arrays: Vec<Quantity>,
}

impl Description {
    /// The parameter of that dotted name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// What a trainer says that says nothing: any parameter goes.
    pub fn silent(trainer: &str) -> Self {
        Self {
            trainer: trainer.to_owned(),
            identity: 1,
            parameters: Vec::new(),
            metrics: Vec::new(),
            arrays: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// What figures may name that draw a probe's numbers: its metrics and arrays in place of the trainer's.
    pub fn of_probe(&self, name: &str) -> Option<Self> {
        let Probe { metrics, arrays, .. } = self.probes.iter().find(|probe| probe.name == name)?.clone();
        Some(Self { metrics, arrays, ..self.clone() })
    }
}

/// One parameter. Names are flat and dotted: `lr_schedule` (a choice) and `lr_schedule.factor`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// Dotted name.
    pub name: String,
    /// The type.
    pub kind: Kind,
    /// SI unit or the field's word: `pixels`, `steps`, `bits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What holds where a spec is silent; none: must be given (where active).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Smallest value, itself allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Values must be larger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Largest value, itself allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// The words allowed where `kind` is `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Condition in the language of `when`: `name == value`, `!=`, `<`, `>` joined by `and` and `or` (`and` binds
    /// tighter, no brackets): `method != none and fr_lr_schedule == step`. Absent: always active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Condition>,
    /// Whether the value is part of the run id (checkpointing and paths are not).
    #[serde(default = "yes")]
    pub identity: bool,
    /// One line of meaning.
    pub about: String,
}

fn yes() -> bool {
    true
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Whole number.
    Integer,
    /// Real number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of `choices`; a map `{kind: word, key: value}` sets `name` and `name.key`.
    Choice,
    /// Any text.
    Text,
    /// A file or folder; relative to the spec's file.
    Path,
    /// A list of numbers.
    List,
}

/// A metric (one number a step) or an array (a tensor at a step).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quantity {
    /// As in tables and figures.
    pub name: String,
    /// `bits`, `s`, `Hz` …; empty for pure numbers.
    #[serde(default)]
    pub unit: String,
    /// Definition in one line.
    pub about: String,
}
