//! Finds the trainer of a sweep, the program that executes its runs, and tells its version.

use crate::agent::{Trainer, find_lab};
use crate::error::Error;
use crate::spec::{self, Sweep};
use std::path::Path;
use std::sync::Arc;

/// The trainer's program, looked for before anything is written.
///
/// # Errors
/// Where there is none, or the files under `code:` cannot be read.
pub fn trainer(sweep: &Sweep) -> Result<Trainer, Error> {
    let name = sweep.trainer.name().to_owned();
    match &sweep.trainer {
        spec::Trainer::Command(command) => Ok(Trainer::Command {
            command: Arc::new((**command).clone()),
            folder: sweep.folder.clone(),
            version: version(sweep)?,
        }),
        spec::Trainer::Imported => Err(nobody(sweep)),
        spec::Trainer::Retina | spec::Trainer::Toy => {
            let program = find_lab().ok_or_else(|| {
                Error::failure("the program of the built-in trainers, tessera-lab, is nowhere to be found")
                    .with_help("`./just build` builds it; TESSERA_LAB names one elsewhere")
            })?;
            Ok(Trainer::Lab { name, program })
        }
    }
}

fn nobody(sweep: &Sweep) -> Error {
    Error::usage(format!("the runs of `{}` were imported: there is nothing to execute", sweep.name))
        .with_help(format!("`tessera figures {}` and `tessera report` show them", sweep.name))
}

/// The trainer's version as its runs keep it: of a command the hash of the files under `code:` (empty without), of a
/// built-in trainer that of the sources that this program was built with.
///
/// # Errors
/// Where the files under `code:` cannot be read.
pub fn version(sweep: &Sweep) -> Result<String, Error> {
    match &sweep.trainer {
        spec::Trainer::Command(command) => crate::agent::command::version(&command.code, &sweep.folder)
            .map_err(|error| Error::failure(format!("cannot read the files under `code:`: {error}"))),
        spec::Trainer::Imported => Err(nobody(sweep)),
        spec::Trainer::Retina | spec::Trainer::Toy => Ok(env!("TESSERA_LAB_VERSION").to_owned()),
    }
}

/// The commit of the repository that the spec is in, with `-dirty` where its tree has changes; empty where none is.
pub fn commit(folder: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if changed { format!("{commit}-dirty") } else { commit }
}
