//! This machine and its processes: what tells one execution from another, in this boot or an earlier one.

use std::path::Path;

/// The host's name; `localhost` where the system has none.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// The kernel's boot id; empty where it has none.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// A process's state letter (`R`, `S`, `T` for stopped, `Z` …) and start time in clock ticks since boot; `None`
/// where there is no such process.
pub fn process(pid: u32) -> Option<(char, u64)> {
    let stat = stat(pid)?;
    let mut fields = stat.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// The fields of a process's `/proc/PID/stat` from its state on.
pub(super) fn stat(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    Some(stat[stat.rfind(')')? + 1..].to_owned())
}

/// Whether the process that started then is still there (a zombie is not).
pub fn is_alive(pid: u32, start_time: u64) -> bool {
    process(pid).is_some_and(|(state, start)| state != 'Z' && start == start_time)
}

/// The most memory that the process has had since its start or the last [`reset_peak`], MiB.
pub fn peak_memory_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Lets the peak begin anew; whether the kernel did.
pub fn reset_peak(pid: u32) -> bool {
    std::fs::write(Path::new("/proc").join(pid.to_string()).join("clear_refs"), "5").is_ok()
}

/// How often the kernel has ended a process of this control group for want of memory; of the whole machine where the
/// group does not say.
pub fn out_of_memory_kills() -> u64 {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let below = |path: &str, root: &str, file: &str| Path::new(root).join(path.trim_start_matches('/')).join(file);
    let files = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next()?, fields.next()?) {
            ("", path) => Some(below(path, "/sys/fs/cgroup", "memory.events")),
            ("memory", path) => Some(below(path, "/sys/fs/cgroup/memory", "memory.oom_control")),
            _ => None,
        }
    });
    let machine = std::iter::once(std::path::PathBuf::from("/proc/vmstat"));
    files.chain(machine).find_map(|file| oom_kills(&std::fs::read_to_string(file).ok()?)).unwrap_or(0)
}

/// The number after `oom_kill`.
fn oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Seconds since 1970 (UTC).
pub fn unix_time() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_for_want_of_memory_are_read() {
        assert_eq!(oom_kills("low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), Some(1));
        assert_eq!(oom_kills("max 3\n"), None);
    }

    #[test]
    fn this_process_is_alive_under_its_start_time_alone() {
        let pid = std::process::id();
        let (state, start) = process(pid).unwrap();
        assert!(matches!(state, 'R' | 'S' | 'D'));
        assert!(is_alive(pid, start));
        assert!(!is_alive(pid, start + 1));
        assert!(peak_memory_mib(pid).unwrap() > 0.1);
    }
}
