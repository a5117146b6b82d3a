//! Claims let one process at a time do a thing. A claim is a file that link(2) puts in place, which is atomic on
//! NFS too. It names its holder, so a claim can be taken over once its holder is known to be gone. No clock
//! decides.

use crate::process::host;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The claim of the process that executes a sweep.
pub const AGENT: &str = "agent";

/// A process, told apart from every other on any machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Host name.
    pub host: String,
    /// The kernel's boot id.
    pub boot: String,
    /// The process.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub start_time: u64,
}

impl Holder {
    /// This process.
    pub fn this() -> Self {
        let pid = std::process::id();
        let start_time = host::process(pid).map_or(0, |(_, start)| start);
        Self { host: host::host_name(), boot: host::boot_id(), pid, start_time }
    }

    /// Whether the process is there; `None`: on another machine, so nobody here knows.
    pub fn is_alive(&self) -> Option<bool> {
        if self.host != host::host_name() {
            return None;
        }
        Some(self.boot == host::boot_id() && host::is_alive(self.pid, self.start_time))
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// Why there is no claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Somebody has it.
    #[error("held by {0}")]
    Held(Holder),
    /// The file system refuses.
    #[error("cannot write {}: {cause}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// A claim that this process holds; dropping it gives it up.
#[derive(Debug)]
pub struct Claim(PathBuf);

impl Claim {
    /// Takes the claim `name` in a folder, which is made when needed.
    ///
    /// # Errors
    /// Where somebody who may be alive has it, or the file system refuses.
    pub fn take(folder: &Path, name: &str) -> Result<Self, ClaimError> {
        let path = folder.join(name);
        let refuse = |cause| ClaimError::File { path: path.clone(), cause };
        std::fs::create_dir_all(folder).map_err(refuse)?;
        let holder = Holder::this();
        let aside = folder.join(format!(".{name}-{}-{}-{}", holder.host, holder.pid, holder.start_time));
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        std::fs::File::create(&aside).and_then(|mut file| file.write_all(&text)).map_err(refuse)?;
        let outcome = Self::place(&aside, &path);
        let _ = std::fs::remove_file(&aside);
        outcome
    }

    fn place(aside: &Path, path: &Path) -> Result<Self, ClaimError> {
        let refuse = |cause| ClaimError::File { path: path.to_owned(), cause };
        // Twice, since one that is taken over must be placed again; more means that others are quicker.
        for _ in 0..3 {
            match std::fs::hard_link(aside, path) {
                Ok(()) => return Ok(Self(path.to_owned())),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refuse(error)),
            }
            let Some(holder) = holder(path) else { continue };
            if holder.is_alive() != Some(false) {
                return Err(ClaimError::Held(holder));
            }
            // Two may see the same dead holder: the one whose rename works takes it away, and it makes sure that it
            // took away what it saw.
            let dead = aside.with_extension("dead");
            if std::fs::rename(path, &dead).is_ok() {
                if self::holder(&dead).as_ref() != Some(&holder) {
                    let _ = std::fs::hard_link(&dead, path);
                }
                let _ = std::fs::remove_file(&dead);
            }
        }
        match holder(path) {
            Some(holder) => Err(ClaimError::Held(holder)),
            None => Err(refuse(ErrorKind::ResourceBusy.into())),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Who holds a claim; `None` where nobody does.
pub fn holder(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let claim = Claim::take(folder.path(), "agent").unwrap();
        assert!(matches!(Claim::take(folder.path(), "agent"), Err(ClaimError::Held(who)) if who == Holder::this()));
        assert!(Claim::take(folder.path(), "other").is_ok());
        drop(claim);
        drop(Claim::take(folder.path(), "agent").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_holder_is_replaced_and_a_distant_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let dead = Holder { start_time: 1, ..Holder::this() };
        std::fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        drop(Claim::take(folder.path(), "agent").unwrap());
        let before_reboot = Holder { boot: "another".into(), ..Holder::this() };
        std::fs::write(&path, serde_json::to_vec(&before_reboot).unwrap()).unwrap();
        drop(Claim::take(folder.path(), "agent").unwrap());
        let distant = Holder { host: "elsewhere.example".into(), ..dead };
        std::fs::write(&path, serde_json::to_vec(&distant).unwrap()).unwrap();
        assert!(matches!(Claim::take(folder.path(), "agent"), Err(ClaimError::Held(who)) if who == distant));
    }

    #[test]
    fn what_the_file_system_refuses_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let lost = folder.path().join("gone/agent");
        let refused = Claim::place(&folder.path().join("aside"), &lost).err().unwrap();
        assert!(matches!(&refused, ClaimError::File { cause, .. } if cause.kind() == ErrorKind::NotFound), "{refused}");
        let holder = Holder { host: "node1".into(), boot: String::new(), pid: 7, start_time: 1 };
        assert_eq!(ClaimError::Held(holder).to_string(), "held by process 7 on node1");
    }
}
