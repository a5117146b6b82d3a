//! What probes measured. Below `probes/<what>/` lies a sweep of its own, with journal, segments and parts like any other:
//! its runs are measurements on stored checkpoints, with the parameters and the seed of the run that was measured. The
//! steps of its history are batches: a row says what so many of them say.

use super::{RunState, Status, StoreError, Sweep, files, sweeps};
use crate::record::{Fact, Probed, RunId};
use polars::prelude::*;
use std::collections::HashMap;

/// The measurements of one kind on the checkpoints of a sweep.
pub struct Probes {
    /// The measurements.
    pub sweep: Sweep,
    of: HashMap<RunId, Probed>,
}

impl Probes {
    /// What was measured where.
    pub fn of(&self, probe: &RunId) -> Option<&Probed> {
        self.of.get(probe)
    }

    /// The newest measurement of each run that has one: one asked for last if there is, at its latest checkpoint, over most
    /// batches.
    pub fn newest_of(&self, runs: &[&RunState]) -> Vec<&RunState> {
        let mut newest: HashMap<&RunId, (&Probed, &RunState)> = HashMap::new();
        let rank = |(probed, state): &(&Probed, &RunState)| (state.current, probed.step, probed.batches);
        for state in self.sweep.states().iter().filter(|state| state.status == Status::Finished) {
            let Some(probed) = self.of(&state.run) else { continue };
            let found = (probed, state);
            let entry = newest.entry(&probed.run).or_insert(found);
            if rank(&found) > rank(entry) {
                *entry = found;
            }
        }
        let of =
            |run: &&RunState| newest.get(&run.run).filter(|(probed, _)| is_of(run, probed)).map(|(_, state)| *state);
        runs.iter().filter_map(of).collect()
    }

    /// `covariance`, `rates`, `gradient`, `kl`.
    pub fn what(&self) -> &str {
        self.sweep.name()
    }
}

impl Sweep {
    /// The measurements of one kind; `None` where there never was one.
    ///
    /// # Errors
    /// Where a journal cannot be read.
    pub fn probes(&self, what: &str) -> Result<Option<Probes>, StoreError> {
        let opened = match self.skip_damaged {
            true => Self::open_readable(&self.layout.probes(), what),
            false => Self::open(&self.layout.probes(), what),
        };
        let sweep = match opened {
            Err(StoreError::NoSweep { .. }) => return Ok(None),
            opened => opened?,
        };
        let mut of = HashMap::new();
        for path in files::list(&sweep.layout.journals(), ".jsonl")? {
            sweep.read_journal(&path, |fact| {
                if let Fact::Probe { probe, of: probed, .. } = fact {
                    of.insert(probe, probed);
                }
            })?;
        }
        Ok(Some(Probes { sweep, of }))
    }

    /// All kinds of measurements that there are.
    ///
    /// # Errors
    /// Where a folder cannot be listed or a journal cannot be read.
    pub fn all_probes(&self) -> Result<Vec<Probes>, StoreError> {
        let kinds = sweeps(&self.layout.probes())?;
        kinds.iter().filter_map(|what| self.probes(what).transpose()).collect()
    }

    /// Whether a checkpoint is one that the run has now, rather than one of an execution that was done again.
    fn has(&self, probed: &Probed) -> bool {
        self.state(&probed.run).is_some_and(|run| run.current && is_of(run, probed))
    }
}

fn is_of(run: &RunState, probed: &Probed) -> bool {
    run.checkpoints.iter().any(|own| (own.attempt, own.step) == (probed.attempt, probed.step))
}

/// What probes of several sweeps measured, as one table: `history` by `sweep`, `probe` (its kind), `run`, `attempt` and
/// `step` of the checkpoint, `current`, `asked` (batches in all), `batches` (that the row is about), `elapsed` and one
/// column a metric; `arrays` by the same, then `name`, `shape`, `values`. In no order.
///
/// # Errors
/// Where a file cannot be read.
pub fn probes_of_all(sweeps: &[Sweep], table: &str) -> Result<LazyFrame, StoreError> {
    let mut all: Vec<(&Sweep, Probes)> = Vec::new();
    for sweep in sweeps {
        all.extend(sweep.all_probes()?.into_iter().map(|probes| (sweep, probes)));
    }
    let rows = super::rows_of_all(all.iter().map(|(_, probes)| &probes.sweep), table)?;
    named(&all, rows, table).map_err(|error| StoreError::Query(format!("the tables of probes do not agree: {error}")))
}

/// The rows under names that say which checkpoint of which run they are of.
fn named(all: &[(&Sweep, Probes)], mut rows: LazyFrame, table: &str) -> PolarsResult<LazyFrame> {
    let keys = ["sweep", "run", "attempt", "step"];
    let schema = rows.collect_schema()?;
    let own: Vec<Expr> = schema.iter_names().filter(|n| !keys.contains(&n.as_str())).map(|n| col(n.clone())).collect();
    let of = |place: usize| all[place].1.of.iter().map(move |(id, of)| (place, id, of));
    let of: Vec<(usize, &RunId, &Probed)> = (0..all.len()).flat_map(of).collect();
    let text = |name: &str, value: &dyn Fn(&(usize, &RunId, &Probed)) -> String| {
        Column::new(name.into(), of.iter().map(value).collect::<Vec<_>>())
    };
    let mapping = DataFrame::new_infer_height(vec![
        text("id", &|(_, id, _)| id.to_string()),
        text("sweep", &|(place, ..)| all[*place].0.name.clone()),
        text("probe", &|(place, ..)| all[*place].1.what().to_owned()),
        text("run", &|(.., of)| of.run.to_string()),
        Column::new("attempt".into(), of.iter().map(|(.., of)| of.attempt).collect::<Vec<_>>()),
        Column::new("step".into(), of.iter().map(|(.., of)| of.step).collect::<Vec<_>>()),
        Column::new("current".into(), of.iter().map(|(place, _, of)| all[*place].0.has(of)).collect::<Vec<_>>()),
        Column::new("asked".into(), of.iter().map(|(.., of)| of.batches).collect::<Vec<_>>()),
    ])?;
    let rows = rows.rename(["run", "step"], ["id", "batches"], true).drop(cols(["sweep", "attempt"]));
    let first = ["sweep", "probe", "run", "attempt", "step", "current", "asked"].map(col);
    // Arrays come at the step of the checkpoint.
    let batches = (table != "arrays").then(|| col("batches"));
    let columns: Vec<Expr> = first.into_iter().chain(batches).chain(own).collect();
    Ok(rows.join(mapping.lazy(), [col("id")], [col("id")], JoinArgs::new(JoinType::Inner)).select(columns))
}
