//! The package: the command line without libtorch, help at once.

use object::read::elf::{Dyn, ElfFile64, FileHeader};
use std::process::Command;

/// Libraries that a program asks the loader for (`DT_NEEDED`).
fn needed(program: &str) -> Vec<String> {
    let bytes = std::fs::read(program).unwrap();
    let file = ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
    let (endian, header) = (file.endian(), file.elf_header());
    let sections = header.sections(endian, &*bytes).unwrap();
    let (entries, strings) = sections.dynamic(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let entries = entries.iter().filter(|entry| entry.tag32(endian) == Some(object::elf::DT_NEEDED));
    entries.map(|entry| String::from_utf8_lossy(entry.string(endian, strings).unwrap()).into_owned()).collect()
}

#[test]
fn the_command_line_does_not_need_libtorch() {
    let libraries = needed(env!("CARGO_BIN_EXE_tessera"));
    assert!(libraries.iter().any(|name| name.starts_with("libc.")), "{libraries:?}");
    assert!(!libraries.iter().any(|name| name.contains("torch") || name.contains("c10")), "{libraries:?}");
}

#[test]
fn help_names_the_exit_codes() {
    let output = Command::new(env!("CARGO_BIN_EXE_tessera")).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("Exit codes:"), "{text}");
}
