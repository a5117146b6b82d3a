//! Finds the checkpoints that a program leaves in its run's folder, and deletes old ones.

use crate::pickup::matching;
use crate::spec::Checkpoints;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file, or the folder where a program writes one.
    pub path: PathBuf,
    /// Its step, where its name says one for certain.
    pub step: Option<u64>,
    modified: SystemTime,
}

impl Found {
    /// Whether it has not been written to for so long: a program may still be at it.
    pub fn is_settled(&self, wait: Duration) -> bool {
        SystemTime::now().duration_since(self.modified).unwrap_or_default() >= wait
    }
}

/// The newest checkpoint under an attempt's folder; none if nothing matches.
///
/// # Errors
/// Where the folder cannot be read.
pub fn newest(folder: &Path, checkpoints: &Checkpoints) -> io::Result<Option<Found>> {
    Ok(all(folder, checkpoints)?.pop())
}

/// Deletes all but the newest ones that `keep:` asks for; gives what was deleted. Without `keep:` all stay.
///
/// # Errors
/// Where the folder cannot be read or a file not be deleted.
pub fn retain(folder: &Path, checkpoints: &Checkpoints) -> io::Result<Vec<PathBuf>> {
    let Some(keep) = checkpoints.keep else { return Ok(Vec::new()) };
    let mut found = all(folder, checkpoints)?;
    found.truncate(found.len().saturating_sub(keep.max(1) as usize));
    let mut deleted = Vec::new();
    for checkpoint in found {
        match fs::remove_file(&checkpoint.path) {
            Ok(()) => deleted.push(checkpoint.path),
            // The program itself may keep house too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

/// From the oldest to the newest: by time, then by step where a file system's clock cannot tell.
fn all(folder: &Path, checkpoints: &Checkpoints) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in matching(folder, &checkpoints.pattern)? {
        let Ok(modified) = fs::metadata(&path).and_then(|about| about.modified()) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let step = step(&name, checkpoints.step.as_ref());
        found.push(Found { path, step, modified });
    }
    found.sort_by(|a, b| (a.modified, a.step, &a.path).cmp(&(b.modified, b.step, &b.path)));
    Ok(found)
}

/// The number after the last `step` of a name, or where the spec's pattern has `{step}`. Any other number may be a version, a
/// score or an epoch: it is none.
fn step(name: &str, pattern: Option<&regex::Regex>) -> Option<u64> {
    if let Some(pattern) = pattern {
        return pattern.captures(name)?.get(1)?.as_str().parse().ok();
    }
    let lower = name.to_ascii_lowercase();
    let rest = &lower[lower.rfind("step")? + 4..];
    let rest = rest.strip_prefix('s').unwrap_or(rest).trim_start_matches(['-', '_', '=', ' ', '.']);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_names() {
        for (name, expected) in [
            ("epoch=3-step=400", Some(400)),
            ("model_00012", None),
            ("model_best_0.91.pt", None),
            ("last-v1.ckpt", None),
            ("step_of_3.pt", None),
            ("steps=12.pt", Some(12)),
            ("step-7", Some(7)),
            ("Step_9_of_100", Some(9)),
            ("last", None),
            ("epoch-3", None),
            ("resnet50_best", None),
        ] {
            assert_eq!(step(name, None), expected, "{name}");
        }
        let pattern = regex::Regex::new(r"^model_(\d+)\.pt$").unwrap();
        assert_eq!(step("model_00012.pt", Some(&pattern)), Some(12));
        assert_eq!(step("step-3.pt", Some(&pattern)), None);
    }

    #[test]
    fn the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = glob::Pattern::new("ckpt/*.pt").unwrap();
        fs::create_dir(folder.path().join("ckpt")).unwrap();
        for step in [9, 10, 11] {
            let file = fs::File::create(folder.path().join(format!("ckpt/{step}.pt"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(step)).unwrap();
        }
        let policy = Checkpoints { pattern, keep: Some(2), step: Some(regex::Regex::new(r"^(\d+)\.pt$").unwrap()) };
        assert_eq!(newest(folder.path(), &policy).unwrap().unwrap().step, Some(11));
        assert_eq!(retain(folder.path(), &policy).unwrap(), [folder.path().join("ckpt/9.pt")]);
        assert_eq!(newest(&folder.path().join("none"), &policy).unwrap(), None);
    }
}
