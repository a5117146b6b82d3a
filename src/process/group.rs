//! Process groups. Each worker leads its own group, so that whatever it started ends with it.

use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// How a process ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Its exit code, where it left by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The most memory that it or a child it waited for had, MiB.
    pub peak_memory_mib: f64,
}

impl Ended {
    /// Whether SIGTERM ended it, or a shell that had been told so left with what stands for it.
    pub fn by_sigterm(&self) -> bool {
        self.signal == Some(libc::SIGTERM) || self.code == Some(128 + libc::SIGTERM)
    }
}

/// Sends a signal to every process of a group; nothing where the group is gone.
pub fn signal(group: u32, signal: i32) {
    if let Ok(group) = i32::try_from(group)
        && group > 1
    {
        // SAFETY: kill(2) takes no pointers; a group that is gone gives an error that means nothing is left to do.
        unsafe { libc::kill(-group, signal) };
    }
}

/// Whether the group has a process.
pub fn exists(group: u32) -> bool {
    // SAFETY: as above; signal 0 only asks.
    i32::try_from(group).is_ok_and(|group| group > 1 && unsafe { libc::kill(-group, 0) } == 0)
}

/// The numbers of all processes of this machine.
pub fn processes() -> impl Iterator<Item = u32> {
    let folder = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    folder.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The group of a process; none of a zombie.
pub fn of(pid: u32) -> Option<u32> {
    let stat = super::host::stat(pid)?;
    let mut fields = stat.split_ascii_whitespace();
    let alive = fields.next()? != "Z";
    fields.nth(1)?.parse().ok().filter(|_| alive)
}

/// The processes of a group, zombies left out.
pub fn members(group: u32) -> Vec<u32> {
    processes().filter(|&pid| of(pid) == Some(group)).collect()
}

/// Ends a group: SIGTERM (with SIGCONT, since a stopped process cannot act on it), then SIGKILL after `grace`.
/// Whether it is gone.
pub fn end(group: u32, grace: Duration) -> bool {
    signal(group, libc::SIGTERM);
    signal(group, libc::SIGCONT);
    if gone_within(group, grace) {
        return true;
    }
    signal(group, libc::SIGKILL);
    gone_within(group, Duration::from_secs(5))
}

fn gone_within(group: u32, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    let mut pause = Duration::from_millis(1);
    // A process that has ended stays in its group until its parent, which may be anybody's, has asked for it.
    while exists(group) && !members(group).is_empty() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    true
}

/// A descriptor that can be waited on for the end of a child; none where the kernel has no such thing.
pub fn pidfd(pid: u32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open(2) takes no pointers, and a descriptor that it gives is nobody else's.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, i32::try_from(pid).ok()?, 0);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Whether a child has ended; it is not reaped.
pub fn has_ended(pid: u32) -> bool {
    // SAFETY: an all-zero siginfo_t is valid and outlives the call that fills it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
        // Something else than a child of ours: nothing to wait for.
        libc::waitid(libc::P_PID, pid, &raw mut info, how) < 0 && !interrupted() || info.si_pid() != 0
    }
}

/// Waits until a child ends, then ends what it left behind in its group, and reaps it. Blocks.
pub fn wait(pid: u32, grace: Duration) -> Ended {
    let Ok(child) = i32::try_from(pid) else { return lost() };
    // SAFETY: an all-zero siginfo_t and rusage are valid; both outlive the calls that fill them.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        // As long as the child is not reaped its number, and so its group's, is nobody else's.
        while libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED | libc::WNOWAIT) < 0 && interrupted() {}
        signal(pid, libc::SIGTERM);
        let mut status = 0;
        let mut usage: libc::rusage = std::mem::zeroed();
        while libc::wait4(child, &raw mut status, 0, &raw mut usage) < 0 {
            if !interrupted() {
                return lost();
            }
        }
        if exists(pid) {
            end(pid, grace);
        }
        let status: ExitStatus = std::os::unix::process::ExitStatusExt::from_raw(status);
        Ended {
            code: status.code(),
            signal: std::os::unix::process::ExitStatusExt::signal(&status),
            peak_memory_mib: usage.ru_maxrss as f64 / 1024.0,
        }
    }
}

fn interrupted() -> bool {
    std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
}

fn lost() -> Ended {
    Ended { code: None, signal: None, peak_memory_mib: 0.0 }
}

#[cfg(test)]
#[expect(clippy::zombie_processes, reason = "`wait` reaps children by their numbers")]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    /// A shell that leads its own group; `wait` reaps it.
    fn shell(script: &str) -> std::process::Child {
        Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_child_left_behind_is_ended() {
        let child = shell("sleep 100 & exit 3");
        let ended = wait(child.id(), Duration::from_secs(2));
        assert_eq!((ended.code, ended.signal), (Some(3), None));
        assert!(members(child.id()).is_empty());
    }

    #[test]
    fn what_ignores_sigterm_is_killed() {
        let mut child = shell("trap '' TERM; echo; while :; do sleep 0.05; done");
        let pid = child.id();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let waiter = std::thread::spawn(move || wait(pid, Duration::from_millis(10)));
        assert!(end(pid, Duration::from_millis(50)));
        assert_eq!(waiter.join().unwrap().signal, Some(libc::SIGKILL));
    }
}
