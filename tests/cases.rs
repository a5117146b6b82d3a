//! Inputs on which Tessera was wrong, each a folder in `tests/cases`: a spec, a stand-in for a trainer, and `try.sh`, which
//! runs the binary and checks what it stored, drew or said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn inputs_on_which_tessera_was_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() > 50, "the cases were not found");
    let binaries = Path::new(env!("CARGO_BIN_EXE_tessera")).parent().unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = Command::new("bash")
                .arg(case.join("try.sh"))
                .arg(binaries)
                // What other tesseras of this machine hold does not matter here.
                .env("TESSERA_RESERVATIONS", "")
                .output()
                .unwrap();
            if !output.status.success() {
                let name = case.file_name().unwrap().to_string_lossy();
                let said = String::from_utf8_lossy(&output.stdout);
                wrong.lock().unwrap().push(format!("{name}:\n{said}"));
            }
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(work)));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
