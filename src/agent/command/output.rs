//! What the program of one attempt writes: its numbers, its arrays and its checkpoints, as news of its run.

use super::checkpoints::{Found, newest, retain};
use crate::agent::arrays;
use crate::agent::news::{KeptCheckpoint, News};
use crate::pickup::{Picked, Pickup, Said};
use crate::process::host;
use crate::record::{Reading, Resume};
use crate::spec::{Checkpoints, Command, Place};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A checkpoint that nothing has written to for so long is whole.
const SETTLED: Duration = Duration::from_secs(1);
/// How many metrics are named at most.
const MANY: usize = 8;

/// What a program writes, as far as it has been seen.
pub struct Output {
    pickup: Pickup,
    /// Which files are checkpoints, where the program can go on from one.
    resumable: Option<Checkpoints>,
    /// Which files are checkpoints, where older ones are deleted.
    retained: Option<Checkpoints>,
    /// Whether the command names the folder that its numbers are looked for in.
    is_told: bool,
    /// Where checkpoints are kept.
    folder: PathBuf,
    /// What the program goes on from.
    pub origin: Option<Resume>,
    /// The attempt that it was started as.
    pub first_attempt: u32,
    /// The newest checkpoint of the program that a next attempt can go on from.
    kept: Option<Found>,
    /// A checkpoint when it was first seen, and the last step that was known then.
    sighted: Option<(Found, u64)>,
    /// Whether the step of the checkpoint that was kept last is a guess.
    guessed: bool,
    /// Why the last numbers could not be read.
    unread: Option<String>,
}

impl Output {
    /// Of a command that starts now in an attempt's folder; checkpoints are kept in `folder`. `origin`: what it goes on
    /// from.
    pub fn new(command: &Command, work: &Path, folder: PathBuf, first_attempt: u32, origin: Option<Resume>) -> Self {
        let checkpoints = command.checkpoints.as_ref();
        Self {
            pickup: Pickup::new(work, &command.metrics, Some(host::unix_time())),
            // Without a template to go on with, a program would begin at its first step again.
            resumable: checkpoints.filter(|_| command.resume.is_some()).cloned(),
            retained: checkpoints.filter(|checkpoints| checkpoints.keep.is_some()).cloned(),
            is_told: command.template.names(Place::RunDir),
            folder,
            origin,
            first_attempt,
            kept: None,
            sighted: None,
            guessed: false,
            unread: None,
        }
    }

    /// What has come since the last look. `step`: the last one that is known of the run.
    pub fn look(&mut self, step: u64) -> Vec<News> {
        let mut news = self.retain();
        match self.pickup.poll() {
            Ok(picked) => {
                news.extend(self.news(picked));
                news.extend(self.keep_newest(SETTLED, step));
            }
            Err(error) => news.push(News::Note(error.to_string())),
        }
        news
    }

    /// The program has ended: by itself and well, or not.
    pub fn end(&mut self, well: bool) {
        self.pickup.end(well);
    }

    /// What is left once the program has ended, a part at a time: called until it says that there is no more.
    pub fn rest(&mut self) -> (Vec<News>, bool) {
        let mut news = self.retain();
        match self.pickup.finish() {
            Ok(picked) => {
                let more = picked.more;
                news.extend(self.news(picked));
                (news, more)
            }
            Err(error) => {
                // It is a note of the run, which is said with the others.
                self.unread = Some(error.to_string());
                (news, false)
            }
        }
    }

    /// The checkpoint that the program left last, however new it is.
    pub fn last_checkpoint(&mut self, step: u64) -> Vec<News> {
        self.keep_newest(Duration::ZERO, step)
    }

    /// What the files gave, for the record of the run.
    pub fn reading(&mut self) -> Reading {
        let mut reading = self.pickup.reading();
        reading.notes.extend(self.unread.take());
        reading.first = reading.first.filter(|_| self.origin.is_some());
        reading
    }

    /// Whether the step of the checkpoint that was kept last is a guess.
    pub fn is_guessed(&self) -> bool {
        self.guessed
    }

    /// What there is in place of a metric that the run has no value of.
    pub fn instead(&self) -> String {
        let seen: Vec<&str> = self.pickup.metrics().collect();
        match seen.as_slice() {
            [] => {
                let help = if self.is_told { "" } else { "; the command has no `{run.dir}`" };
                format!(": no numbers were found in its folder{help}")
            }
            seen if seen.len() > MANY => format!(", but of {}, …", seen[..MANY].join(", ")),
            seen => format!(", but of {}", seen.join(", ")),
        }
    }

