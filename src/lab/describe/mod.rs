//! What the trainers say of themselves: `tessera-lab describe` prints it, `src/spec/*.json` hold it, and a test compares.

pub mod probes;
pub mod retina;
pub mod toy;

use crate::parameter::Parameter;
use serde::Serialize;

/// A metric (one number a step) or an array (a tensor at a step).
#[derive(Clone, Debug, Serialize)]
pub struct Quantity {
    name: &'static str,
    unit: &'static str,
    about: &'static str,
}

/// A trainer's description, in the form of `src/spec/parameter.rs`.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    trainer: &'static str,
    identity: u32,
    parameters: Vec<Parameter>,
    metrics: Vec<Quantity>,
    arrays: Vec<Quantity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    probes: Vec<Probe>,
}

/// What a probe measures.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    name: &'static str,
    metrics: Vec<Quantity>,
    arrays: Vec<Quantity>,
}

/// The description of a trainer; `None` if there is no such trainer.
pub fn description(trainer: &str) -> Option<Description> {
    match trainer {
        "retina" => Some(Description {
            trainer: "retina",
            identity: retina::IDENTITY,
            parameters: retina::parameters(),
            metrics: quantities(retina::METRICS),
            arrays: quantities(retina::ARRAYS),
            probes: probes::PROBES
                .iter()
                .map(|&(name, metrics, arrays)| Probe {
                    name,
                    metrics: quantities(metrics),
                    arrays: quantities(arrays),
                })
                .collect(),
        }),
        "toy" => Some(Description {
            trainer: "toy",
            identity: toy::IDENTITY,
            parameters: toy::parameters(),
            metrics: quantities(toy::METRICS),
            arrays: Vec::new(),
            probes: Vec::new(),
        }),
        _ => None,
    }
}

/// The description as `src/spec/<trainer>.json` holds it, with a line break at its end.
pub fn json(trainer: &str) -> Option<String> {
    let description = description(trainer)?;
    serde_json::to_string_pretty(&description).ok().map(|text| text + "\n")
}

/// Names, units, definitions.
pub type Table = &'static [(&'static str, &'static str, &'static str)];

fn quantities(table: Table) -> Vec<Quantity> {
    table.iter().map(|&(name, unit, about)| Quantity { name, unit, about }).collect()
}

#[cfg(test)]
mod tests {
    /// `tessera-lab describe --trainer NAME > src/spec/NAME.json` writes what this test asks for.
    #[test]
    fn specs_are_checked_by_what_the_trainers_say() {
        for (trainer, written) in
            [("retina", include_str!("../../spec/retina.json")), ("toy", include_str!("../../spec/toy.json"))]
        {
            assert_eq!(super::json(trainer).unwrap(), written, "write src/spec/{trainer}.json again");
        }
    }
}
