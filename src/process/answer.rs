//! What a program prints when it is asked something: bounded in time and length.

use super::group;
use nix::sys::signal::Signal;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// As much as is read of each output.
const LONGEST: u64 = 1 << 20;

/// What a program printed.
pub struct Answer {
    /// On standard output.
    pub output: String,
    /// On standard error.
    pub errors: String,
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
}

/// Executes a program, without input, until it ends; nothing where it does not end within `patience`: its group is
/// killed then.
///
/// # Errors
/// Where the program cannot be started.
pub fn ask(mut command: Command, patience: Duration) -> io::Result<Option<Answer>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let pid = child.id();
    let (sender, texts) = channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|pipe| Box::new(pipe) as _), child.stderr.take().map(|pipe| Box::new(pipe) as _)];
    for (which, pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.by_ref().take(LONGEST).read_to_end(&mut bytes);
                // What is longer is read on, so that the program can end.
                let _ = io::copy(&mut pipe, &mut io::sink());
            }
            let _ = sender.send((which, String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    drop(sender);
    let deadline = std::time::Instant::now() + patience;
    let mut said = [String::new(), String::new()];
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        match texts.recv_timeout(left) {
            Ok((which, text)) => said[which] = text,
            Err(_) => {
                group::signal(pid, Signal::SIGKILL);
                group::wait(pid, Duration::from_secs(1));
                return Ok(None);
            }
        }
    }
    while !group::has_ended(pid) {
        if std::time::Instant::now() >= deadline {
            group::signal(pid, Signal::SIGKILL);
            group::wait(pid, Duration::from_secs(1));
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let [output, errors] = said;
    Ok(Some(Answer { output, errors, code: group::wait(pid, Duration::from_secs(1)).code }))
}
