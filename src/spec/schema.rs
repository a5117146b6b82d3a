//! A JSON Schema of specs, made of what trainers say of themselves.

use super::axis::{RANDOM, RANGES};
use super::{FigureKind, Kind, Parameter, Spelling, TRAINERS, description};
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
                "metric": {"anyOf": [
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
        "if": {"required": ["report"]},
        "then": {"properties": of_report(), "additionalProperties": false},
        "else": {
            "anyOf": [{"required": ["sweep"]}, {"required": ["extends"]}],
            "properties": of_sweep(),
            // Names may be written with dots, at the top too: `base.neurons: 300`.
            "patternProperties": {"^[a-z_]+\\..": {}},
            "additionalProperties": false,
            "allOf": trainers,
        },
    })
}

fn text(about: &str) -> Json {
    json!({"type": "string", "description": about})
}

fn map(about: &str) -> Json {
    json!({"type": "object", "description": about})
}

/// A list of maps; one of them may stand alone.
fn list(about: &str) -> Json {
    json!({"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}], "description": about})
}

/// A list of texts; one of them may stand alone.
fn texts(about: &str) -> Json {
    json!({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}], "description": about})
}

fn count(about: &str) -> Json {
    json!({"type": "integer", "minimum": 0, "description": about})
}

fn figures() -> Json {
    let kinds: Vec<&str> = FigureKind::ALL.iter().map(|(word, _)| *word).collect();
    let figure = json!({"type": "object", "required": ["kind"], "properties": {
        "kind": {"enum": kinds},
        "size": {
            "anyOf": [{"type": "string"}, {"type": "object", "required": ["width"], "additionalProperties": false, "properties": {
                "width": text("A length: 85 mm, 8.5 cm, 3.35 in, 240 pt."),
                "height": text("As the panels want unless said."),
                "font": text("Size of the names of axes, 7 pt unless said."),
            }}],
            "description": "For paper: {width: 85 mm, height: 60 mm}.",
        },
    }});
    let about = "Figures: {kind: curve, y: kl, color: method}.";
    json!({"anyOf": [{"type": "array", "items": figure}, figure], "description": about})
}

fn of_report() -> Json {
    json!({
        "report": text("A plain folder name."),
        "title": text("Heading of the page."),
        "since": text("The report that \"what changed\" compares with; the newest older one unless said."),
        "sweeps": texts("Spec files, relative to this one."),
        "template": text("The .pptx or .potx whose masters and layouts slides take, relative to this file."),
        "last_week": text("Markdown: what was known when the week began."),
        "sections": list("Numbered sections: title, sweep, text, figures, tables, compare, claims."),
        "ideas": texts("The last list; Markdown."),
    })
}

fn of_sweep() -> Json {
    let size = |about: &str| json!({"type": "string", "description": about, "examples": ["4 GiB"]});
    let time = |about: &str| json!({"type": "string", "description": about, "examples": ["2h"]});
    let trainers: Vec<&str> = TRAINERS.into_iter().chain(["imported"]).collect();
    json!({
        "sweep": {"type": "string", "pattern": "^[^./\\\\][^/\\\\]*$", "description": "A plain folder name."},
        "about": text("One line for people."),
        "trainer": {
            "enum": trainers,
            "description": "A built-in trainer; any other program by `command`. `imported`: `tessera import` wrote it.",
        },
        "command": text("A command line with places: {args}, {name}, {run.dir}, {seed}."),
        "extends": text("Another spec whose keys are taken over; relative to this file."),
        "metric": {"description": "The number that runs are judged by: name, goal (max, min), reduce (last, min, max, mean_last 5%, at 1000)."},
        "base": map("Parameters that all runs share."),
        "grid": map("Axes: every combination."),
        "zip": list("Axes that move together: a list of groups."),
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
            "description": "What follows a failure.",
            "properties": {
                "crash": text("`retry 2` or `fail`."),
                "oom": {"enum": ["retry_alone", "fail"]},
                "stop_after": count("So many equal crashes, and nothing new starts."),
            },
        },
        "on_finish": text("A line for sh when a session is over, with TESSERA_OUTCOME, TESSERA_DONE, TESSERA_FAILED … in its environment."),
        "figures": figures(),
        "slurm": slurm(),
        "parameters": map("Of a command: what its parameters are (kind, default, bounds), for checks."),
        "resume": text("Of a command: the command line that goes on from {checkpoint}."),
        "environment": {"type": "object", "description": "Of a command: further environment variables; places as in `command`."},
        "directory": text("Of a command: where it is executed; the folder of this file unless said."),
        "virtual_environment": text("Of a command: a Python virtual environment."),
        "setup": texts("Of a command: shell lines before it, such as `module load cuda`."),
        "args": {
            "type": "object",
            "additionalProperties": {"type": ["string", "null"]},
            "description": "Of a command: what parameters are called on its command line; null: not passed.",
        },
        "spelling": {
            "anyOf": [{"enum": Spelling::ALL.map(|(word, _)| word)}, {"type": "object"}],
            "description": "Of a command: how values are written.",
        },
        "metrics": {"description": "Of a command: where its numbers come from: tensorboard, events, csv, jsonl or a pattern; or {from: csv, step: COLUMN}."},
        "checkpoints": {"description": "Of a command: a pattern of its checkpoints, or {match: 'model_*.pt', keep: 2, step: 'model_{step}.pt'}."},
        "code": texts("Of a command: patterns of the files that its version is made of."),
    })
}

/// The `slurm:` section.
fn slurm() -> Json {
    let text = |about: &str| json!({"type": "string", "description": about});
    let count = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    let time = |about: &str| json!({"type": "string", "description": about, "examples": ["2h"]});
    let lines = |about: &str| json!({"type": ["string", "array"], "items": {"type": "string"}, "description": about});
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "What a cluster's scheduler is asked for (`--on slurm`).",
        "properties": {
            "partition": text("--partition."),
            "account": text("--account."),
            "qos": text("--qos."),
            "constraint": text("--constraint."),
            "time": time("Longest time of a task."),
            "gpus": count("GPUs of a task."),
            "gres": text("In place of gpus: gpu:a100:1."),
            "cpus": count("CPUs of a task."),
            "mem": json!({"type": "string", "description": "Main memory of a task.", "examples": ["8 GiB"]}),
            "array_limit": count("So many tasks run at once at most."),
            "runs_per_task": count("Runs of a task; by the time a run takes where it is not said."),
            "run_time": time("How long a run takes, for the size of tasks."),
            "warning": time("How long before its end a task is warned."),
            "exclude_after": count("A node on which so many runs in a row failed is left out; 0: none ever is."),
            "sbatch": lines("Further options of sbatch, one each."),
            "setup": lines("Lines of shell before the runs."),
        },
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

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    #[test]
    fn the_keys_are_those_that_are_read() {
        let sweep = of_sweep();
        let mut described: Vec<&str> = sweep.as_object().unwrap().keys().map(String::as_str).collect();
        let mut read = keys::written();
        described.sort_unstable();
        read.sort_unstable();
        assert_eq!(described, read);
    }
}
