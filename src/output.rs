//! Where answers of commands go: standard output, which has nothing else.

use crate::error::{Error, printable};
use std::io::Write;

/// Writes the answer to standard output; whoever closed it has read enough.
pub fn answer(text: &str) -> Result<(), Error> {
    match std::io::stdout().write_all(printable(text).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failure(format!("cannot write the answer: {error}")))
        }
        _ => Ok(()),
    }
}
