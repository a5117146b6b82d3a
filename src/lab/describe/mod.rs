//! What the trainers say of themselves: `tessera-lab describe` prints it, `src/spec/*.json` hold it, and a test compares.

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
        }),
        "toy" => Some(Description {
            trainer: "toy",
            identity: toy::IDENTITY,
            parameters: toy::parameters(),
            metrics: quantities(toy::METRICS),
            arrays: Vec::new(),
        }),
        _ => None,
    }
}

/// The description as `src/spec/<trainer>.json` holds it, with a line break at its end.
pub fn json(trainer: &str) -> Option<String> {
    let description = description(trainer)?;
    serde_json::to_string_pretty(&description).ok().map(|text| text + "\n")
}

fn quantities(table: &[(&'static str, &'static str, &'static str)]) -> Vec<Quantity> {
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
