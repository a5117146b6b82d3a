//! This machine and its processes: what tells one execution from another, on this boot or an earlier one.

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

/// How often the kernel has ended a process of this control group for want of memory.
pub fn out_of_memory_kills() -> u64 {
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let events = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/')).join("memory.events");
    let own = std::fs::read_to_string(events).unwrap_or_default();
    let all = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let count = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    count(&own) + count(&all)
}

/// Seconds since 1970 (UTC).
pub fn unix_time() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

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
