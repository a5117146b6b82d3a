//! What a build knows: where libtorch is, for an rpath of `tessera-lab` alone, so that the command line never links it;
//! and the version of the lab's sources, which every run of a built-in trainer keeps.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg-bin=tessera-lab=-Wl,-rpath,{folder}");
    }
    let sources = ["src/lab", "src/record"];
    sources.iter().for_each(|folder| println!("cargo::rerun-if-changed={folder}"));
    println!("cargo::rerun-if-env-changed=TESSERA_GIT");
    let commit = std::env::var("TESSERA_GIT").ok().filter(|commit| !commit.is_empty());
    let commit = commit.unwrap_or_else(|| format!("v{}", std::env::var("CARGO_PKG_VERSION").unwrap_or_default()));
    println!("cargo::rustc-env=TESSERA_LAB_VERSION={commit}-{:08x}", hash(&sources) >> 32);
}

/// What of the lab's sources executes no runs.
const BESIDE: [&str; 4] = ["tests", "tests.rs", "golden", "bench.rs"];

/// FNV-1a over the names and contents of the files of folders, in the order of their names.
fn hash(folders: &[&str]) -> u64 {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path: PathBuf = entry.path();
            if BESIDE.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let name = file.to_string_lossy().into_owned().into_bytes();
        for byte in name.into_iter().chain(std::fs::read(&file).unwrap_or_default()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}
