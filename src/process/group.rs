//! Process groups. Each worker leads its own group, so that whatever it started ends with it.

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
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
pub fn signal(group: u32, signal: Signal) {
    if let Some(group) = pid(group) {
        // A group that is gone gives an error that means nothing is left to do.
        let _ = killpg(group, signal);
    }
}

/// Whether the group has a process.
pub fn exists(group: u32) -> bool {
    pid(group).is_some_and(|group| killpg(group, None).is_ok())
}

/// A number as the system takes it: 0 and 1 would be this process's own group and everybody's.
fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().filter(|number| *number > 1).map(Pid::from_raw)
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
    signal(group, Signal::SIGTERM);
    signal(group, Signal::SIGCONT);
    if gone_within(group, grace) {
        return true;
    }
    signal(group, Signal::SIGKILL);
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
#[expect(unsafe_code, reason = "nix has no pidfd_open")]
pub fn pidfd(pid: u32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open(2) takes no pointers, and a descriptor that it gives is nobody else's.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, i32::try_from(pid).ok()?, 0);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Whether a child has ended; it is not reaped.
pub fn has_ended(child: u32) -> bool {
    let Some(child) = pid(child) else { return true };
    match waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG) {
        Ok(WaitStatus::StillAlive) | Err(nix::Error::EINTR) => false,
        // An error: something else than a child of ours, for which there is nothing to wait.
        Ok(_) | Err(_) => true,
    }
}

/// Waits until a child ends, then ends what it left behind in its group, and reaps it. Blocks.
pub fn wait(group: u32, grace: Duration) -> Ended {
    let Some(child) = pid(group) else { return lost() };
    // As long as the child is not reaped its number, and so its group's, is nobody else's.
    while waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::Error::EINTR) {}
    signal(group, Signal::SIGTERM);
    let Some((status, peak_memory_mib)) = reap(child) else { return lost() };
    if exists(group) {
        end(group, grace);
    }
    Ended { code: status.code(), signal: std::os::unix::process::ExitStatusExt::signal(&status), peak_memory_mib }
}

/// Takes a child that has ended away: how it ended, and the most memory that it had, MiB.
#[expect(unsafe_code, reason = "nix has no wait4, which alone tells the memory of one child")]
fn reap(child: Pid) -> Option<(ExitStatus, f64)> {
    // SAFETY: an all-zero rusage is valid, and it and `status` outlive the call that fills them.
    unsafe {
        let mut status = 0;
        let mut usage: libc::rusage = std::mem::zeroed();
        while libc::wait4(child.as_raw(), &raw mut status, 0, &raw mut usage) < 0 {
            if nix::Error::last() != nix::Error::EINTR {
                return None;
            }
        }
        Some((std::os::unix::process::ExitStatusExt::from_raw(status), usage.ru_maxrss as f64 / 1024.0))
    }
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
