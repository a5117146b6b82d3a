//! What a worker is started with: its command line and environment, and the runs that a built-in one is sent.

use super::command::{Attempt, render};
use super::settings::{Probing, QueuedRun, Settings};
use crate::presence::leftover;
use crate::record::{Assignment, Instruction, ProbeAssignment};
use crate::spec;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of the built-in trainers: `TESSERA_LAB` where it is set, else beside this program, else in `PATH`.
pub fn find_lab() -> Option<PathBuf> {
    const NAME: &str = "tessera-lab";
    if let Some(said) = std::env::var_os("TESSERA_LAB").filter(|said| !said.is_empty()) {
        return Some(PathBuf::from(said));
    }
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

/// The command of a built-in worker on a device: GPUs by UUID; none: CPU.
pub fn worker(program: &Path, settings: &Settings, device: Option<String>) -> Command {
    let mut command = Command::new(program);
    command.envs(environment(settings, device));
    if settings.allotted.is_some() {
        // A scheduler that takes a task away tells every process of it: this one is told in words by its agent, after
        // which it writes a checkpoint, and the end of its input ends it.
        // SAFETY: signal(2) is async-signal-safe, and SIG_IGN runs no code.
        #[expect(unsafe_code, reason = "what happens between fork and exec is up to the caller")]
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGTERM, libc::SIG_IGN);
                Ok(())
            });
        }
    }
    command
}

/// What a worker's environment says of its share of the machine.
fn environment(settings: &Settings, device: Option<String>) -> Vec<(&'static str, String)> {
    let threads = settings.resources.cpu.to_string();
    vec![
        ("CUDA_VISIBLE_DEVICES", device.unwrap_or_default()),
        ("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_owned()),
        ("OMP_NUM_THREADS", threads.clone()),
        // Threads that wait give way: a library's own must not spin against the trainer's.
        ("OMP_WAIT_POLICY", "PASSIVE".to_owned()),
        ("MKL_NUM_THREADS", threads.clone()),
        ("OPENBLAS_NUM_THREADS", threads.clone()),
        ("RAYON_NUM_THREADS", threads),
    ]
}

/// The command of one attempt on a device; else in words why there is none.
pub fn command(
    command: &spec::Command,
    folder: &Path,
    queued: &QueuedRun,
    settings: &Settings,
    device: Option<String>,
) -> Result<Command, String> {
    let dir = settings.folders.work(queued.id(), queued.attempt);
    let attempt = Attempt {
        sweep: &settings.sweep,
        spec_folder: folder,
        run: queued.id(),
        attempt: queued.attempt,
        dir: &dir,
        parameters: &queued.parameters(&settings.common),
        seed: queued.planned.seed,
        threads: settings.resources.cpu,
        resume: queued.resume.as_ref(),
    };
    let rendered = render(command, &attempt).map_err(|error| error.to_string())?;
    let mut command = Command::new(&rendered.program);
    command.args(&rendered.arguments).current_dir(&rendered.directory);
    command.envs(environment(settings, device)).envs(rendered.environment);
    command.envs(leftover::marks(queued.id().as_str()));
    Ok(command)
}

/// What a built-in worker on a device is sent for these runs.
pub fn instruction<'a>(
    settings: &Settings,
    trainer: &str,
    device: Option<String>,
    runs: impl Iterator<Item = &'a QueuedRun>,
) -> Instruction {
    let device = if device.is_some() { "cuda:0" } else { "cpu" };
    let folders = &settings.folders;
    let assignment = |queued: &QueuedRun| Assignment {
        trainer: trainer.to_owned(),
        run: queued.id().clone(),
        attempt: queued.attempt,
        dir: folders.work(queued.id(), queued.attempt),
        checkpoints: folders.checkpoints(queued.id()),
        cache: folders.cache(),
        parameters: queued.parameters(&settings.common),
        seed: queued.planned.seed,
        device: device.to_owned(),
        threads: settings.resources.cpu,
        resume: queued.resume.clone(),
    };
    let runs = runs.map(assignment);
    match &settings.probe {
        None => Instruction::Train { runs: runs.collect() },
        Some(Probing { what, batches }) => {
            let probe = |job| ProbeAssignment { job, what: what.clone(), batches: *batches };
            Instruction::Probe { runs: runs.map(probe).collect() }
        }
    }
}
