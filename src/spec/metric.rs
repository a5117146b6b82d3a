//! The number that runs are judged by, and how a history becomes one number.

use super::Description;
use super::node::{Node, suggestion};
use std::fmt;
use std::str::FromStr;

/// The number that runs are judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// A metric of the history.
    pub name: String,
    /// Whether more is better.
    pub maximize: bool,
    /// How a run's history becomes one number.
    pub reduce: Reduce,
}

impl Metric {
    /// Reads `metric:`; mistakes are reported.
    pub(super) fn read(node: &Node, description: &Description) -> Option<Self> {
        let (name_node, map) = match node.map() {
            Some(_) => {
                node.check_keys(&["name", "goal", "reduce"]);
                let Some(name) = node.get("name") else {
                    node.error(
                        "`metric` needs a `name`".to_owned(),
                        "`metric: {name: kl, goal: max, reduce: mean_last 5%}`",
                    );
                    return None;
                };
                (name, true)
            }
            None => (*node, false),
        };
        let name = name_node.text()?;
        let known: Vec<&str> = description.metrics.iter().map(|metric| &*metric.name).collect();
        if !known.is_empty() && !known.contains(&&*name) {
            name_node
                .error(format!("`{}` records no metric `{name}`", description.trainer), &suggestion(&name, &known));
        }
        let field = |key: &str| if map { node.get(key) } else { None };
        let maximize = match field("goal") {
            Some(goal) => goal.choice(&["max", "min"])? == 0,
            None => true,
        };
        let reduce = match field("reduce") {
            Some(reduce) => match reduce.text()?.parse() {
                Ok(parsed) => parsed,
                Err(expected) => {
                    reduce.error(
                        format!("{} is no way to make one number of a history", reduce.found()),
                        &format!("{expected}"),
                    );
                    return None;
                }
            },
            None => Reduce::Last,
        };
        Some(Self { name, maximize, reduce })
    }
}

/// How a run's history of one metric becomes one number. Spelled `last`, `min`, `max`, `mean_last 5%`, `at 1000`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduce {
    /// The last value.
    Last,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The mean of the last share of steps, 0.05 for `mean_last 5%`.
    MeanLast(f64),
    /// The value at a step.
    At(u64),
}

/// What a text would have to be to say how a history becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `last`, `min`, `max`, `mean_last 5%` or `at 1000`")]
pub struct NoReduce;

impl FromStr for Reduce {
    type Err = NoReduce;

    fn from_str(text: &str) -> Result<Self, NoReduce> {
        let mut words = text.split_whitespace();
        let reduce = match (words.next(), words.next()) {
            (Some("last"), None) => Self::Last,
            (Some("min"), None) => Self::Min,
            (Some("max"), None) => Self::Max,
            (Some("mean_last"), Some(share)) => {
                let percent: f64 = share.strip_suffix('%').and_then(|p| p.parse().ok()).ok_or(NoReduce)?;
                if !(percent > 0.0 && percent <= 100.0) {
                    return Err(NoReduce);
                }
                Self::MeanLast(percent / 100.0)
            }
            (Some("at"), Some(step)) => Self::At(step.parse().map_err(|_| NoReduce)?),
            _ => return Err(NoReduce),
        };
        if words.next().is_some() { Err(NoReduce) } else { Ok(reduce) }
    }
}

impl fmt::Display for Reduce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            // Ten decimals of a percent hide what the division by 100 left behind.
            Self::MeanLast(share) => {
                write!(f, "mean_last {}%", (share * 1e12).round() / 1e10)
            }
            Self::At(step) => write!(f, "at {step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["last", "min", "max", "mean_last 5%", "mean_last 12.5%", "mean_last 0.1%", "at 1000"] {
            let reduce: Reduce = text.parse().unwrap();
            assert_eq!(reduce.to_string(), text);
        }
        for text in ["", "mean", "mean_last", "mean_last 5", "mean_last 0%", "mean_last 101%", "at", "at -1", "last 5%"]
        {
            assert!(text.parse::<Reduce>().is_err(), "{text}");
        }
    }
}
