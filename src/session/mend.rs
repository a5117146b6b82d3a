//! Repairs a sweep's files while nobody executes it.

use super::error::outside;
use super::recovery::claim;
use super::slurm::{Tasks, was_submitted};
use crate::error::Error;
use crate::record::Layout;
use crate::slurm::cluster::Cluster;
use crate::store::{Repaired, Sweep};
use std::path::Path;

/// Sets a sweep's damaged files aside, and makes the runs void that lost rows.
///
/// # Errors
/// Where there is no such sweep, somebody executes it, or a file cannot be read or written.
pub fn mend(results: &Path, name: &str) -> Result<Repaired, Error> {
    // A name that is no sweep's must not make a folder.
    drop(Sweep::open_readable(results, name)?);
    let layout = Layout::absolute(results, name).map_err(outside)?;
    let _claim = claim(&layout, name, false)?;
    if was_submitted(&layout) {
        let tasks = Tasks::look(&layout, &Cluster::default())?;
        if tasks.is_busy() {
            return Err(Error::failure(format!("`{name}` is executed on Slurm: {}", tasks.words()))
                .with_help(format!("`tessera stop {name}` cancels it")));
        }
    }
    Ok(Sweep::repair(results, name)?)
}
