//! Looks things up in a stored sweep: its spec, runs by the beginning of their ids, whether somebody executes it.

use crate::error::Error;
use crate::presence::claim::{AGENT, holder};
use crate::record::RunId;
use crate::spec::{Document, Sweep as Spec, read};
use crate::store::Sweep;

/// The spec that the newest plan of a sweep was made from.
pub fn stored_spec(sweep: &Sweep) -> Result<Spec, Error> {
    let Some(planned) = sweep.planned() else {
        return Err(Error::usage(format!("`{}` was never run", sweep.name())).with_help("`tessera run SPEC` runs it"));
    };
    Ok(*spec_of(sweep, &planned.spec)?)
}

/// The version of a sweep's spec that has this hash.
pub fn spec_of(sweep: &Sweep, hash: &str) -> Result<Box<Spec>, Error> {
    let path = sweep.layout().spec(hash);
    match read(&path, &[])?.0 {
        Document::Sweep(spec) => Ok(spec),
        Document::Report(_) => Err(Error::failure(format!("{} holds a report, not a sweep", path.display()))),
    }
}

/// The runs whose ids begin so.
pub fn find(sweep: &Sweep, prefixes: &[String]) -> Result<Vec<RunId>, Error> {
    prefixes.iter().map(|prefix| Ok(sweep.find(prefix)?.run.clone())).collect()
}

/// Whether a process that may be alive executes the sweep.
pub fn executed(sweep: &Sweep) -> bool {
    holder(&sweep.layout().claims().join(AGENT)).is_some_and(|holder| holder.is_alive() != Some(false))
}
