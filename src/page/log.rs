//! The log of an attempt, a stretch at a time.

use super::PageError;
use super::question::Question;
use super::run::found;
use super::shelf::Shelf;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};

/// So many bytes at most are told at once.
const STRETCH: u64 = 128 << 10;

/// Text from a byte on, else the end of the log.
pub(super) fn log(shelf: &Shelf, name: &str, run: &str, question: &Question) -> Result<Value, PageError> {
    let view = shelf.look(name)?;
    let run = found(&view.sweep, run)?;
    let attempt = question.attempt.unwrap_or(run.attempt);
    if attempt == 0 || attempt > run.attempt {
        return Err(PageError::Missing(format!("run {} has no attempt {attempt}", run.run)));
    }
    let path = view.sweep.layout().log(&run.run, attempt);
    let open = attempt == run.attempt && !run.status.is_over();
    let refuse = |cause| PageError::System { what: "read the log", cause };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(json!({"attempt": attempt, "offset": 0, "next": 0, "size": 0, "text": "", "open": open}));
        }
        Err(error) => return Err(refuse(error)),
    };
    let size = file.metadata().map_err(refuse)?.len();
    // A log that became shorter was put in order: it is told anew.
    let offset = question.offset.filter(|offset| *offset <= size).unwrap_or(size.saturating_sub(STRETCH));
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(refuse)?;
    file.take(STRETCH).read_to_end(&mut bytes).map_err(refuse)?;
    // A letter that is half written is told with its other half.
    let whole = whole(&bytes);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    Ok(json!({
        "attempt": attempt,
        "offset": offset,
        "next": offset + whole as u64,
        "size": size,
        "text": text,
        "open": open,
    }))
}

/// How many bytes end with a whole letter; all, where the end is no beginning of one.
fn whole(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}
