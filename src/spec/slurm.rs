//! `slurm:` what a cluster's scheduler is asked for beyond what `resources:` says of one run.

use super::Resources;
use super::node::Node;
use super::resources::measured;
use super::units;
use std::time::Duration;

/// Keys of the section.
const KEYS: [&str; 16] = [
    "partition",
    "account",
    "qos",
    "constraint",
    "time",
    "gpus",
    "gres",
    "cpus",
    "mem",
    "array_limit",
    "runs_per_task",
    "run_time",
    "warning",
    "exclude_after",
    "sbatch",
    "setup",
];

/// Options of sbatch that tessera sets itself, or that would break what it relies on; with what to write instead.
const TAKEN: [(&[&str], &str); 22] = [
    (&["--job-name", "-J"], "tessera names its jobs, so that it finds them again"),
    (&["--array", "-a"], "`array_limit: 10` caps how many tasks run at once"),
    (&["--output", "-o"], "what a task says is in `results/<sweep>/slurm/`"),
    (&["--error", "-e"], "what a task says is in `results/<sweep>/slurm/`"),
    (&["--open-mode"], "a task that is requeued goes on in its log"),
    (&["--signal"], "`warning: 5m` is the time before the end at which runs write a checkpoint"),
    (&["--requeue"], "tasks are requeued as it is"),
    (&["--no-requeue"], "a task that is not requeued is submitted again by the next `tessera run`"),
    (&["--partition", "-p"], "`partition: NAME`"),
    (&["--account", "-A"], "`account: NAME`"),
    (&["--qos", "-q"], "`qos: NAME`"),
    (&["--constraint", "-C"], "`constraint: NAME`"),
    (&["--time", "-t"], "`time: 4h`"),
    (&["--gres"], "`gres: gpu:a100:1`"),
    (&["--gpus", "-G", "--gpus-per-node", "--gpus-per-task"], "`gpus: 1`"),
    (&["--cpus-per-task", "-c"], "`cpus: 4`"),
    (&["--mem", "--mem-per-cpu", "--mem-per-gpu"], "`mem: 8 GiB`"),
    (&["--ntasks", "-n", "--ntasks-per-node", "--nodes", "-N"], "a task of tessera is one process on one node"),
    (&["--wrap"], "`setup:` holds lines of shell that come before the runs"),
    (&["--parsable", "--quiet", "-Q", "--test-only", "--wait", "-W"], "tessera calls sbatch itself"),
    (&["--help", "-h", "--usage", "--version", "-V"], "tessera calls sbatch itself"),
    (&["--clusters", "-M"], "jobs go to the cluster of the machine that submits them"),
];

/// Slurm warns up to so many seconds earlier than it was told.
const EARLY: u64 = 60;

