//! Names of past runs, and the parameters that the names hold.

use super::past_run::Old;
use crate::exchange::ExchangeError;
use crate::record::{Parameters, PlannedRun};
use regex::Regex;
use std::collections::BTreeMap;

/// `{method}/lr{learning_rate}`: how a run's path is made of parameters; `*` stands for anything within a name.
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Where it names a parameter twice.
    pub fn new(text: &str) -> Result<Self, ExchangeError> {
        let place = Regex::new(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}|\*")
            .map_err(|error| ExchangeError::request(error.to_string()))?;
        let text = text.trim_matches('/');
        let mut expression = String::from("^");
        let mut from = 0;
        for found in place.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            expression += &regex::escape(&text[from..whole.start()]);
            match found.get(1) {
                Some(name) => expression += &format!("(?P<{}>[^/]+?)", name.as_str().replace('.', "__dot__")),
                None => expression += "[^/]*?",
            }
            from = whole.end();
        }
        expression += &regex::escape(&text[from..]);
        expression.push('$');
        let compiled = Regex::new(&expression);
        compiled.map(Self).map_err(|_| ExchangeError::request(format!("`{text}` names a parameter twice")))
    }

    /// Whether a path is a run's.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }

    /// The shortest beginning of a path, whole names, that is a run's.
    pub fn run_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        ends.map(|end| &path[..end]).find(|beginning| self.matches(beginning))
    }

    /// The parameters that a run's path holds.
    pub fn values<'p>(&'p self, path: &'p str) -> impl Iterator<Item = (String, &'p str)> {
        let captures = self.0.captures(path);
        let names = self.0.capture_names().flatten();
        names.filter_map(move |name| Some((name.replace("__dot__", "."), captures.as_ref()?.name(name)?.as_str())))
    }
}

/// Runs with equal parameters and seed are told apart by their folder.
pub fn tell_apart(runs: &mut [PlannedRun], found: &[Old]) {
    let key = |run: &PlannedRun| format!("{:?} {}", run.parameters, run.seed);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    runs.iter().for_each(|run| *counts.entry(key(run)).or_default() += 1);
    if counts.values().any(|count| *count > 1) {
        for (run, old) in runs.iter_mut().zip(found) {
            run.parameters.entry("folder".to_owned()).or_insert_with(|| old.name.as_str().into());
        }
    }
}

/// Takes out what all runs share.
pub fn common(runs: &mut [PlannedRun]) -> Parameters {
    let Some((first, others)) = runs.split_first() else { return Parameters::new() };
    let shared = |(name, value): &(&String, &_)| others.iter().all(|run| run.parameters.get(*name) == Some(*value));
    let common: Parameters = first.parameters.iter().filter(shared).map(|(k, v)| (k.clone(), v.clone())).collect();
    runs.iter_mut().for_each(|run| run.parameters.retain(|name, _| !common.contains_key(name)));
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_parameters() {
        let pattern = Pattern::new("{method}/lr{learning_rate}_*s{seed}").unwrap();
        assert_eq!(pattern.run_of("gamma/lr0.1_x_s3/train/deep"), Some("gamma/lr0.1_x_s3"));
        assert_eq!(pattern.run_of("gamma"), None);
        let values: Vec<_> = pattern.values("gamma/lr1e-3_s3").collect();
        assert_eq!(values, [("method".into(), "gamma"), ("learning_rate".into(), "1e-3"), ("seed".into(), "3")]);
        assert_eq!(
            Pattern::new("{data.source}").unwrap().values("kyoto").next(),
            Some(("data.source".into(), "kyoto"))
        );
        assert!(Pattern::new("{a}/{a}").is_err());
    }
}
