//! The help of all commands: the page in the docs is what the binary says, and every command has a man page.

use crate::support::{answered, tessera};
use std::path::Path;

fn manual(arguments: &[&str]) -> String {
    // Neither the terminal nor the surroundings change the page.
    let surroundings = [("COLUMNS", "40"), ("TESSERA_RESULTS", "/elsewhere")];
    answered(&tessera().arg("manual").args(arguments).envs(surroundings).output().unwrap())
}

#[test]
fn the_docs_have_the_help_of_every_command() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    assert!(std::fs::read_to_string(page).unwrap() == manual(&[]), "docs/cli.md is not up to date: `./just docs`");
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let written = manual(&["--man", folder.path().to_str().unwrap()]);
    let commands = manual(&[]).lines().filter(|line| line.starts_with("## tessera")).count();
    assert_eq!(written.lines().count(), commands);
    for path in written.lines() {
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{path}");
    }
}
