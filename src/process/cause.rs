//! Why an attempt has no result: the class of a failure from how its process ended and what its log says.

use super::group::Ended;
use crate::record::Failure;

/// What programs say when there is no memory left.
const OUT_OF_MEMORY: [&str; 9] = [
    "CUDA out of memory",
    "CUDA error: out of memory",
    "torch.OutOfMemoryError",
    "torch.cuda.OutOfMemoryError",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "can't allocate memory",
    "Cannot allocate memory",
    "std::bad_alloc",
    "MemoryError",
];

/// What programs say when there is no room to write.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Characters of a program's last line that are shown at most.
const LONGEST: usize = 160;

/// The class and one line: `exit code 1: ValueError: x`, `SIGSEGV`. `kernel_oom` says whether the kernel has ended processes for
/// want of memory meanwhile; `last` are the last lines of the log.
pub fn of_end(ended: &Ended, kernel_oom: bool, last: &str) -> (Failure, String) {
    let how = match (ended.code, ended.signal) {
        (Some(0), _) => "it ended without a result".to_owned(),
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => name(signal),
        _ => "it is gone".to_owned(),
    };
    if ended.signal == Some(libc::SIGKILL) && kernel_oom {
        return (Failure::Oom, format!("{how}: the kernel ended it for want of memory"));
    }
    if ended.code != Some(0) && says_out_of_memory(last) {
        return (Failure::Oom, format!("{how}: out of memory"));
    }
    let outside = [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGXCPU];
    match ended.signal {
        Some(signal) if outside.contains(&signal) => (Failure::Killed, format!("{how} from outside")),
        None if ended.code != Some(0) => (Failure::Crash, with_last_line(how, last)),
        _ => (Failure::Crash, how),
    }
}

/// Most programs that leave by themselves say in their last line why.
fn with_last_line(how: String, last: &str) -> String {
    match last.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) if line.chars().count() > LONGEST => {
            format!("{how}: {}…", line.chars().take(LONGEST).collect::<String>())
        }
        Some(line) => format!("{how}: {line}"),
        None => how,
    }
}

/// A failure's message: the line that tells it, then the last lines of the log.
pub fn message(line: String, last: &str) -> String {
    if last.is_empty() { line } else { format!("{line}\n{last}") }
}

/// The line of a text that says that there is no room to write, where one does.
pub fn no_room(text: &str) -> Option<&str> {
    text.lines().find(|line| NO_ROOM.iter().any(|words| line.contains(words)))
}

/// Whether a text has the words of a program that got no memory.
pub fn says_out_of_memory(text: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|words| text.contains(words))
}

/// A signal's name.
fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: Option<i32>, signal: Option<i32>, kernel_oom: bool, last: &str) -> (Failure, String) {
        of_end(&Ended { code, signal, peak_memory_mib: 0.0 }, kernel_oom, last)
    }

    #[test]
    fn classes_are_told_apart() {
        assert_eq!(class(Some(1), None, false, ""), (Failure::Crash, "exit code 1".into()));
        let said = "Traceback (most recent call last):\n  train.py\nValueError: x\n\n";
        assert_eq!(class(Some(1), None, false, said), (Failure::Crash, "exit code 1: ValueError: x".into()));
        assert_eq!(class(Some(0), None, false, "").0, Failure::Crash);
        assert_eq!(class(None, Some(libc::SIGSEGV), false, ""), (Failure::Crash, "SIGSEGV".into()));
        assert_eq!(class(None, Some(libc::SIGKILL), false, "").0, Failure::Killed);
        assert_eq!(class(None, Some(libc::SIGTERM), false, "").0, Failure::Killed);
        assert_eq!(class(None, Some(libc::SIGKILL), true, "").0, Failure::Oom);
        let cuda = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB";
        assert_eq!(class(Some(1), None, false, cuda), (Failure::Oom, "exit code 1: out of memory".into()));
        assert_eq!(class(None, Some(libc::SIGABRT), false, "terminate … std::bad_alloc").0, Failure::Oom);
    }
}
