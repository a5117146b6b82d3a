//! Paths below `results/`. No other file names them.

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

    /// The layout of a sweep, all paths absolute.
    ///
    /// # Errors
    /// Where the working directory is gone.
    pub fn absolute(results: &Path, sweep: &str) -> std::io::Result<Self> {
        Ok(Self::new(&std::path::absolute(results)?, sweep))
    }

    /// The layout of the sweep in a folder.
    pub fn at(root: &Path) -> Self {
        Self { results: root.parent().unwrap_or(Path::new("")).to_owned(), root: root.to_owned() }
    }

    /// The layout of one kind of probe of this sweep, with the sweep's cache and trash.
    pub fn probe(&self, what: &str) -> Self {
        Self { results: self.results.clone(), root: self.probes().join(what) }
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

    /// The folders of all runs, `<run>/<attempt>`.
    pub fn works(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The attempt's own folder, `{run.dir}`.
    pub fn work(&self, run: &RunId, attempt: u32) -> PathBuf {
        self.works().join(run.as_str()).join(attempt.to_string())
    }

    /// The checkpoints of all runs, a folder a run.
    pub fn all_checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The checkpoints of a run.
    pub fn checkpoints(&self, run: &RunId) -> PathBuf {
        self.all_checkpoints().join(run.as_str())
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

    /// Names that agents have had: each is the one writer of its journal.
    pub fn agent_names(&self) -> PathBuf {
        self.claims().join("agents")
    }

    /// Which agent executes which attempt, on a cluster.
    pub fn attempts(&self) -> PathBuf {
        self.claims().join("attempts")
    }

    /// What agents say of themselves once a second.
    pub fn heartbeats(&self) -> PathBuf {
        self.root.join("agents")
    }

    /// What was submitted to a cluster, and what its tasks said.
    pub fn submissions(&self) -> PathBuf {
        self.root.join("slurm")
    }

    /// The sweep's figures.
    pub fn figures(&self) -> PathBuf {
        self.root.join("figures")
    }

    /// What the tables, figures and page of the sweep were last made from.
    pub fn finished(&self) -> PathBuf {
        self.root.join(".finished")
    }

    /// The sweep for other tools.
    pub fn export(&self) -> PathBuf {
        self.root.join("export")
    }

    /// Where damaged files are set aside.
    pub fn damaged(&self) -> PathBuf {
        self.root.join(".damaged")
    }

    /// Segments that were set aside.
    pub fn damaged_segments(&self) -> PathBuf {
        self.damaged().join("segments")
    }

    /// Where removed things go.
    pub fn trash(&self) -> PathBuf {
        self.results.join(".trash")
    }

    /// Derived data that any run may share.
    pub fn cache(&self) -> PathBuf {
        cache(&self.results)
    }

    /// What a sweep in the background says.
    pub fn detached_log(&self) -> PathBuf {
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        self.results.join(format!(".{name}.detached.log"))
    }
}

/// Derived data that all sweeps share: fingerprints, covariances.
pub fn cache(results: &Path) -> PathBuf {
    results.join("cache")
}

/// The pages of all reports, a folder a report.
pub fn reports(results: &Path) -> PathBuf {
    results.join("reports")
}

/// What other terminals ask of whoever works in a folder: a sweep's, or a cluster task's.
pub fn requests(folder: &Path) -> PathBuf {
    folder.join("requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_format() {
        let layout = Layout::new(Path::new("results"), "s");
        let run = RunId::of("a");
        for (path, expected) in [
            (layout.root().to_owned(), "results/s".to_owned()),
            (layout.journal("x"), "results/s/journal/x.jsonl".to_owned()),
            (layout.segments(), "results/s/segments".to_owned()),
            (layout.parts("history"), "results/s/history".to_owned()),
            (layout.runs(), "results/s/runs.parquet".to_owned()),
            (layout.spec("0f"), "results/s/spec-0f.yaml".to_owned()),
            (layout.work(&run, 2), format!("results/s/work/{run}/2")),
            (layout.checkpoints(&run), format!("results/s/checkpoints/{run}")),
            (layout.log(&run, 2), format!("results/s/logs/{run}.2.log")),
            (layout.probe("kl").journals(), "results/s/probes/kl/journal".to_owned()),
            (layout.agent_names(), "results/s/claims/agents".to_owned()),
            (layout.attempts(), "results/s/claims/attempts".to_owned()),
            (layout.heartbeats(), "results/s/agents".to_owned()),
            (layout.submissions(), "results/s/slurm".to_owned()),
            (layout.figures(), "results/s/figures".to_owned()),
            (layout.finished(), "results/s/.finished".to_owned()),
            (layout.export(), "results/s/export".to_owned()),
            (layout.damaged_segments(), "results/s/.damaged/segments".to_owned()),
            (layout.trash(), "results/.trash".to_owned()),
            (layout.probe("kl").cache(), "results/cache".to_owned()),
            (layout.detached_log(), "results/.s.detached.log".to_owned()),
            (reports(Path::new("results")), "results/reports".to_owned()),
            (requests(layout.root()), "results/s/requests".to_owned()),
        ] {
            assert_eq!(path, Path::new(&expected));
        }
        assert_eq!(Layout::at(layout.root()).trash(), layout.trash());
    }
}
