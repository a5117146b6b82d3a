//! A JSON Schema of specs, made of what trainers say of themselves.

use super::axis::{RANDOM, RANGES};
use super::{Kind, Parameter, TRAINERS, description};
use serde_json::{Map, Value as Json, json};

/// A JSON Schema of sweeps and reports.
pub fn json_schema() -> Json {
    let mut trainers = Vec::new();
    for trainer in TRAINERS {
        let Some(description) = description(trainer) else { continue };
        let base: Map<String, Json> =
            description.parameters.iter().map(|p| (p.name.clone(), of_parameter(p, false))).collect();
        let axes: Map<String, Json> =
            description.parameters.iter().map(|p| (p.name.clone(), of_parameter(p, true))).collect();
        // Nested names (`data: {source: kyoto}`) are maps of any key: what they hold is checked by `tessera plan`.
        let nested = |parameters: Map<String, Json>| {
            json!({
                "type": "object",
                "properties": parameters,
                "additionalProperties": {"type": "object"},
            })
        };
        let metrics: Vec<&str> = description.metrics.iter().map(|metric| &*metric.name).collect();
        trainers.push(json!({
            "if": {"required": ["trainer"], "properties": {"trainer": {"const": trainer}}},
            "then": {"properties": {
                "base": nested(base),
                "grid": nested(axes),
                "metric": {"oneOf": [
                    {"enum": metrics},
                    {"type": "object", "properties": {"name": {"enum": metrics}}},
                ]},
            }},
        }));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A sweep or a report of tessera",
        "type": "object",
        "oneOf": [{"required": ["report"]}, {"required": ["sweep"]}, {"required": ["extends"]}],
        "properties": properties(),
        "allOf": trainers,
    })
}

fn properties() -> Json {
    let text = |about: &str| json!({"type": "string", "description": about});
    let map = |about: &str| json!({"type": "object", "description": about});
    let list = |about: &str| json!({"type": "array", "items": {"type": "object"}, "description": about});
    let count = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    let size = |about: &str| json!({"type": "string", "description": about, "examples": ["4 GiB"]});
    let time = |about: &str| json!({"type": "string", "description": about, "examples": ["2h"]});
    json!({
        "sweep": {"type": "string", "pattern": "^[^./\\\\][^/\\\\]*$", "description": "A plain folder name."},
        "report": text("A plain folder name."),
        "about": text("One line for people."),
        "trainer": {"enum": TRAINERS, "description": "A built-in trainer; any other program by `command`."},
        "command": text("A command line with places: {args}, {name}, {run.dir}, {seed}."),
        "extends": text("Another spec whose keys are taken over; relative to this file."),
        "metric": {"description": "The number that runs are judged by: name, goal (max, min), reduce (last, min, max, mean_last 5%, at 1000)."},
        "base": map("Parameters that all runs share."),
        "grid": map("Axes: every combination."),
        "zip": {"description": "Axes that move together: a list of groups."},
        "samples": count("Draws of all random axes together."),
        "sample_seed": count("What random axes are drawn with."),
        "blocks": list("A union of grids, each with its own base, grid, zip and samples."),
        "when": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Where a parameter is active: `method == lagrange`; elsewhere it is not passed.",
        },
        "exclude": list("Cells left out; each entry must match."),
        "include": list("Cells added."),
        "seeds": {"description": "The replicates: a number of them, a list, or {range: [a, b]}."},
        "max_runs": count("The largest number of cells × seeds."),
        "resources": {
            "type": "object",
            "additionalProperties": false,
            "description": "What one run needs.",
            "properties": {
                "gpu": {"type": "number", "minimum": 0, "description": "Share of a GPU (0.5) or whole ones (2)."},
                "gpu_memory": size("GPU memory of one run."),
                "cpu": {"type": "integer", "minimum": 1, "description": "Cores of one run; also its threads."},
                "memory": size("Main memory of one run."),
                "time": time("Longest time a run may take."),
                "stall": time("Longest time without a new number."),
            },
        },
        "on_failure": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "crash": text("`retry 2` or `fail`."),
                "oom": {"enum": ["retry_alone", "fail"]},
                "stop_after": count("So many equal crashes, and nothing new starts."),
            },
        },
        "figures": list("Figures: {kind: curve, y: kl, color: method}."),
    })
}

fn of_parameter(parameter: &Parameter, axis: bool) -> Json {
    let value = of_value(parameter);
    let mut schema = match axis {
        false => value,
        true => {
            let ranges: Vec<Json> = RANGES.iter().chain(&RANDOM).map(|key| json!({"required": [key]})).collect();
            json!({"anyOf": [
                {"type": "array", "items": {"anyOf": [value, {"type": "object"}]}},
                {"type": "object", "anyOf": ranges},
                value,
            ]})
        }
    };
    if let Some(schema) = schema.as_object_mut() {
        let unit = parameter.unit.as_ref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
        let active = parameter.active.as_ref().map(|active| format!(" Where {active}.")).unwrap_or_default();
        schema.insert("description".to_owned(), format!("{}{unit}{active}", parameter.about).into());
        if let Some(default) = parameter.default.as_ref().and_then(|value| serde_json::to_value(value).ok()) {
            schema.insert("default".to_owned(), default);
        }
    }
    schema
}

fn of_value(parameter: &Parameter) -> Json {
    match parameter.kind {
        Kind::Integer | Kind::Number => {
            let mut number = Map::new();
            let word = if parameter.kind == Kind::Integer { "integer" } else { "number" };
            number.insert("type".to_owned(), word.into());
            let bounds =
                [("minimum", parameter.minimum), ("exclusiveMinimum", parameter.above), ("maximum", parameter.maximum)];
            number.extend(bounds.iter().filter_map(|(key, bound)| Some(((*key).to_owned(), (*bound)?.into()))));
            json!({"anyOf": [number, {"type": "string", "pattern": "^(=|[-+.0-9].*x)"}, {"type": "null"}]})
        }
        Kind::Boolean => json!({"type": ["boolean", "null"]}),
        Kind::Choice => json!({"anyOf": [{"enum": parameter.choices}, {"type": ["object", "null"]}]}),
        Kind::Text | Kind::Path => json!({"type": ["string", "null"]}),
        Kind::List => json!({"type": ["array", "null"], "items": {"type": "number"}}),
    }
}

impl Kind {
    /// Its word in descriptions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
            Self::Text => "text",
            Self::Path => "path",
            Self::List => "list",
        }
    }
}

impl Parameter {
    /// `≥ 0`, `> 0, ≤ 1`; empty where there are none.
    pub fn bounds_in_words(&self) -> String {
        let bounds = [("≥", self.minimum), (">", self.above), ("≤", self.maximum)];
        let words: Vec<String> =
            bounds.iter().filter_map(|(sign, bound)| Some(format!("{sign} {}", (*bound)?))).collect();
        words.join(", ")
    }
}
