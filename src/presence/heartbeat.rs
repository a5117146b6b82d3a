//! The agent's heartbeat, `agents/<agent>.json`. It is for people; nothing is decided by it.

use super::claim::Holder;
use super::view::View;
use crate::process::host;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often it is written.
const PAUSE: Duration = Duration::from_secs(1);

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it was written, seconds since 1970.
    pub time: f64,
    /// Who writes it.
    pub agent: Holder,
    /// How the sweep stands.
    pub view: View,
    /// Why runs that wait do not start, a line a slot; empty where they do.
    pub waits: Vec<String>,
    /// Runs that are tried again later: id, and seconds until then.
    pub paused: Vec<(String, f64)>,
}

impl Heartbeat {
    /// The heartbeats in a folder, newest first.
    pub fn read_all(heartbeats: &Path) -> Vec<Self> {
        let files = std::fs::read_dir(heartbeats).into_iter().flatten().flatten();
        let files = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let mut all: Vec<Self> =
            files.filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok()).collect();
        all.sort_by(|a, b| b.time.total_cmp(&a.time));
        all
    }
}

/// Writes heartbeats, and takes the file away when it is dropped.
pub struct HeartbeatWriter {
    path: PathBuf,
    holder: Holder,
    last: Option<Instant>,
}

impl HeartbeatWriter {
    /// The pulse of an agent, in the folder of heartbeats.
    pub fn new(heartbeats: &Path, agent: &str) -> Self {
        Self { path: heartbeats.join(format!("{agent}.json")), holder: Holder::this(), last: None }
    }

    /// Whether it is time for the next.
    pub fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= PAUSE)
    }

    /// Writes one. That it cannot be written harms nothing but what `status` shows.
    pub fn beat(&mut self, view: View, waits: Vec<String>, paused: Vec<(String, f64)>) {
        self.last = Some(Instant::now());
        let beat = Heartbeat { time: host::unix_time(), agent: self.holder.clone(), view, waits, paused };
        let aside = self.path.with_extension("aside");
        if let (Some(folder), Ok(text)) = (self.path.parent(), serde_json::to_vec(&beat)) {
            let _ = std::fs::create_dir_all(folder);
            let _ = std::fs::write(&aside, text).and_then(|()| std::fs::rename(&aside, &self.path));
        }
    }
}

impl Drop for HeartbeatWriter {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_read_while_its_agent_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let heartbeats = folder.path().join("beats");
        assert!(Heartbeat::read_all(&heartbeats).is_empty());
        let mut writer = HeartbeatWriter::new(&heartbeats, "a");
        assert!(writer.is_due(), "nobody knows of it yet");
        let view = View { sweep: "s".to_owned(), done: 3, ..View::default() };
        writer.beat(view.clone(), vec!["cpu 0: busy".to_owned()], vec![("r".to_owned(), 1.5)]);
        assert!(!writer.is_due(), "a second has not passed");
        writer.last = Instant::now().checked_sub(PAUSE);
        assert!(writer.is_due());
        std::fs::write(heartbeats.join("notes.txt"), "{}").unwrap();
        std::fs::write(heartbeats.join("torn.json"), "{").unwrap();
        let mut other = HeartbeatWriter::new(&heartbeats, "b");
        other.beat(View::default(), Vec::new(), Vec::new());
        let all = Heartbeat::read_all(&heartbeats);
        assert_eq!(all.len(), 2);
        assert!(all[0].time >= all[1].time, "the newest first");
        assert_eq!((&all[1].view, all[1].agent.pid, all[1].paused[0].1), (&view, std::process::id(), 1.5));
        drop((writer, other));
        assert!(Heartbeat::read_all(&heartbeats).is_empty(), "they go with their agents");
    }
}
