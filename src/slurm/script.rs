//! Writes the script for sbatch. Pure.

use super::array::{gpus, slots};
use crate::spec::{Resources, Slurm};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// What a script is made of.
pub struct Script<'a> {
    /// The job's name, which nothing else in the cluster has.
    pub name: &'a str,
    /// The sweep.
    pub sweep: &'a str,
    /// How many tasks; none: no array.
    pub tasks: Option<usize>,
    /// How many of them run at once at most.
    pub throttle: Option<u32>,
    /// The `slurm:` section.
    pub slurm: &'a Slurm,
    /// What one run needs.
    pub resources: &'a Resources,
    /// Nodes that are left out.
    pub exclude: &'a [String],
    /// Where what tasks say goes; absolute.
    pub logs: &'a Path,
    /// This program; absolute.
    pub program: &'a Path,
    /// The results; absolute.
    pub results: &'a Path,
}

impl Script<'_> {
    /// Its text.
    pub fn text(&self) -> String {
        let mut text = "#!/bin/bash\n".to_owned();
        let mut option = |name: &str, value: &str| {
            let _ = writeln!(text, "#SBATCH --{name}={}", quoted(value));
        };
        option("job-name", self.name);
        option("comment", &format!("tessera sweep {}", self.sweep));
        let log = match self.tasks {
            Some(tasks) => {
                let throttle = self.throttle.map(|most| format!("%{most}")).unwrap_or_default();
                option("array", &format!("0-{}{throttle}", tasks.saturating_sub(1)));
                format!("{}-%a.log", self.name)
            }
            None => format!("{}.log", self.name),
        };
        // A `%` in a path would be read as a pattern.
        let folder = self.logs.to_string_lossy().replace('%', "%%");
        option("output", &format!("{folder}/{log}"));
        option("open-mode", "append");
        let slurm = self.slurm;
        let said = [
            ("partition", &slurm.partition),
            ("account", &slurm.account),
            ("qos", &slurm.qos),
            ("constraint", &slurm.constraint),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                option(name, value);
            }
        }
        if let Some(time) = slurm.time {
            option("time", &time_limit(time));
        }
        let at_once = u32::try_from(slots(slurm, self.resources)).unwrap_or(u32::MAX);
        match (&slurm.gres, gpus(slurm, self.resources)) {
            (Some(gres), _) => option("gres", gres),
            (None, 0) => {}
            (None, count) => option("gres", &format!("gpu:{count}")),
        }
        option("nodes", "1");
        option("ntasks", "1");
        let cpus = slurm.cpus.unwrap_or(at_once.saturating_mul(self.resources.cpu));
        option("cpus-per-task", &cpus.to_string());
        let mem = slurm.mem.or(self.resources.memory.map(|bytes| bytes.saturating_mul(at_once.into())));
        if let Some(mem) = mem {
            option("mem", &format!("{}M", mem.div_ceil(1 << 20)));
        }
        // Of two directives sbatch would take the last alone.
        let given = slurm.sbatch.iter().filter_map(|line| excluded(line));
        let exclude: Vec<&str> = self.exclude.iter().map(String::as_str).chain(given).collect();
        if !exclude.is_empty() {
            option("exclude", &exclude.join(","));
        }
        option("signal", &format!("B:USR1@{}", slurm.warning.as_secs()));
        text += "#SBATCH --requeue\n";
        for line in slurm.sbatch.iter().filter(|line| excluded(line).is_none()) {
            let _ = writeln!(text, "#SBATCH {line}");
        }
        for line in &slurm.setup {
            let _ = writeln!(text, "{line}");
        }
        // The shell becomes the agent, which so gets the signals.
        let word = |path: &Path| shell_word(&path.to_string_lossy());
        let _ = writeln!(
            text,
            "exec {} --results {} agent {} {}",
            word(self.program),
            word(self.results),
            shell_word(self.sweep),
            shell_word(self.name)
        );
        text
    }
}

/// The nodes that a directive leaves out.
fn excluded(directive: &str) -> Option<&str> {
    let nodes = ["--exclude=", "--exclude ", "-x "].iter().find_map(|option| directive.strip_prefix(option));
    nodes.map(str::trim)
}

/// A time as sbatch reads it: `1-02:03:04`, `02:03:04`.
fn time_limit(time: Duration) -> String {
    let s = time.as_secs().max(1);
    let (days, hours, minutes, seconds) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if days > 0 { format!("{days}-{clock}") } else { clock }
}

/// A value of a directive, in quotes where it needs them.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:+@/%=[]".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A word of the shell.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:+@/%=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_shell_stay_words() {
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(quoted(r#"a "b""#), r#""a \"b\"""#);
        assert_eq!(time_limit(Duration::from_secs(59)), "00:00:59");
    }
}
