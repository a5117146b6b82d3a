//! Where things lie below `results/<sweep>/`.

use crate::record::RunId;
use std::path::{Path, PathBuf};

/// The folders and files of one sweep. Makes nothing.
#[derive(Clone, Debug)]
pub struct Layout {
    results: PathBuf,
    root: PathBuf,
}

impl Layout {
    /// The layout of a sweep.
    pub fn new(results: &Path, sweep: &str) -> Self {
        Self { results: results.to_owned(), root: results.join(sweep) }
    }

    /// Whether a name may be a sweep's: `reports`, `cache` and leading dots are reserved, and it is one plain folder.
    pub fn is_sweep_name(name: &str) -> bool {
        !name.is_empty()
            && !name.starts_with('.')
            && !name.contains(['/', '\\', '\0'])
            && !["reports", "cache"].contains(&name)
    }

    /// `results/<sweep>`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journals of all agents.
    pub fn journals(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// How many bytes all journals have; they only grow.
    pub fn journal_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.journals()).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    /// The journal of one agent.
    pub fn journal(&self, agent: &str) -> PathBuf {
        self.journals().join(format!("{agent}.jsonl"))
    }

    /// What agents write, until it is taken into a part.
    pub fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// The folder of a table's parts: `history`, `arrays`.
    pub fn parts(&self, table: &str) -> PathBuf {
        self.root.join(table)
    }

    /// The derived table of runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs.parquet")
    }

    /// One version of the spec, with `extends` and `--set` folded in.
    pub fn spec(&self, hash: &str) -> PathBuf {
        self.root.join(format!("spec-{hash}.yaml"))
    }

    /// The attempt's own folder, `{run.dir}`.
    pub fn work(&self, run: &RunId, attempt: u32) -> PathBuf {
        self.root.join("work").join(run.as_str()).join(attempt.to_string())
    }

    /// The checkpoints of a run.
    pub fn checkpoints(&self, run: &RunId) -> PathBuf {
        self.root.join("checkpoints").join(run.as_str())
    }

    /// The logs of all attempts.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The log of an attempt.
    pub fn log(&self, run: &RunId, attempt: u32) -> PathBuf {
        self.logs().join(format!("{run}.{attempt}.log"))
    }

    /// What probes measured.
    pub fn probes(&self) -> PathBuf {
        self.root.join("probes")
    }

    /// Who does what alone.
    pub fn claims(&self) -> PathBuf {
        self.root.join("claims")
    }

    /// Where damaged files are set aside.
    pub fn damaged(&self) -> PathBuf {
        self.root.join(".damaged")
    }

    /// Where removed things go.
    pub fn trash(&self) -> PathBuf {
        self.results.join(".trash")
    }
}
