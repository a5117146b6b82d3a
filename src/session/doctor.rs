//! Checks what runs need from this machine: GPUs, libtorch, the results folder, Slurm. Ends what killed agents left
//! behind.

use super::recovery::end_orphans;
use crate::agent::find_lab;
use crate::device::gpus;
use crate::record::{Answer, PROTOCOL};
use crate::slurm::cluster::Cluster;
use crate::store::{Sweep, room, sweeps};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is said of one thing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whether runs can be executed with it.
    pub well: bool,
    /// Which thing.
    pub what: &'static str,
    /// What was found.
    pub words: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// Looks at everything that runs need.
pub fn examine(results: &Path) -> Vec<Finding> {
    let mut findings = vec![cores()];
    findings.extend(graphics());
    findings.push(lab());
    findings.extend(folder(results));
    findings.push(slurm());
    findings.push(left_over(results));
    findings
}

fn well(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { well: true, what, words: words.into(), remedy: None }
}

fn ill(what: &'static str, words: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { well: false, what, words: words.into(), remedy: Some(remedy.into()) }
}

fn cores() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    well("cores", format!("{cores}: so many runs at once where no GPU is used"))
}

fn graphics() -> Vec<Finding> {
    let mut source = match gpus::open() {
        Ok(source) => source,
        Err(why) => return vec![well("gpus", format!("none ({why}); runs use cores"))],
    };
    let seen = source.look();
    let line = |gpu: &gpus::Seen| {
        let memory = format!("{} of {} MiB used", gpu.used >> 20, gpu.total >> 20);
        let who: Vec<String> = gpu.processes.iter().map(|process| process.to_string()).collect();
        let who = if who.is_empty() { "nobody that can be named".to_owned() } else { who.join(", ") };
        let words = format!("{} {}: {memory}", gpu.name, gpu.uuid);
        if gpu.gone {
            ill("gpu", format!("{words}; it answers no longer"), "`dmesg` says why; a reset or a reboot brings it back")
        } else if gpu.used > gpus::QUIET {
            well("gpu", format!("{words} by {who}; it is left alone while somebody else works on it"))
        } else {
            well("gpu", words)
        }
    };
    seen.iter().map(line).collect()
}

fn lab() -> Finding {
    let Some(program) = find_lab() else {
        return ill("tessera-lab", "not found", "`./just build` builds it; commands as trainers work without it");
    };
    let started = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return ill("tessera-lab", format!("{}: {error}", program.display()), "`./just build` builds it"),
    };
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        let _ = BufReader::new(output).read_line(&mut line);
    }
    drop(child.stdin.take());
    let deadline = Instant::now() + Duration::from_secs(10);
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    match serde_json::from_str(&line) {
        Ok(Answer::Ready { protocol: PROTOCOL, version, libtorch, device, .. }) => {
            well("tessera-lab", format!("{} {version}, libtorch {libtorch}, {device}", program.display()))
        }
        Ok(Answer::Ready { protocol, .. }) => ill(
            "tessera-lab",
            format!("{} speaks version {protocol} of the worker protocol, not {PROTOCOL}", program.display()),
            "`./just build` builds both from the same sources",
        ),
        _ => {
            let mut said = String::new();
            if let Some(mut errors) = child.stderr.take() {
                let _ = std::io::Read::read_to_string(&mut errors, &mut said);
            }
            let first = said.lines().next().unwrap_or("it ends at once").to_owned();
            ill("tessera-lab", format!("{}: {first}", program.display()), "`./just setup` installs libtorch")
        }
    }
}

/// The results folder: whether it can be written, linked in (claims) and synced, and how much room there is.
fn folder(results: &Path) -> Vec<Finding> {
    let choose = "choose another folder with `--results DIR` (or TESSERA_RESULTS)";
    let name = results.display();
    let there = results.ancestors().find(|folder| folder.is_dir() || folder.as_os_str().is_empty());
    let there = match there {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("."),
    };
    let stem = there.join(format!(".tessera-doctor-{}", std::process::id()));
    let (file, link) = (stem.with_extension("a"), stem.with_extension("b"));
    let began = Instant::now();
    let written = File::create(&file).and_then(|mut f| f.write_all(b"x").and_then(|()| f.sync_all()));
    let seconds = began.elapsed().as_secs_f64();
    let mut findings = Vec::new();
    match written {
        Err(error) => findings.push(ill("results", format!("{name} cannot be written: {error}"), choose)),
        Ok(()) => {
            findings.push(well("results", format!("{name} can be written; a sync takes {:.1} ms", seconds * 1e3)));
            if let Err(error) = std::fs::hard_link(&file, &link) {
                findings.push(ill("links", format!("{name} takes no hard links: {error}"), choose));
            }
        }
    }
    let _ = std::fs::remove_file(&file);
    let _ = std::fs::remove_file(&link);
    if let Some((free, kind)) = room(there) {
        let words = format!("{:.1} GiB free{kind}", free as f64 / (1u64 << 30) as f64);
        findings.push(if free < 1 << 30 {
            ill("room", words, "make room, or choose another folder")
        } else {
            well("room", words)
        });
    }
    findings
}

fn slurm() -> Finding {
    match Command::new("sinfo").arg("--version").output() {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            match Cluster::default().config() {
                Ok(config) => {
                    let size = config.max_array_size.map_or("?".to_owned(), |size| size.to_string());
                    let accounting =
                        if config.accounting { "" } else { "; no accounting: states from the queue alone" };
                    well("slurm", format!("{version}; arrays of {size} tasks at most{accounting}"))
                }
                Err(error) => well("slurm", format!("{version}, which does not answer here: {error}")),
            }
        }
        _ => well("slurm", "none; runs are executed on this machine"),
    }
}

/// What agents that are gone have left behind is ended here.
fn left_over(results: &Path) -> Finding {
    let mut ended = Vec::new();
    for name in sweeps(results).unwrap_or_default() {
        let Ok(sweep) = Sweep::open(results, &name) else { continue };
        ended.extend(end_orphans(&sweep).iter().map(|pid| format!("process {pid} of `{name}`")));
    }
    if ended.is_empty() {
        return well("left behind", "no process of a tessera that is gone");
    }
    well("left behind", format!("{}: ended now", ended.join(", ")))
}
