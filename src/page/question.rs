//! What a request asks for: the keys of its query.

use super::PageError;
use crate::record::Value;
use crate::spec::{Filter, Reduce};
use serde::Deserialize;

/// The selection that all views of a sweep share, and what single views add.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Question {
    /// A metric; the spec's where not said.
    pub value: Option<String>,
    /// How a history becomes one number.
    pub reduce: Option<String>,
    /// JSON: `{"method": ["lagrange"]}`; a level is null where the parameter is inactive.
    #[serde(rename = "where")]
    pub filters: Option<String>,
    /// Axes down, apart by line breaks (a name may hold a comma).
    pub rows: Option<String>,
    /// Axes across.
    pub cols: Option<String>,
    /// The axis by which lines are coloured.
    pub color: Option<String>,
    /// The axis that has a panel a level.
    pub facet: Option<String>,
    /// `step` or `elapsed`.
    pub x: Option<String>,
    /// `mean` or `runs`.
    pub lines: Option<String>,
    /// The stretch of x that is shown.
    pub from: Option<f64>,
    /// Its end.
    pub to: Option<f64>,
    /// How many pixels wide a panel is.
    pub width: Option<usize>,
    /// One run alone.
    pub run: Option<String>,
    /// The axis to compare.
    pub by: Option<String>,
    /// The level that all others are compared with.
    pub baseline: Option<String>,
    /// What is newer than this number.
    pub after: Option<String>,
    /// Which attempt of a run.
    pub attempt: Option<u32>,
    /// From which byte of a log.
    pub offset: Option<u64>,
}

impl Question {
    /// The filters.
    pub fn filters(&self) -> Result<Vec<Filter>, PageError> {
        let Some(text) = self.filters.as_deref().filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
        let wrong = || PageError::Question("`where` is a map of names to lists of levels, in JSON".to_owned());
        let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(|_| wrong())?;
        let filter = |(name, levels): (String, serde_json::Value)| {
            let values = levels.as_array().ok_or_else(wrong)?.iter().map(|level| match level {
                serde_json::Value::Null => Ok(Value::Null),
                serde_json::Value::String(text) if text == "–" => Ok(Value::Null),
                serde_json::Value::String(text) => Ok(Value::Text(text.clone())),
                serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Ok(Value::Text(level.to_string())),
                _ => Err(wrong()),
            });
            Ok(Filter { name, values: values.collect::<Result<_, _>>()? })
        };
        map.into_iter().map(filter).collect()
    }

    /// The reduction.
    pub fn reduce(&self) -> Result<Option<Reduce>, PageError> {
        let parse = |text: &str| text.parse().map_err(|_| PageError::Question(format!("`{text}` is no reduction")));
        self.reduce.as_deref().filter(|text| !text.is_empty()).map(parse).transpose()
    }

    /// A key that is empty where nothing was chosen.
    pub fn chosen(key: &Option<String>) -> Option<&str> {
        key.as_deref().filter(|text| !text.is_empty())
    }

    /// Names apart by line breaks.
    pub fn names(key: &Option<String>) -> Vec<String> {
        let names = key.as_deref().unwrap_or_default().split('\n');
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}
