//! Sums of a table's bytes, in the file itself: what is read is held against them first, so that a byte that changed on
//! the disk is never a number.
//!
//! They stand between the rows and Parquet's footer, where no reader of Parquet looks: a sum for each block of the bytes
//! before, then how many bytes those are, a sum of the footer, one of all this, and a mark.

use blake3::Hasher;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many bytes have a sum of their own.
const BLOCK: u64 = 1 << 14;

/// Stands at the end of the sums.
const MARK: [u8; 8] = *b"tsr-sum1";

/// Bytes of a block's sum.
const SUM: usize = 8;

/// Bytes of the other sums.
const LONG_SUM: usize = 16;

/// What follows the sums of the blocks: the length of what they are of, the footer's sum, that of all this, the mark.
const END: usize = 8 + 2 * LONG_SUM + MARK.len();

/// What Parquet ends with: the footer's length and its mark.
const PARQUET_END: usize = 8;

/// The sums of a file.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// So many bytes at the file's beginning have sums.
    length: u64,
    blocks: Vec<[u8; SUM]>,
}

impl Sums {
    /// Reads the sums of a file and holds its footer against them; `None` where it was written without.
    pub fn read(file: &File) -> Result<Option<Self>> {
        let size = file.metadata()?.len();
        let mut end = [0; PARQUET_END];
        let Some(before) = size.checked_sub(PARQUET_END as u64) else { return Ok(None) };
        file.read_exact_at(&mut end, before)?;
        let footer = u64::from(footer_length(&end)) + PARQUET_END as u64;
        let Some(sums_end) = size.checked_sub(footer).filter(|&place| place >= END as u64) else { return Ok(None) };
        let mut last = [0; END];
        file.read_exact_at(&mut last, sums_end - END as u64)?;
        if last[END - MARK.len()..] != MARK {
            return Ok(None);
        }
        let changed = || Error::new(ErrorKind::InvalidData, "it is not as it was written: its sums do not fit");
        let length = u64::from_le_bytes(part(&last[..8]));
        let bytes = length.div_ceil(BLOCK).checked_mul(SUM as u64).ok_or_else(changed)?;
        if length.checked_add(bytes).and_then(|sum| sum.checked_add(END as u64)) != Some(sums_end) {
            return Err(changed());
        }
        let mut sums = vec![0; bytes as usize];
        file.read_exact_at(&mut sums, length)?;
        let own = 8 + LONG_SUM;
        if long_sum(&[&sums, &last[..own]]) != last[own..own + LONG_SUM] {
            return Err(changed());
        }
        let mut text = vec![0; footer as usize];
        file.read_exact_at(&mut text, sums_end)?;
        if long_sum(&[&text]) != last[8..own] {
            return Err(Error::new(ErrorKind::InvalidData, "its footer is not as it was written: its sum differs"));
        }
        Ok(Some(Self { length, blocks: sums.chunks_exact(SUM).map(part).collect() }))
    }

    /// The blocks that some bytes lie in.
    pub fn blocks(bytes: &Range<u64>) -> Range<u64> {
        if bytes.is_empty() { 0..0 } else { bytes.start / BLOCK..(bytes.end - 1) / BLOCK + 1 }
    }

    /// Whether a block is as it was written.
    pub fn holds(&self, file: &File, block: u64) -> Result<bool> {
        let start = block * BLOCK;
        let Some(sum) = self.blocks.get(block as usize) else { return Ok(false) };
        let mut bytes = vec![0; BLOCK.min(self.length - start) as usize];
        match file.read_exact_at(&mut bytes, start) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| short_sum(&Hasher::new().update(&bytes).finalize()) == *sum),
        }
    }

    /// Whether all that has sums is as it was written.
    pub fn hold(&self, file: &File) -> Result<bool> {
        (0..self.blocks.len() as u64).try_fold(true, |so_far, block| Ok(so_far && self.holds(file, block)?))
    }
}

/// Writes a Parquet file with its sums, and takes the hash of the whole.
pub(super) struct Summing<'a> {
    file: &'a mut BufWriter<File>,
    /// Set where nothing but the footer is to come.
    ends: &'a AtomicBool,
    whole: Hasher,
    block: Hasher,
    blocks: Vec<[u8; SUM]>,
    length: u64,
    /// What came after `ends` was set.
    last: Vec<u8>,
}

impl<'a> Summing<'a> {
    pub fn new(file: &'a mut BufWriter<File>, ends: &'a AtomicBool) -> Self {
        let (whole, block) = (Hasher::new(), Hasher::new());
        Self { file, ends, whole, block, blocks: Vec::new(), length: 0, last: Vec::new() }
    }

    /// Writes the sums and the footer; gives the hash of the whole file.
    pub fn close(mut self) -> Result<blake3::Hash> {
        let last = std::mem::take(&mut self.last);
        let end = last.len().checked_sub(PARQUET_END);
        let footer = end.and_then(|end| end.checked_sub(footer_length(&last[end..]) as usize));
        let footer = footer.ok_or_else(|| Error::other("the Parquet writer wrote no footer"))?;
        self.take(&last[..footer])?;
        if !self.length.is_multiple_of(BLOCK) {
            self.end_block();
        }
        let sums = self.blocks.concat();
        let mut own = self.length.to_le_bytes().to_vec();
        own.extend(long_sum(&[&last[footer..]]));
        let of_all = long_sum(&[&sums, &own]);
        for bytes in [&sums, &own, of_all.as_slice(), &MARK, &last[footer..]] {
            self.whole.update(bytes);
            self.file.write_all(bytes)?;
        }
        Ok(self.whole.finalize())
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.whole.update(bytes);
        while !bytes.is_empty() {
            let room = (BLOCK - self.length % BLOCK) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.update(now);
            self.length += now.len() as u64;
            if self.length.is_multiple_of(BLOCK) {
                self.end_block();
            }
            bytes = later;
        }
        Ok(())
    }

    fn end_block(&mut self) {
        self.blocks.push(short_sum(&self.block.finalize()));
        self.block.reset();
    }
}

impl Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.ends.load(Ordering::Relaxed) {
            self.last.extend_from_slice(bytes);
        } else {
            self.take(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

fn footer_length(end: &[u8]) -> u32 {
    end.first_chunk().map_or(0, |length| u32::from_le_bytes(*length))
}

fn short_sum(hash: &blake3::Hash) -> [u8; SUM] {
    part(&hash.as_bytes()[..SUM])
}

fn long_sum(pieces: &[&[u8]]) -> [u8; LONG_SUM] {
    let mut hash = Hasher::new();
    for piece in pieces {
        hash.update(piece);
    }
    part(&hash.finalize().as_bytes()[..LONG_SUM])
}

/// Bytes whose number is known.
fn part<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}
