//! Descriptors that are read without waiting.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::os::fd::AsFd;

/// Lets reads of a descriptor come back at once where nothing is there.
pub fn without_waiting(descriptor: &impl AsFd) {
    if let Ok(flags) = fcntl(descriptor, FcntlArg::F_GETFL) {
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        let _ = fcntl(descriptor, FcntlArg::F_SETFL(flags));
    }
}
