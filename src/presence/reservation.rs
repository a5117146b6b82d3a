//! Reservations keep tessera processes of one user on one machine from handing out the same core or GPU share
//! twice.
//!
//! Each core or share is a file that is locked (flock) as long as it is held. A lock ends with its process,
//! whatever ends that, so nothing has to be cleaned up. The folder is local to the machine, as the devices are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The folder of this user's reservations on this machine.
pub struct Reservations(Option<PathBuf>);

/// Something that is held; dropping it gives it free.
#[derive(Debug, Default)]
pub struct Reservation(Vec<File>);

impl Reservation {
    /// Holds what the other holds too.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Reservations {
    /// Reservations in a folder; without one, or where it cannot be this user's alone, nothing is reserved.
    pub fn new(folder: Option<&Path>) -> Self {
        let own = folder.filter(|folder| {
            let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            let user = nix::unistd::getuid().as_raw();
            std::fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir() && about.uid() == user)
        });
        Self(own.map(Path::to_owned))
    }

    /// Holds all of `names`, or none: then in words who has one of them.
    pub fn hold(&self, names: &[String], what: &str) -> Result<Reservation, String> {
        let Some(folder) = &self.0 else { return Ok(Reservation(Vec::new())) };
        let mut held = Vec::new();
        for name in names {
            let open = File::options().read(true).write(true).create(true).truncate(false).open(folder.join(name));
            let Ok(mut file) = open else { continue };
            if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
                let mut who = String::new();
                let _ = file.read_to_string(&mut who);
                return Err(if who.is_empty() { "another tessera".to_owned() } else { who });
            }
            // For people; a word that is not written harms nothing.
            let _ = file.set_len(0);
            let _ = file.seek(SeekFrom::Start(0));
            let _ = write!(file, "tessera {what} (process {})", std::process::id());
            held.push(file);
        }
        Ok(Reservation(held))
    }

    /// Holds `count` of `names`, whichever are free; else in words who has the others.
    pub fn hold_any(&self, names: &[String], count: usize, what: &str) -> Result<Reservation, String> {
        let mut held = Vec::new();
        let mut who = String::new();
        for name in names {
            match self.hold(std::slice::from_ref(name), what) {
                Ok(Reservation(files)) => held.extend(files),
                Err(other) => who = other,
            }
            if held.len() >= count || self.0.is_none() {
                return Ok(Reservation(held));
            }
        }
        Err(who)
    }
}

/// The folder of this user's reservations on this machine: `TESSERA_RESERVATIONS` where it is set (empty: none).
pub fn reservations_of_user() -> Option<PathBuf> {
    match std::env::var_os("TESSERA_RESERVATIONS") {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(std::env::temp_dir().join(format!("tessera-{}", nix::unistd::getuid()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_held_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) =
            (Reservations(Some(folder.path().to_owned())), Reservations(Some(folder.path().to_owned())));
        let cores: Vec<String> = (0..3).map(|i| format!("cpu-{i}")).collect();
        let first = ours.hold_any(&cores, 2, "demo").unwrap();
        let second = theirs.hold_any(&cores, 1, "other").unwrap();
        let who = theirs.hold_any(&cores, 1, "other").unwrap_err();
        assert!(who.starts_with("tessera "), "{who}");
        drop(first);
        assert!(theirs.hold(&cores[..2], "other").is_ok());
        assert!(ours.hold(&cores, "demo").unwrap_err().contains("tessera other"));
        drop(second);
    }
}
