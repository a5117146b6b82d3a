//! What a run needs, and what to do when it fails.

use super::node::Node;
use super::units;
use std::time::Duration;

/// What one run needs. Part of no identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// Share of a GPU (0.5), whole GPUs (2), or 0: CPU.
    pub gpu: f64,
    /// GPU memory in bytes, where said.
    pub gpu_memory: Option<u64>,
    /// CPU cores; also the threads of a worker.
    pub cpu: u32,
    /// Main memory in bytes, where said.
    pub memory: Option<u64>,
    /// Longest time a run may take.
    pub time: Option<Duration>,
    /// Longest time without a new number.
    pub stall: Option<Duration>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { gpu: 0.0, gpu_memory: None, cpu: 1, memory: None, time: None, stall: None }
    }
}

impl Resources {
    /// Reads `resources:`; mistakes are reported.
    pub(super) fn read(node: &Node) -> Self {
        node.check_keys(&["gpu", "gpu_memory", "cpu", "memory", "time", "stall"]);
        let mut resources = Self::default();
        let bytes = |key: &str| measured(node, key, units::bytes);
        let time = |key: &str| measured(node, key, units::time);
        if let Some(gpu) = node.get("gpu")
            && let Some(x) = gpu.number()
        {
            let whole = x.fract() == 0.0 && (0.0..=64.0).contains(&x);
            if whole || (x > 0.0 && x < 1.0) {
                resources.gpu = x;
            } else {
                gpu.error(
                    format!("`gpu: {x}` is neither a share of one GPU nor whole ones"),
                    "0.5 shares a GPU, 2 is two whole ones, 0 is the CPU",
                );
            }
        }
        if let Some(cpu) = node.get("cpu")
            && let Some(n) = cpu.whole()
        {
            match u32::try_from(n) {
                Ok(n) if (1..=4096).contains(&n) => resources.cpu = n,
                _ => cpu
                    .error(format!("`cpu: {n}` cannot be"), "cores of one run, which are also its threads: 1 or more"),
            }
        }
        resources.gpu_memory = bytes("gpu_memory");
        resources.memory = bytes("memory");
        resources.time = time("time");
        resources.stall = time("stall");
        resources
    }
}

/// A size or time under a key; a missing or wrong unit is reported.
pub(super) fn measured<T>(node: &Node, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
    let value = node.get(key)?;
    let text = value.text()?;
    match parse(&text) {
        Ok(parsed) => Some(parsed),
        Err(help) => {
            let bare = text.trim().parse::<f64>().is_ok();
            let what = if bare { "has no unit" } else { "has no unit known here" };
            value.error(format!("`{key}: {text}` {what}"), &help);
            None
        }
    }
}

/// Where a run executes, as the worker protocol spells it: `cpu` or `cuda:0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// CPU cores.
    Cpu,
    /// The nth GPU that the worker sees.
    Cuda(u32),
}

/// What to do with a failed run, by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnFailure {
    /// How often a crashed run is tried again.
    pub crash_retries: u32,
    /// Whether a run that ran out of memory is tried again with the device to itself.
    pub oom_alone: bool,
    /// After so many equal crashes nothing new is launched.
    pub stop_after: Option<u32>,
}

impl Default for OnFailure {
    fn default() -> Self {
        Self { crash_retries: 0, oom_alone: true, stop_after: None }
    }
}

impl OnFailure {
    /// Reads `on_failure:`; mistakes are reported.
    pub(super) fn read(node: &Node) -> Self {
        node.check_keys(&["crash", "oom", "stop_after"]);
        let mut on_failure = Self::default();
        if let Some(crash) = node.get("crash")
            && let Some(text) = crash.text()
        {
            let retries = match text.split_whitespace().collect::<Vec<_>>()[..] {
                ["fail"] => Some(0),
                ["retry"] => Some(1),
                ["retry", n] => n.parse().ok(),
                _ => None,
            };
            match retries {
                Some(retries) => on_failure.crash_retries = retries,
                None => crash.error(format!("`crash: {text}` is no way to go on"), "`retry 2` or `fail`"),
            }
        }
        if let Some(oom) = node.get("oom")
            && let Some(choice) = oom.choice(&["retry_alone", "fail"])
        {
            on_failure.oom_alone = choice == 0;
        }
        if let Some(stop) = node.get("stop_after")
            && let Some(n) = stop.whole()
        {
            on_failure.stop_after = u32::try_from(n).ok().filter(|n| *n > 0);
        }
        on_failure
    }
}
