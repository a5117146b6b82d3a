//! The values of an axis: lists, ranges (`linear`, `log`, `range`) and random draws.

use super::decimal::{self, number};
use super::node::Node;
use crate::record::Value;

/// Keys that make a map a range.
pub(super) const RANGES: [&str; 3] = ["linear", "log", "range"];
/// Keys that make a map a random axis.
pub(super) const RANDOM: [&str; 4] = ["uniform", "log_uniform", "int_uniform", "choice"];
/// How ranges are written.
pub(super) const RANGES_IN_WORDS: &str =
    "ranges are `{linear: [0, 1], n: 5}`, `{log: [1e-4, 1e-1], n: 4}` and `{range: [0, 9]}`, under `grid:`";
/// More values than this in one axis are refused; `max_runs` guards their product.
const LONGEST: u64 = 10_000_000;

/// Whether a map is a range or a random axis rather than nested names.
pub(super) fn is_range(node: &Node) -> bool {
    node.map().is_some_and(|map| map.keys().any(|key| RANGES.contains(&&**key) || RANDOM.contains(&&**key)))
}

/// The values of a range; mistakes are reported and give none.
pub(super) fn range(node: &Node) -> Vec<Value> {
    let Some(kind) = RANGES.into_iter().find(|kind| node.get(kind).is_some()) else {
        node.error(
            "a random axis is no value among others".to_owned(),
            "it stands alone, `NAME: {uniform: [0, 1]}`, and `samples: n` says how many values are drawn",
        );
        return Vec::new();
    };
    node.check_keys(if kind == "range" { &["range", "step"] } else { &["linear", "log", "n"] });
    let Some((a, b)) = node.get(kind).and_then(|ends| ends_of(&ends)) else { return Vec::new() };
    if kind == "range" {
        return steps(node, a, b);
    }
    let Some(n) = node.get("n") else {
        node.error(format!("`{kind}` needs `n`, the number of values"), &format!("`{{{kind}: [{a}, {b}], n: 5}}`"));
        return Vec::new();
    };
    match n.whole() {
        Some(0) => n.error("a range needs at least one value".to_owned(), ""),
        Some(many) if many > LONGEST => n.error(format!("at most {LONGEST} values in one axis"), ""),
        Some(1) if a != b => n.error("one value cannot include both ends".to_owned(), "`n` counts the ends: 2 or more"),
        Some(1) => return vec![number(a)],
        Some(_) if kind == "log" && !(a > 0.0 && b > 0.0) => {
            let help = "the ends of `log` are values, not exponents: `{log: [1e-4, 1e-1], n: 7}`";
            node.error("the ends of `log` must be above 0".to_owned(), help);
        }
        Some(n) if kind == "log" => return (0..n).map(|i| number(log_between(a, b, i, n - 1))).collect(),
        Some(n) => return (0..n).map(|i| number(decimal::between(a, b, i, n - 1))).collect(),
        None => {}
    }
    Vec::new()
}

/// Both ends and whole steps between them.
fn steps(node: &Node, a: f64, b: f64) -> Vec<Value> {
    let step = match node.get("step") {
        Some(step) => match step.number() {
            Some(x) if x > 0.0 => x,
            Some(_) => {
                step.error("a step must be above 0".to_owned(), "the ends say in which direction it goes");
                return Vec::new();
            }
            None => return Vec::new(),
        },
        None => 1.0,
    };
    let count = ((b - a).abs() / step * (1.0 + 1e-12)).floor();
    if count.is_nan() || count >= LONGEST as f64 {
        node.error(format!("at most {LONGEST} values in one axis"), "");
        return Vec::new();
    }
    let signed = if b < a { -step } else { step };
    (0..=count as u64).map(|i| number(decimal::add(a, decimal::multiply(signed, i as f64)))).collect()
}

/// Two numbers.
fn ends_of(node: &Node) -> Option<(f64, f64)> {
    let items = node.value.as_list().map(|_| node.items()).unwrap_or_default();
    match &*items {
        [a, b] => Some((a.number()?, b.number()?)),
        _ => {
            node.error(format!("expected both ends, `[first, last]`, found {}", node.found()), "");
            None
        }
    }
}

/// Equal ratios; rounded to 6 significant digits, ends exact. `libm` is the same on every machine.
fn log_between(a: f64, b: f64, i: u64, n: u64) -> f64 {
    match i {
        0 => a,
        i if i == n => b,
        i => {
            let (a, b) = (libm::log(a), libm::log(b));
            decimal::round(libm::exp(a + (b - a) * (i as f64 / n as f64)), 6)
        }
    }
}

/// A random axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Random {
    /// A number between two ends, or its logarithm, or a whole number.
    Between { low: f64, high: f64, log: bool, whole: bool },
    /// One of some values.
    Choice(Vec<Value>),
}

impl Random {
    /// Reads `{log_uniform: [a, b]}`; `None` if it is no random axis or a wrong one (reported).
    pub fn read(node: &Node) -> Option<Self> {
        let kind = RANDOM.into_iter().find(|kind| node.get(kind).is_some())?;
        node.check_keys(&[kind]);
        let ends = node.get(kind)?;
        if kind == "choice" {
            let items = ends.items();
            let values: Vec<Value> = items.iter().filter_map(Node::plain).collect();
            if values.is_empty() || values.len() < items.len() {
                ends.error("`choice` needs a list of single values".to_owned(), "`{choice: [adam, sgd]}`");
                return None;
            }
            return Some(Self::Choice(values));
        }
        let (low, high) = ends_of(&ends)?;
        if low > high {
            ends.error("the first end is the larger one".to_owned(), "write the smaller end first");
            return None;
        }
        if kind == "log_uniform" && low <= 0.0 {
            ends.error("the ends of `log_uniform` must be above 0".to_owned(), "they are values, not exponents");
            return None;
        }
        if kind == "int_uniform" && (low.fract() != 0.0 || high.fract() != 0.0) {
            ends.error(
                "the ends of `int_uniform` must be whole numbers".to_owned(),
                "`{int_uniform: [2, 9]}`: both ends count",
            );
            return None;
        }
        Some(Self::Between { low, high, log: kind == "log_uniform", whole: kind == "int_uniform" })
    }

    /// The draw of an index: a function of (`sample_seed`, name, index) alone.
    pub fn draw(&self, seed: u64, name: &str, index: u64, whole: bool) -> Value {
        let hash = blake3::hash(format!("sample\n{seed}\n{name}\n{index}").as_bytes());
        let bits = hash.as_bytes().iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let share = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        let (low, high, log, whole) = match self {
            Self::Choice(values) => {
                let place = (share * values.len() as f64) as usize;
                return values.get(place).cloned().unwrap_or(Value::Null).canonical();
            }
            Self::Between { low, high, log, whole: only_whole } => (*low, *high, *log, whole || *only_whole),
        };
        let x = if log {
            let (a, b) = (libm::log(low), libm::log(high));
            decimal::round(libm::exp(a + (b - a) * share), 6)
        } else if whole {
            (low.ceil() + share * (high.floor() - low.ceil() + 1.0)).floor()
        } else {
            decimal::round(low + (high - low) * share, 6)
        };
        let x = if whole { x.round() } else { x };
        number(x.clamp(low, high))
    }
}
