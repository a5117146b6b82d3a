//! What a value asks for: its sweep, metric, reduction and which runs, from the arguments of a call.

use super::mistake::{of_answer, wrong};
use super::sources::Sources;
use crate::analyse::{AnalyseError, select};
use crate::record::Value as Level;
use crate::spec::{Filter, Reduce};
use crate::store::{Probes, RunState, Scope, Sweep};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, State};
use std::sync::Arc;

/// What a value asks for.
pub(super) struct Asked {
    pub sources: Arc<Sources>,
    /// Of the sweep.
    pub place: usize,
    pub value: String,
    pub reduce: Reduce,
    pub filters: Vec<Filter>,
    probes: Option<Arc<Probes>>,
}

impl Asked {
    /// Reads the arguments of a call; what is not named in `own` is the name of a parameter.
    pub fn read(
        sources: &Arc<Sources>,
        state: &State,
        metric: Option<String>,
        kwargs: &Kwargs,
        own: &[&str],
    ) -> Result<Self, Error> {
        let text = |name: &str| -> Result<Option<String>, Error> {
            if kwargs.has(name) { kwargs.peek::<String>(name).map(Some) } else { Ok(None) }
        };
        let named = text("sweep")?;
        let default = || state.lookup("sweep").and_then(|sweep| sweep.as_str().map(str::to_owned));
        let Some(sweep) = named.or_else(default) else {
            let known: Vec<&str> = sources.specs.iter().map(|spec| &*spec.name).collect();
            let first = known.first().copied().unwrap_or_default();
            return Err(wrong(
                format!("of which sweep? Known here: {}", known.join(", ")),
                format!("say it, as in `sweep='{first}'`, or give the section its `sweep`"),
            ));
        };
        let place = sources.place(&sweep)?;
        let judged = sources.specs[place].metric.as_ref();
        let value = match (metric, judged) {
            (Some(metric), _) => metric,
            (None, Some(judged)) => judged.name.clone(),
            (None, None) => {
                return Err(wrong(format!("of which metric? `{sweep}` names none"), "say it first: `mean('loss')`"));
            }
        };
        let probes = text("probe")?.map(|what| sources.probes(place, &what)).transpose()?;
        let reduce = match text("reduce")? {
            Some(words) => words.parse().map_err(|error: crate::spec::NoReduce| {
                wrong(format!("`{words}` is no reduction"), error.to_string())
            })?,
            None if probes.is_some() => match kwargs.has("batches") {
                true => Reduce::At(kwargs.peek::<u64>("batches")?),
                false => Reduce::Last,
            },
            None => judged.map_or(Reduce::Last, |judged| judged.reduce),
        };
        let further = ["sweep", "reduce", "where", "probe", "batches"];
        let mut filters = Vec::new();
        let mut add = |name: &str, value: &Value| -> Result<(), Error> {
            filters.push(Filter { name: name.to_owned(), values: levels(name, value)? });
            Ok(())
        };
        for name in kwargs.args().filter(|name| !further.contains(name) && !own.contains(name)) {
            add(name, &kwargs.peek::<Value>(name)?)?;
        }
        if kwargs.has("where") {
            let map: Value = kwargs.peek("where")?;
            if map.kind() != ValueKind::Map {
                return Err(wrong("`where` is a map", "like `where={'data.source': 'kyoto'}`"));
            }
            for name in map.try_iter()? {
                add(&name.to_string(), &map.get_item(&name)?)?;
            }
        }
        Ok(Self { sources: sources.clone(), place, value, reduce, filters, probes })
    }

    /// The store that the numbers lie in: the sweep's, or what was probed on it.
    pub fn sweep(&self) -> &Sweep {
        self.probes.as_ref().map_or(&self.sources.sweeps[self.place], |probes| &probes.sweep)
    }

    /// The runs, at least one.
    pub fn runs(&self) -> Result<Vec<&RunState>, Error> {
        let own = &self.sources.sweeps[self.place];
        let all = own.scoped(&Scope::Current).map_err(|error| of_answer(AnalyseError::Store(error)))?;
        let all = match &self.probes {
            Some(probes) => probes.newest_of(&all),
            None => all,
        };
        select(own.name(), all, &self.filters).map_err(of_answer)
    }

    /// The unit of the metric, as the trainer says it.
    pub fn unit(&self) -> String {
        let description = &self.sources.specs[self.place].description;
        let probed = description.probes.iter().flat_map(|probe| &probe.metrics);
        let quantities = description.metrics.iter().chain(probed);
        match &*self.value {
            "seconds" => "s".to_owned(),
            "peak_memory_mib" => "MiB".to_owned(),
            name => quantities.filter(|q| q.name == name).map(|q| q.unit.clone()).next().unwrap_or_default(),
        }
    }
}

/// One level or a list of them.
fn levels(name: &str, value: &Value) -> Result<Vec<Level>, Error> {
    let one = |value: &Value| match value.kind() {
        ValueKind::None => Ok(Level::Null),
        ValueKind::Bool => Ok(Level::Bool(value.is_true())),
        ValueKind::Number => {
            let number = || Ok(Level::Number(f64::try_from(value.clone())?).canonical());
            i64::try_from(value.clone()).map(Level::Integer).or_else(|_| number())
        }
        ValueKind::String => Ok(Level::Text(value.to_string())),
        _ => Err(wrong(format!("`{name}` is no level: {value}"), "a level is a text, a number, true, false or none")),
    };
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.map(|item| one(&item)).collect(),
        _ => Ok(vec![one(value)?]),
    }
}
