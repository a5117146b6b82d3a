//! What probes measured, by the axes of the sweep: means with their intervals over seeds, one column a number of batches.

use super::axes::{axes, level};
use super::grid::{Cell, Grid};
use super::number::significant;
use super::pivot::PivotCell;
use super::{AnalyseError, Format};
use crate::record::RunId;
use crate::store::{Probes, Status};
use indexmap::IndexSet;
use std::collections::{BTreeSet, HashMap};

/// What one kind of probe measured.
#[derive(Clone, Debug)]
pub struct Measured {
    what: String,
    axes: Vec<String>,
    metrics: IndexSet<String>,
    /// One level an axis, in the order of the plan.
    cells: IndexSet<Vec<String>>,
    batches: BTreeSet<u64>,
    /// By metric, cell and batches.
    values: HashMap<(usize, usize, u64), PivotCell>,
}

impl Measured {
    /// The measurements asked for, by the axes on which they differ.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn of(probes: &Probes, asked: &[RunId]) -> Result<Self, AnalyseError> {
        let states: Vec<_> = asked.iter().filter_map(|id| probes.sweep.state(id)).collect();
        let axes: Vec<String> = axes(states.iter().copied()).into_keys().collect();
        let mut measured = Self {
            what: probes.what().to_owned(),
            axes,
            metrics: IndexSet::new(),
            cells: IndexSet::new(),
            batches: BTreeSet::new(),
            values: HashMap::new(),
        };
        let mut without = Vec::new();
        let mut histories = probes.sweep.histories()?;
        for state in states {
            let levels = measured.axes.iter().map(|axis| level(state, axis)).collect();
            let cell = measured.cells.insert_full(levels).0;
            if state.status != Status::Finished {
                without.push((cell, state.status));
                continue;
            }
            for row in histories.of(state)? {
                measured.batches.insert(row.step);
                // One set of batches has no spread.
                for (name, value) in row.metrics.into_iter().filter(|(_, value)| !value.is_nan()) {
                    let metric = measured.metrics.insert_full(name).0;
                    measured.values.entry((metric, cell, row.step)).or_default().values.push(value);
                }
            }
        }
        for (cell, status) in without {
            for metric in 0..measured.metrics.len() {
                for &batches in &measured.batches {
                    let entry = measured.values.entry((metric, cell, batches)).or_default();
                    if status == Status::Failed { entry.failed += 1 } else { entry.missing += 1 }
                }
            }
        }
        Ok(measured)
    }

    /// As a table: for people one line a quantity and cell and one column a number of batches, else one line a number.
    pub fn grid(&self, format: Format) -> Grid {
        if format.is_for_people() { self.wide() } else { self.long() }
    }

    fn lines(&self) -> impl Iterator<Item = (usize, usize, Vec<Cell>)> {
        self.metrics.iter().enumerate().flat_map(|(metric, name)| {
            self.cells.iter().enumerate().map(move |(cell, levels)| {
                let words = std::iter::once(name).chain(levels).map(|word| Cell::Text(word.clone()));
                (metric, cell, words.collect())
            })
        })
    }

    fn wide(&self) -> Grid {
        let unit = |batches: &u64| if *batches == 1 { "1 batch".to_owned() } else { format!("{batches} batches") };
        let first = std::iter::once("quantity".to_owned()).chain(self.axes.iter().cloned());
        let header = first.chain(self.batches.iter().map(unit)).collect();
        let rows = self.lines().map(|(metric, cell, mut line)| {
            line.extend(self.batches.iter().map(|&batches| {
                let found = self.values.get(&(metric, cell, batches));
                Cell::Text(found.map_or_else(|| "–".to_owned(), PivotCell::words))
            }));
            line
        });
        Grid { header, rows: rows.collect() }
    }

    fn long(&self) -> Grid {
        let first = std::iter::once("quantity".to_owned()).chain(self.axes.iter().cloned());
        let numbers = ["batches", "mean", "low", "high", "n", "failed", "missing"].map(str::to_owned);
        let mut rows = Vec::new();
        for (metric, cell, line) in self.lines() {
            for &batches in &self.batches {
                let Some(found) = self.values.get(&(metric, cell, batches)) else { continue };
                let interval = found.interval();
                let end = |x: Option<f64>| x.filter(|x| !x.is_nan()).map_or(Cell::Missing, Cell::from);
                let mut line = line.clone();
                line.extend([
                    Cell::from(batches as usize),
                    interval.map(|interval| interval.mean).into(),
                    end(interval.map(|interval| interval.low)),
                    end(interval.map(|interval| interval.high)),
                    found.values.len().into(),
                    found.failed.into(),
                    found.missing.into(),
                ]);
                rows.push(line);
            }
        }
        Grid { header: first.chain(numbers).collect(), rows }
    }

    /// What the covariance says to the two questions that it is measured for; nothing of other probes.
    pub fn answers(&self) -> Vec<String> {
        let Some(all) = self.batches.last().copied().filter(|_| self.what == "covariance") else { return Vec::new() };
        let share = |metric: &str, batches: u64| self.range(metric, batches).unwrap_or_else(|| "–".to_owned());
        vec![
            format!(
                "diagonal without G? Off the diagonal lie {} of the energy of WᵀCW (exact); with G, {} of that of C_z and \
                 {} of C_zx",
                share("wcxw_off_diagonal", all),
                share("c_z_off_diagonal", all),
                share("c_zx_off_diagonal", all)
            ),
            format!(
                "one batch too noisy? C_z of single batches spreads by {} around its mean; {} of its energy lie off the \
                 diagonal by one batch, {} by {all}",
                share("c_z_spread", 1),
                share("c_z_off_diagonal", 1),
                share("c_z_off_diagonal", all)
            ),
            format!(
                "if \"one batch\" meant the sample covariance of z over its images: it spreads by {}; {} by one batch, {} by \
                 {all}",
                share("z_spread", 1),
                share("z_off_diagonal", 1),
                share("z_off_diagonal", all)
            ),
        ]
    }

    /// The smallest and the largest mean of a cell, in percent.
    fn range(&self, metric: &str, batches: u64) -> Option<String> {
        let metric = self.metrics.get_index_of(metric)?;
        let of = |cell| self.values.get(&(metric, cell, batches))?.interval().map(|interval| interval.mean * 100.0);
        let means: Vec<f64> = (0..self.cells.len()).filter_map(of).collect();
        let ends = [f64::min, f64::max].map(|f| means.iter().copied().reduce(f));
        let [low, high] = [ends[0]?, ends[1]?].map(|x| significant(x, 3));
        Some(if low == high { format!("{low}%") } else { format!("{low}% to {high}%") })
    }
}
