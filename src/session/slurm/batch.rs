//! Prepares runs for Slurm: packs them into tasks, cuts tasks into arrays, and writes a script for each array.

use crate::error::Error;
use crate::record::Layout;
use crate::slurm::array;
use crate::slurm::array::Packing;
use crate::slurm::nodes;
use crate::slurm::script::Script;
use crate::spec::Sweep;
use crate::store;
use std::path::{Path, PathBuf};

/// Runs as they are handed to Slurm.
pub struct Batch<'a, T> {
    /// How they were packed.
    pub packing: Packing,
    /// The tasks of each array.
    pub arrays: Vec<Vec<Vec<T>>>,
    /// Nodes that are left out, and how many runs failed on each in a row.
    pub left_out: Vec<(String, u32)>,
    sweep: &'a Sweep,
    results: PathBuf,
    program: PathBuf,
    /// Whether the cluster has arrays.
    arrayed: bool,
}

impl<'a, T: Clone> Batch<'a, T> {
    /// These runs, by what is stored of the sweep. `max_array_size` is the cluster's.
    ///
    /// # Errors
    /// Where a journal cannot be read, or this program is not found.
    pub fn of(
        runs: &[T],
        sweep: &'a Sweep,
        results: &Path,
        stored: Option<&store::Sweep>,
        max_array_size: usize,
    ) -> Result<Self, Error> {
        let given = sweep.slurm.run_time.map(|time| time.as_secs_f64());
        let packing = array::pack(runs.len(), &sweep.slurm, &sweep.resources, given.or_else(|| measured(stored)));
        let found = |error: std::io::Error| Error::failure(format!("cannot find this program: {error}"));
        Ok(Self {
            arrays: array::arrays(array::tasks(runs, packing.runs_per_task), max_array_size),
            packing,
            left_out: left_out(sweep, stored)?,
            sweep,
            results: std::path::absolute(results).map_err(found)?,
            program: std::env::current_exe().map_err(found)?,
            arrayed: max_array_size > 1,
        })
    }

    /// Where scripts and logs of the sweep's tasks lie.
    pub fn folder(&self) -> PathBuf {
        Layout::new(&self.results, &self.sweep.name).submissions()
    }

    /// The script of an array of so many tasks.
    pub fn script(&self, name: &str, tasks: usize) -> String {
        let exclude: Vec<String> = self.left_out.iter().map(|(node, _)| node.clone()).collect();
        let script = Script {
            name,
            sweep: &self.sweep.name,
            tasks: self.arrayed.then_some(tasks),
            throttle: array::throttle(self.sweep.slurm.array_limit, self.arrays.len()),
            slurm: &self.sweep.slurm,
            resources: &self.sweep.resources,
            exclude: &exclude,
            logs: &self.folder(),
            program: &self.program,
            results: &self.results,
        };
        script.text()
    }
}

/// The median of how long runs of a sweep took.
fn measured(stored: Option<&store::Sweep>) -> Option<f64> {
    let states = stored?.states().iter().filter(|state| state.status.is_done());
    let mut seconds: Vec<f64> = states.filter_map(|state| state.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

/// Nodes on which run after run of the sweep failed.
fn left_out(sweep: &Sweep, stored: Option<&store::Sweep>) -> Result<Vec<(String, u32)>, Error> {
    let ends = stored.map(store::Sweep::ends).transpose()?.unwrap_or_default();
    let by_node = ends.iter().filter_map(|end| {
        let task = end.provenance.task.as_ref()?;
        Some((task.node.as_str(), end.failure.is_some()))
    });
    Ok(nodes::failing(by_node, sweep.slurm.exclude_after))
}
