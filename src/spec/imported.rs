//! The spec of a sweep whose runs were imported: nothing executes it; tables, figures and reports read it as any other.

use super::{Kind, Metric};
use serde_json::json;
use std::collections::BTreeMap;

/// What is known of past runs.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The sweep's name.
    pub sweep: String,
    /// One line: where they came from.
    pub about: String,
    /// The metric that runs are judged by.
    pub metric: Option<Metric>,
    /// What parameters the runs have.
    pub parameters: BTreeMap<String, Kind>,
    /// Metrics that are drawn by step, a figure each.
    pub curves: Vec<String>,
}

impl Imported {
    /// The spec as YAML, and the 16 hex digits that name it. It is written as JSON's texts and maps, which YAML reads:
    /// names may hold any character.
    pub fn spec(&self) -> (String, String) {
        let mut lines = vec![
            format!("sweep: {}", json!(self.sweep)),
            format!("about: {}", json!(self.about)),
            "trainer: imported".to_owned(),
        ];
        if let Some(metric) = &self.metric {
            let goal = if metric.maximize { "max" } else { "min" };
            let reduce = metric.reduce.to_string();
            lines.push(format!("metric: {}", json!({"name": metric.name, "goal": goal, "reduce": reduce})));
        }
        if !self.parameters.is_empty() {
            lines.push("parameters:".to_owned());
            lines.extend(self.parameters.iter().map(|(name, kind)| {
                let kind = match kind {
                    Kind::Integer => "integer",
                    Kind::Number => "number",
                    Kind::Boolean => "boolean",
                    Kind::List => "list",
                    Kind::Choice | Kind::Text | Kind::Path => "text",
                };
                format!("  {}: {}", json!(name), json!({"kind": kind}))
            }));
        }
        if !self.curves.is_empty() {
            lines.push("figures:".to_owned());
            lines.extend(self.curves.iter().map(|name| format!("  - {}", json!({"kind": "curve", "y": name}))));
        }
        let text = lines.join("\n") + "\n";
        let hash = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        (text, hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Document, Reduce, Trainer, read};

    #[test]
    fn it_reads_as_a_sweep_that_nothing_executes() {
        let imported = Imported {
            sweep: "old".to_owned(),
            about: "imported: \"runs\" of #1".to_owned(),
            metric: Some(Metric { name: "terms/KL".to_owned(), maximize: false, reduce: Reduce::MeanLast(0.05) }),
            parameters: [("lr".to_owned(), Kind::Number), ("data.source: x".to_owned(), Kind::Text)].into(),
            curves: vec!["terms/KL".to_owned(), "a: b".to_owned()],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.yaml");
        std::fs::write(&path, imported.spec().0).unwrap();
        let (Document::Sweep(sweep), warnings) = read(&path, &[]).unwrap() else { panic!("no sweep") };
        assert!(warnings.0.is_empty());
        assert!(matches!(sweep.trainer, Trainer::Imported));
        assert_eq!((sweep.name, sweep.about, sweep.metric), (imported.sweep, imported.about, imported.metric));
        let names: Vec<&str> = sweep.description.parameters.iter().map(|p| &*p.name).collect();
        assert_eq!(names, ["data.source: x", "lr"]);
        assert_eq!(sweep.figures.iter().map(|f| f.y.join("")).collect::<Vec<_>>(), imported.curves);
    }
}
