//! Opens a page in the browser.

use crate::error::Error;
use std::ffi::OsStr;
use std::process::Command;

/// Asks the desktop to open a file or an address.
pub(super) fn browse(page: impl AsRef<OsStr>) -> Result<(), Error> {
    let page = page.as_ref();
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    match Command::new(program).arg(page).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Error::failure(format!("`{program}` could not open {}", page.display()))),
    }
}
