//! TFRecord framing: length (u64), its masked CRC-32C, data, its masked CRC-32C; little-endian.

use super::window::Window;
use std::io;

/// Records up to this many bytes are checked by their CRC; larger ones hold images or histograms, whose bytes are
/// passed over, not read.
const CHECKED: u64 = 64 << 10;
const HEADER: u64 = 12;
const FOOTER: u64 = 4;

/// What is at a position of an event file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed {
    /// A record's data: from, to. The next record begins 4 bytes after.
    Record(u64, u64),
    /// A record whose data do not fit their CRC; the next one begins at the position given.
    Damaged(u64),
    /// The file ends here, or in the middle of a record that is still being written.
    End,
    /// The length does not fit its CRC: nothing after it can be found.
    Lost,
}

/// Looks at the record that begins at a position.
pub fn frame(window: &mut Window, at: u64) -> io::Result<Framed> {
    let Some(header) = window.peek(at, HEADER as usize)? else { return Ok(Framed::End) };
    let length = u64::from_le_bytes(array(header, 0));
    if u32::from_le_bytes(array(header, 8)) != masked_crc(&header[..8]) {
        return Ok(Framed::Lost);
    }
    let from = at + HEADER;
    let Some(to) = from.checked_add(length).filter(|to| window.end().saturating_sub(FOOTER) >= *to) else {
        return Ok(Framed::End);
    };
    if length <= CHECKED {
        let Some(data) = window.peek(from, (length + FOOTER) as usize)? else { return Ok(Framed::End) };
        let (data, footer) = data.split_at(length as usize);
        if u32::from_le_bytes(array(footer, 0)) != masked_crc(data) {
            return Ok(Framed::Damaged(to + FOOTER));
        }
    }
    Ok(Framed::Record(from, to))
}

/// Where the record after one that ends at `to` begins.
pub fn after(to: u64) -> u64 {
    to + FOOTER
}

/// One framed record, as event files hold them.
pub fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&masked_crc(&length).to_le_bytes());
    record.extend_from_slice(data);
    record.extend_from_slice(&masked_crc(data).to_le_bytes());
    record
}

/// TFRecord's mask keeps a CRC of data that holds CRCs from being weak.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn array<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[from..from + N]);
    array
}