/// What Slurm is asked for. Part of no identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Slurm {
    /// `--partition`.
    pub partition: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--qos`.
    pub qos: Option<String>,
    /// `--constraint`.
    pub constraint: Option<String>,
    /// Longest time of a task, which executes one run or many; none: the partition's own.
    pub time: Option<Duration>,
    /// GPUs of a task; none: as many as one run needs.
    pub gpus: Option<u32>,
    /// `--gres`, in place of `gpus`: `gpu:a100:1`.
    pub gres: Option<String>,
    /// CPUs of a task; none: as its runs need.
    pub cpus: Option<u32>,
    /// Main memory of a task in bytes; none: as its runs need.
    pub mem: Option<u64>,
    /// So many tasks run at once at most.
    pub array_limit: Option<u32>,
    /// Runs of a task; none: by the time that a run takes.
    pub runs_per_task: Option<u32>,
    /// How long a run takes, for the size of tasks; none: as was measured.
    pub run_time: Option<Duration>,
    /// How long before its end a task is warned: runs write a checkpoint then.
    pub warning: Duration,
    /// A node on which so many runs in a row failed is left out; 0: none ever is.
    pub exclude_after: u32,
    /// Further options of sbatch, one each.
    pub sbatch: Vec<String>,
    /// Lines of shell before the runs: `module load cuda`.
    pub setup: Vec<String>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            qos: None,
            constraint: None,
            time: None,
            gpus: None,
            gres: None,
            cpus: None,
            mem: None,
            array_limit: None,
            runs_per_task: None,
            run_time: None,
            warning: Duration::from_secs(60),
            exclude_after: 3,
            sbatch: Vec::new(),
            setup: Vec::new(),
        }
    }
}

/// Reads the section.
pub(super) fn read(node: &Node, resources: &Resources) -> Slurm {
    node.check_keys(&KEYS);
    let word = |key: &str| node.get(key).and_then(|node| word(&node, key));
    let count = |key: &str, least: u64| node.get(key).and_then(|node| count(&node, key, least));
    let time = |key: &str| measured(node, key, units::time);
    let slurm = Slurm {
        partition: word("partition"),
        account: word("account"),
        qos: word("qos"),
        constraint: word("constraint"),
        time: time("time"),
        gpus: count("gpus", 1),
        gres: word("gres"),
        cpus: count("cpus", 1),
        mem: measured(node, "mem", units::bytes),
        array_limit: count("array_limit", 1),
        runs_per_task: count("runs_per_task", 1),
        run_time: time("run_time"),
        warning: time("warning").unwrap_or(Slurm::default().warning),
        exclude_after: count("exclude_after", 0).unwrap_or(Slurm::default().exclude_after),
        sbatch: items(node, "sbatch").iter().filter_map(directive).collect(),
        setup: items(node, "setup").iter().filter_map(setup_line).collect(),
    };
    check(node, &slurm, resources);
    slurm
}

/// What does not go together.
fn check(node: &Node, slurm: &Slurm, resources: &Resources) {
    if let (Some(gres), Some(_)) = (node.get("gres"), slurm.gpus) {
        gres.error_at_key("a task has either `gpus` or `gres`".to_owned(), "remove one");
    }
    if let (Some(gres), Some(text)) = (node.get("gres"), &slurm.gres)
        && resources.gpu > 0.0
        && !text.contains("gpu")
    {
        gres.error(
            format!("runs need a GPU (`resources: {{gpu: {}}}`), and `gres: {text}` asks for none", resources.gpu),
            "`gres: gpu:1`, or `gpu: 0` under `resources:`",
        );
    }
    if let (Some(cpus), Some(n)) = (node.get("cpus"), slurm.cpus)
        && n < resources.cpu
    {
        cpus.error(
            format!("a task of {n} CPUs is too small for a run of `cpu: {}`", resources.cpu),
            &format!("`cpus: {}` or more, or a smaller `cpu` under `resources:`", resources.cpu),
        );
    }
    if let (Some(gpus), Some(n)) = (node.get("gpus"), slurm.gpus)
        && f64::from(n) < resources.gpu
    {
        gpus.error(
            format!("a task of {n} GPUs is too small for a run of `gpu: {}`", resources.gpu),
            &format!("`gpus: {}` or more", resources.gpu.ceil()),
        );
    }
    let at = node.get("warning").or_else(|| node.get("time"));
    if let (Some(time), Some(at)) = (slurm.time, at) {
        let (warning, time) = (slurm.warning.as_secs(), time.as_secs());
        let help = "a longer `time`, or a shorter `warning`";
        if warning >= time {
            at.error(format!("the warning comes {warning} s before the end of a task that has {time} s"), help);
        } else if warning + EARLY >= time {
            at.warning(format!("Slurm may warn a minute too early: a task of {time} s as soon as it begins"), help);
        }
    }
}

/// A word as it may stand in a directive.
fn word(node: &Node, key: &str) -> Option<String> {
    let text = node.text()?;
    let plain = |c: char| c.is_alphanumeric() || "_-.,:+@/%&|()[]*=!".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return Some(text);
    }
    let help = match key {
        "gres" => "as sbatch has it: `gpu:1`, `gpu:a100:2`",
        "constraint" => "as sbatch has it: `a100`, `a100|h100`",
        _ => "one name, as `sinfo` and `sacctmgr` know it; several with commas and without blanks",
    };
    node.error(format!("`{key}: {}` cannot stand in a directive of sbatch", text.escape_debug()), help);
    None
}

fn count(node: &Node, key: &str, least: u64) -> Option<u32> {
    let n = node.whole()?;
    match u32::try_from(n) {
        Ok(small) if n >= least && n <= 1_000_000 => Some(small),
        _ => {
            node.error(format!("`{key}: {n}` cannot be"), &format!("a number from {least} to 1000000"));
            None
        }
    }
}

fn items<'a>(node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
    node.get(key).iter().flat_map(Node::items).collect()
}

/// One option of sbatch: one directive, no line break, none that tessera sets itself.
fn directive(node: &Node) -> Option<String> {
    let text = node.text()?;
    let text = text.trim().trim_start_matches("#SBATCH").trim();
    let refuse = |message: String, help: &str| {
        node.error(message, help);
        None
    };
    if text.contains(char::is_control) {
        return refuse(
            "a line of `sbatch` with a line break in it".to_owned(),
            "one directive an item: `sbatch: [--mail-type=END, --mail-user=me@lab.org]`",
        );
    }
    let name = text.split(['=', ' ']).next().unwrap_or_default();
    let short = name.len() == 2 && name.starts_with('-') && name != "--";
    let long = name.len() > 3 && name.starts_with("--");
    if !short && !long {
        let help = "as on the command line: `--mail-type=END`, `-w node7`; lines of shell belong under `setup:`";
        return refuse(format!("`{text}` is no option of sbatch"), help);
    }
    if let Some((_, instead)) = TAKEN.iter().find(|(names, _)| names.contains(&name)) {
        return refuse(format!("`{name}` is not for `sbatch:`"), instead);
    }
    let quoted = text.contains(['"', '\'']);
    if !quoted && text.split(' ').skip(1).any(|word| word.starts_with('-') && word.len() > 1) {
        return refuse(format!("`{text}` is more than one directive"), "one directive an item of the list");
    }
    if !quoted && text.contains('#') {
        return refuse(format!("`{text}`: sbatch reads what follows `#` as a comment"), "put the value in quotes");
    }
    Some(text.to_owned())
}

fn setup_line(node: &Node) -> Option<String> {
    let text = node.text()?;
    if text.contains('\0') || text.lines().any(|line| line.trim_start().starts_with("#SBATCH")) {
        node.error("a line of `setup` that is no shell".to_owned(), "options of sbatch belong under `sbatch:`");
        return None;
    }
    Some(text.trim_end().to_owned())
}
