//! What tests share: the binary, folders, sweeps written as an agent writes them, small stored sweeps for pictures.

pub mod stage;
pub mod stored;

use std::path::Path;
use std::process::{Command, Output};

/// The command line, free of what the surroundings of the tests say of results and of GPUs in use.
pub fn tessera() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.env_remove("TESSERA_RESULTS").env("TESSERA_RESERVATIONS", "");
    command
}

/// What a command says on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command answers on standard output; it must have ended well.
pub fn answered(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A copy of a folder: what is read is written to by compaction.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            std::fs::copy(&path, &place).unwrap();
        }
    }
}
