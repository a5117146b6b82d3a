//! Any program as a trainer: its command line, how its arguments are spelled, where its numbers are found.

use super::template::{Template, Word};
use indexmap::IndexMap;

/// A program that is a trainer by its command line.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `command:` `python train.py --logdir {run.dir} {args}`
    pub template: Template,
    /// `resume:` the template used when a checkpoint matches.
    pub resume: Option<Template>,
    /// `environment:` further variables; values may name places and parameters.
    pub environment: IndexMap<String, Word>,
    /// `directory:` the working directory; the spec's folder where nothing is said.
    pub directory: Option<Word>,
    /// `virtual_environment:` a Python environment, found from the spec's folder; its `bin` comes first in `PATH`.
    pub virtual_environment: Option<String>,
    /// `setup:` lines of shell that run before the program, in the shell that becomes it (`module load cuda`).
    pub setup: Vec<String>,
    /// `args:` parameters (or `seed`) with another name on the command line; none: not passed.
    pub names: IndexMap<String, Option<String>>,
    /// `spelling:` how values are written; none: as the argument style suggests.
    pub spelling: Option<Spelling>,
    /// `metrics:` where numbers are found.
    pub metrics: Metrics,
    /// `checkpoints:` which files a run can go on from, and how many stay.
    pub checkpoints: Option<Checkpoints>,
    /// `code:` patterns of files, from the spec's folder, whose hash is the trainer's version.
    pub code: Vec<String>,
}

/// How values are written on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// Truth values.
    pub booleans: Booleans,
    /// No value.
    pub none: Nothing,
    /// Lists.
    pub lists: Lists,
    /// Whether `learning_rate` is written `learning-rate`.
    pub dashes: bool,
}

/// How truth values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booleans {
    /// `flag`: `--k` where true, nothing where false.
    Flag,
    /// `flag-or-no`: `--k` or `--no-k`.
    FlagOrNo,
    /// `python`: `True`, `False`.
    Python,
    /// `json`: `true`, `false`.
    Json,
    /// `digit`: `1`, `0`.
    Digit,
}

/// How a missing value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// `omit`: not passed.
    Omit,
    /// `python`: `None`.
    Python,
    /// `json`: `null`.
    Json,
}

/// How lists are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// `words`: `--k 1 2 3`.
    Words,
    /// `repeat`: `--k 1 --k 2 --k 3`.
    Repeat,
    /// `commas`: `1,2,3`.
    Commas,
    /// `brackets`: `[1,2,3]`.
    Brackets,
}

impl Spelling {
    /// `argparse`: `--k v`, flags, `--k 1 2`.
    pub const ARGPARSE: Self =
        Self { booleans: Booleans::Flag, none: Nothing::Omit, lists: Lists::Words, dashes: false };
    /// `click`: `--learning-rate v`, `--k/--no-k`, `--k 1 --k 2`.
    pub const CLICK: Self =
        Self { booleans: Booleans::FlagOrNo, none: Nothing::Omit, lists: Lists::Repeat, dashes: true };
    /// `fire`: Python literals.
    pub const FIRE: Self =
        Self { booleans: Booleans::Python, none: Nothing::Python, lists: Lists::Brackets, dashes: false };
    /// `hydra`: `k=v` with `true`, `null`, `[1,2]`.
    pub const HYDRA: Self =
        Self { booleans: Booleans::Json, none: Nothing::Json, lists: Lists::Brackets, dashes: false };
    /// Each by its name.
    pub const ALL: [(&'static str, Self); 4] =
        [("argparse", Self::ARGPARSE), ("click", Self::CLICK), ("fire", Self::FIRE), ("hydra", Self::HYDRA)];
}

/// Where the numbers of a command come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// `from:`; none: the first source that has a metric.
    pub source: Option<MetricsSource>,
    /// `step:` the column of the step; none: the first of the usual names that a file has.
    pub step: Option<String>,
    /// `tags:` only metrics that match one of these; all where empty.
    pub tags: Vec<glob::Pattern>,
    /// `stop_on_nan:` a value of these that is not finite ends the run as diverged.
    pub stop_on_nan: Vec<glob::Pattern>,
}

/// A kind of file with numbers in it.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsSource {
    /// `tensorboard`: event files anywhere under the run's folder.
    TensorBoard,
    /// `events`: `events.jsonl`, which the Python helper writes.
    Events,
    /// `csv`, or a pattern that ends in `.csv`: `metrics.csv` where nothing is said.
    Csv(glob::Pattern),
    /// `jsonl`, or a pattern that ends in `.jsonl` or `.json`: `*.jsonl` where nothing is said.
    JsonLines(glob::Pattern),
}

/// Which files a run can go on from, and how many stay.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// `match:` a pattern of paths under the run's folder.
    pub pattern: glob::Pattern,
    /// `keep:` how many of the newest stay; none: all.
    pub keep: Option<u32>,
    /// `step:` where a file's name has its step, as the first group; none: after `step`.
    pub step: Option<regex::Regex>,
}