    fn news(&mut self, picked: Picked) -> Vec<News> {
        let mut news = Vec::new();
        if picked.restarted {
            news.push(News::Restarted);
        }
        if !picked.rows.is_empty() {
            news.push(News::Rows(picked.rows));
        }
        for said in picked.arrays {
            let file = said.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            news.push(match arrays::take(said.path.parent().unwrap_or(Path::new(".")), &file) {
                Ok(arrays) => News::Arrays(said.step, arrays),
                Err(error) => News::Note(error.to_string()),
            });
        }
        news.extend(picked.checkpoints.iter().map(|said| self.keep(said, false)));
        news.extend(picked.diverged.map(|(step, quantity)| News::Diverged(step, quantity)));
        news
    }

    /// Keeps a file that the program wrote as a checkpoint. `guessed`: its step is not known for certain.
    fn keep(&mut self, said: &Said, guessed: bool) -> News {
        let name = said.path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("step-{}-{name}", said.step);
        let path = self.folder.join(&file);
        // A link costs no room; where the file systems differ it is copied. An older link goes first: copying onto
        // it would write to the file itself.
        let _ = std::fs::remove_file(&path);
        let outcome = std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::hard_link(&said.path, &path))
            .or_else(|_| std::fs::copy(&said.path, &path).map(|_| ()));
        match outcome {
            Ok(()) => {
                self.guessed = guessed;
                News::Checkpoint(KeptCheckpoint { step: said.step, path, file, guessed })
            }
            Err(error) => News::Note(format!("cannot keep the checkpoint {}: {error}", said.path.display())),
        }
    }

    /// Keeps the newest checkpoint that matches the spec's pattern, once nothing has written to it for a while: the next
    /// attempt goes on from it, after a power cut too.
    fn keep_newest(&mut self, wait: Duration, step: u64) -> Vec<News> {
        let Some(checkpoints) = self.resumable.clone() else { return Vec::new() };
        match newest(self.pickup.folder(), &checkpoints) {
            Ok(Some(found)) if self.kept.as_ref() != Some(&found) => {
                // A name that does not tell the step: it holds what had been recorded when it was first seen.
                let sighted = self.sighted.take().filter(|(seen, _)| *seen == found).map(|(_, step)| step);
                let step = sighted.or(self.pickup.newest()).unwrap_or(step);
                if !found.is_settled(wait) {
                    self.sighted = Some((found, step));
                    return Vec::new();
                }
                let said = Said { step: found.step.unwrap_or(step + 1), path: found.path.clone() };
                let guessed = found.step.is_none();
                self.kept = Some(found);
                let news = self.keep(&said, guessed);
                let keep = checkpoints.keep.unwrap_or(1).max(1) as usize;
                std::iter::once(news).chain(self.drop_older(keep)).collect()
            }
            Ok(_) => Vec::new(),
            Err(error) => vec![News::Note(format!("cannot look for checkpoints: {error}"))],
        }
    }

    /// Lets go of kept checkpoints but the newest, so that what the program deletes takes no room.
    fn drop_older(&self, keep: usize) -> Vec<News> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        // By time, as the program wrote them: a program that was started again counts its steps anew.
        let age = |file: std::fs::DirEntry| {
            let step = kept_step(&file.file_name())?;
            Some((file.metadata().ok()?.modified().ok()?, step, file.path()))
        };
        let mut kept: Vec<_> = entries.filter_map(age).collect();
        kept.sort();
        kept.truncate(kept.len().saturating_sub(keep));
        let drop = |(_, _, path): (_, _, PathBuf)| {
            let error = std::fs::remove_file(&path).err()?;
            Some(News::Note(format!("cannot delete {}: {error}", path.display())))
        };
        kept.into_iter().filter_map(drop).collect()
    }

    /// Deletes older checkpoints that the spec does not keep.
    fn retain(&self) -> Vec<News> {
        let failed = self.retained.as_ref().and_then(|checkpoints| retain(self.pickup.folder(), checkpoints).err());
        failed.map(|error| News::Note(format!("cannot delete older checkpoints: {error}"))).into_iter().collect()
    }
}

/// The step in the name under which a checkpoint is kept: `step-50-last.pt`.
fn kept_step(name: &std::ffi::OsStr) -> Option<u64> {
    name.to_str()?.strip_prefix("step-")?.split('-').next()?.parse().ok()
}
