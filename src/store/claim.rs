//! Claims: who does alone what only one may do. Made by link(2), which is atomic on network file systems too.

use super::StoreError;
use super::files::make_folder;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Who holds a claim: what recognises the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    host: String,
    boot: String,
    pid: u32,
    start_time: u64,
}

/// A claim held; given back when dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
}

impl Claim {
    /// Takes a claim by its name in a folder of claims. One whose holder is known to be gone is taken over.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where somebody holds it; else where the folder cannot be written.
    pub fn take(folder: &Path, name: &str) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let path = folder.join(name);
        let own = Holder::this();
        let aside = folder.join(format!(".{name}-{}-{}", own.host, own.pid));
        let text = serde_json::to_string(&own).map_err(|error| StoreError::Busy(error.to_string()))?;
        std::fs::write(&aside, text).map_err(StoreError::file("write", &aside))?;
        let outcome = Self::link(&aside, &path, name);
        let _ = std::fs::remove_file(&aside);
        outcome
    }

    fn link(aside: &Path, path: &Path, name: &str) -> Result<Self, StoreError> {
        for _ in 0..3 {
            match std::fs::hard_link(aside, path) {
                Ok(()) => return Ok(Self { path: path.to_owned() }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::file("write", path)(error)),
            }
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            match serde_json::from_str::<Holder>(&text) {
                Ok(holder) if holder.is_gone() => {
                    // Renamed first: of two that see the same dead holder only one removes its claim.
                    let grave = path.with_file_name(format!(".{name}-gone-{}", std::process::id()));
                    if std::fs::rename(path, &grave).is_ok() {
                        let _ = std::fs::remove_file(&grave);
                    }
                }
                Ok(Holder { host, pid, .. }) => {
                    return Err(StoreError::Busy(format!("process {pid} on {host} is at it ({name})")));
                }
                Err(_) => {
                    return Err(StoreError::Busy(format!("{} is no claim of tessera's", path.display())));
                }
            }
        }
        Err(StoreError::Busy(format!("others are at it ({name})")))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // What stays behind is recognised as a dead process's.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Holder {
    fn this() -> Self {
        let pid = std::process::id();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        Self { host, boot: boot(), pid, start_time: start_time(pid).unwrap_or(0) }
    }

    /// Whether it is known to be gone: same host, and the process or its boot is no more.
    fn is_gone(&self) -> bool {
        let here = Self::this();
        self.host == here.host && (self.boot != here.boot || start_time(self.pid) != Some(self.start_time))
    }
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat[stat.rfind(')')? + 1..].split_ascii_whitespace().nth(19)?.parse().ok()
}
