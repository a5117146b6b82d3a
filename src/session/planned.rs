//! Reads a sweep's file and expands it. `run` and `plan` begin with it.

use crate::error::{Error, render_problems};
use crate::plan::{Plan, expand};
use crate::record::{fingerprint, layout};
use crate::spec::{self, Document, Problems, Sweep, Trainer};
use std::io::IsTerminal;
use std::path::Path;

/// Reads a sweep's file with `--set` arguments and expands it; warnings go to standard error. Fingerprints of data are
/// cached below `results`.
pub fn planned(path: &Path, sets: &[String], results: &Path) -> Result<(Box<Sweep>, Plan), Error> {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (document, warnings) = spec::read(path, sets)?;
    eprint!("{}", render_problems(&warnings, color));
    let Document::Sweep(sweep) = document else {
        let message = format!("{} is a report, not a sweep", path.display());
        return Err(Error::usage(message).with_help(format!("tessera report {}", path.display())));
    };
    if matches!(sweep.trainer, Trainer::Imported) {
        let message = format!("the runs of `{}` were imported: there is nothing to execute", sweep.name);
        return Err(Error::usage(message).with_help(format!("`tessera report {}` shows them", path.display())));
    }
    let cache = layout::cache(results);
    let plan = expand(&sweep, &|data| fingerprint(data, Some(&cache)).map_err(|error| error.to_string()))?;
    eprint!("{}", render_problems(&Problems(plan.problems.clone()), color));
    Ok((sweep, plan))
}
