//! What follows the last run of a session: parts from segments, the table of runs, figures.

use crate::error::Error;
use crate::store::{StoreError, Sweep};
use std::path::Path;

/// Brings a sweep's tables up to date.
///
/// # Errors
/// Where a file cannot be read or written.
pub(super) fn finish(results: &Path, name: &str) -> Result<(), Error> {
    match Sweep::open(results, name)?.compact() {
        // Whoever compacts it now does the same.
        Ok(_) | Err(StoreError::Busy(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
