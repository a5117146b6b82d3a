//! The pages on the command line are those that the commands write today.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The text of each file below a folder, by its path there.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_pages_on_the_command_line_are_current() {
    let written = tempfile::tempdir().unwrap();
    // What the environment says is no default of the command line.
    let mut tessera = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let output = tessera.arg("docs").arg(written.path()).env("TESSERA_RESULTS", "elsewhere").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let (page, of_today) = (docs.join("cli.md"), written.path().join("cli.md"));
    assert!(
        std::fs::read_to_string(page).unwrap() == std::fs::read_to_string(of_today).unwrap(),
        "docs/cli.md is old: `./just docs` writes it anew"
    );
    let (kept, now) = (texts(&docs.join("man")), texts(&written.path().join("man")));
    assert!(kept.len() > 20, "the man pages were not found");
    let old: Vec<&String> = kept.keys().chain(now.keys()).filter(|name| kept.get(*name) != now.get(*name)).collect();
    assert!(old.is_empty(), "docs/man has old pages, `./just docs` writes them anew: {old:?}");
}

#[test]
fn the_page_on_the_architecture_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let named: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| name.ends_with(".rs") && name.contains('/'))
        .map(str::to_owned)
        .collect();
    assert!(named.len() > 20, "the tables were not found");
    let lost: Vec<&String> = named.iter().filter(|name| !root.join("src").join(name).is_file()).collect();
    assert!(lost.is_empty(), "docs/architecture.md names files that are not there: {lost:?}");
    let long: Vec<&str> = page.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(long.is_empty(), "lines of more than 100 characters in docs/architecture.md: {long:#?}");
}
