//! One TensorBoard event: the part of its protocol buffers that holds numbers, texts and hyperparameters.
//!
//! A reader of its own, since a general one reads and allocates whole messages: here images, histograms and audio are
//! passed over by position, and nothing is allocated by a length that a file claims.

use super::window::Window;

/// Why a record cannot be read.
#[derive(Debug)]
pub enum EventError {
    /// The file could not be read.
    Io(std::io::Error),
    /// Its bytes are no event.
    Malformed,
}

impl From<std::io::Error> for EventError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// An event, as far as it is wanted.
#[derive(Debug, Default)]
pub struct Event {
    /// Seconds since 1970.
    pub wall: f64,
    /// May be negative where a program says so.
    pub step: i64,
    /// A session starts: what has this step or a later one is void (`purge_step`).
    pub session_start: bool,
    /// What it says.
    pub values: Vec<Value>,
}

/// One value of a summary.
#[derive(Debug, Default)]
pub struct Value {
    /// `terms/KL`
    pub tag: Vec<u8>,
    /// The plugin that its first event names: `scalars`, `text`, `hparams`; empty for most.
    pub plugin: String,
    /// What the plugin keeps with it: hyperparameters. Taken where texts are wanted.
    pub content: Vec<u8>,
    /// The number, of a simple value or a tensor with one element.
    pub number: Option<f64>,
    /// The text, where texts are wanted.
    pub text: Option<Vec<u8>>,
}

const LONGEST_TAG: u64 = 4 << 10;
const LONGEST_TEXT: u64 = 1 << 20;

/// Reads the event between two positions into `event`.
pub fn read(window: &mut Window, from: u64, to: u64, texts: bool, event: &mut Event) -> Result<(), EventError> {
    *event = Event { values: std::mem::take(&mut event.values), ..Event::default() };
    event.values.clear();
    let mut fields = Fields { window, at: from, end: to };
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Fixed64(bits)) => event.wall = f64::from_bits(bits),
            (2, Field::Varint(step)) => event.step = step.cast_signed(),
            (5, Field::Bytes(end)) => {
                let mut summary = fields.nested(end);
                while let Some((number, field)) = summary.next()? {
                    if let (1, Field::Bytes(end)) = (number, field) {
                        event.values.push(value(&mut summary.nested(end), texts)?);
                    }
                    summary.pass(field);
                }
            }
            (7, Field::Bytes(end)) => {
                let mut log = fields.nested(end);
                while let Some((number, field)) = log.next()? {
                    event.session_start |= matches!((number, field), (1, Field::Varint(1)));
                    log.pass(field);
                }
            }
            _ => {}
        }
        fields.pass(field);
    }
    Ok(())
}

fn value(fields: &mut Fields, texts: bool) -> Result<Value, EventError> {
    let mut value = Value::default();
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(end)) => value.tag = fields.bytes(end, LONGEST_TAG)?,
            (2, Field::Fixed32(bits)) => value.number = Some(f64::from(f32::from_bits(bits))),
            (8, Field::Bytes(end)) => tensor(&mut fields.nested(end), texts, &mut value)?,
            (9, Field::Bytes(end)) => metadata(&mut fields.nested(end), texts, &mut value)?,
            _ => {}
        }
        fields.pass(field);
    }
    Ok(value)
}

fn metadata(fields: &mut Fields, texts: bool, value: &mut Value) -> Result<(), EventError> {
    while let Some((number, field)) = fields.next()? {
        if let (1, Field::Bytes(end)) = (number, field) {
            let mut plugin = fields.nested(end);
            while let Some((number, field)) = plugin.next()? {
                match (number, field) {
                    (1, Field::Bytes(end)) => {
                        value.plugin = String::from_utf8_lossy(&plugin.bytes(end, LONGEST_TAG)?).into_owned();
                    }
                    (2, Field::Bytes(end)) if texts => value.content = plugin.bytes(end, LONGEST_TEXT)?,
                    _ => {}
                }
                plugin.pass(field);
            }
        }
        fields.pass(field);
    }
    Ok(())
}

/// A tensor with one element is a number; its first string is a text.
fn tensor(fields: &mut Fields, texts: bool, value: &mut Value) -> Result<(), EventError> {
    let (mut kind, mut elements) = (0, 1_u64);
    let mut raw: Option<[u8; 8]> = None;
    let mut number = None;
    while let Some((tag, field)) = fields.next()? {
        match (tag, field) {
            (1, Field::Varint(k)) => kind = k,
            (2, Field::Bytes(end)) => elements = shape(&mut fields.nested(end))?,
            (4, Field::Bytes(end)) if (1..=8).contains(&(end - fields.at)) => {
                let bytes = fields.bytes(end, 8)?;
                let mut eight = [0; 8];
                eight[..bytes.len()].copy_from_slice(&bytes);
                raw = Some(eight);
            }
            // Typed values, packed or one by one; the first is taken.
            (5, Field::Fixed32(bits)) => number = number.or(Some(f64::from(f32::from_bits(bits)))),
            (5, Field::Bytes(end)) if end - fields.at >= 4 => {
                number = number.or(Some(f64::from(f32::from_le_bytes(fields.array(fields.at)?))));
            }
            (6, Field::Fixed64(bits)) => number = number.or(Some(f64::from_bits(bits))),
            (6, Field::Bytes(end)) if end - fields.at >= 8 => {
                number = number.or(Some(f64::from_le_bytes(fields.array(fields.at)?)));
            }
            (7 | 10 | 11 | 13 | 16 | 17, field) => {
                let bits = match field {
                    Field::Varint(bits) => Some(bits),
                    Field::Bytes(end) if end > fields.at => Some(fields.nested(end).varint()?),
                    _ => None,
                };
                let whole = |bits: u64| match tag {
                    13 => half(bits as u16, kind),
                    16 | 17 => bits as f64,
                    _ => bits.cast_signed() as f64,
                };
                number = number.or(bits.map(whole));
            }
            (8, Field::Bytes(end)) if texts && value.text.is_none() => {
                value.text = Some(fields.bytes(end, LONGEST_TEXT)?);
            }
            _ => {}
        }
        fields.pass(field);
    }
    let numeric = matches!(kind, 1..=6 | 9 | 10 | 14 | 17 | 19 | 22 | 23);
    if elements == 1 && numeric {
        value.number = number.or(raw.map(|raw| decode(raw, kind)));
    }
    Ok(())
}

fn shape(fields: &mut Fields) -> Result<u64, EventError> {
    let mut elements = 1_u64;
    while let Some((number, field)) = fields.next()? {
        if let (2, Field::Bytes(end)) = (number, field) {
            let mut size = 0;
            let mut dimension = fields.nested(end);
            while let Some((number, field)) = dimension.next()? {
                if let (1, Field::Varint(n)) = (number, field) {
                    size = n;
                }
                dimension.pass(field);
            }
            elements = elements.saturating_mul(size);
        }
        fields.pass(field);
    }
    Ok(elements)
}

/// The first element of a tensor's raw bytes, by TensorFlow's number of its type.
fn decode(raw: [u8; 8], kind: u64) -> f64 {
    let [a, b, c, d, ..] = raw;
    match kind {
        1 => f64::from(f32::from_le_bytes([a, b, c, d])),
        2 => f64::from_le_bytes(raw),
        3 => f64::from(i32::from_le_bytes([a, b, c, d])),
        4 | 10 => f64::from(a),
        5 => f64::from(i16::from_le_bytes([a, b])),
        6 => f64::from(a.cast_signed()),
        9 => i64::from_le_bytes(raw) as f64,
        14 | 19 => half(u16::from_le_bytes([a, b]), kind),
        17 => f64::from(u16::from_le_bytes([a, b])),
        22 => f64::from(u32::from_le_bytes([a, b, c, d])),
        _ => u64::from_le_bytes(raw) as f64,
    }
}

/// A bfloat16 (type 14) or an IEEE half.
fn half(bits: u16, kind: u64) -> f64 {
    if kind == 14 {
        return f64::from(f32::from_bits(u32::from(bits) << 16));
    }
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

/// A field's value on the wire; of bytes only where they end: they begin where the reader stands.
#[derive(Clone, Copy)]
enum Field {
    Varint(u64),
    Fixed64(u64),
    Bytes(u64),
    Fixed32(u32),
}

/// The fields of one message.
struct Fields<'w> {
    window: &'w mut Window,
    at: u64,
    end: u64,
}

impl Fields<'_> {
    fn next(&mut self) -> Result<Option<(u64, Field)>, EventError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = self.varint()?;
                let end = self.at.checked_add(length).filter(|end| *end <= self.end);
                Field::Bytes(end.ok_or(EventError::Malformed)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take()?)),
            _ => return Err(EventError::Malformed),
        };
        Ok(Some((key >> 3, field)))
    }

    /// Goes to the end of a field that was looked at.
    fn pass(&mut self, field: Field) {
        if let Field::Bytes(end) = field {
            self.at = end;
        }
    }

    /// The message that a field holds.
    fn nested(&mut self, end: u64) -> Fields<'_> {
        Fields { window: self.window, at: self.at, end }
    }

    fn bytes(&mut self, end: u64, limit: u64) -> Result<Vec<u8>, EventError> {
        let length = end - self.at;
        if length > limit {
            return Err(EventError::Malformed);
        }
        Ok(self.window.peek(self.at, length as usize)?.ok_or(EventError::Malformed)?.to_vec())
    }

    fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], EventError> {
        let bytes = self.window.peek(at, N)?.ok_or(EventError::Malformed)?;
        bytes.try_into().map_err(|_| EventError::Malformed)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], EventError> {
        let bytes = self.array(self.at)?;
        self.at += N as u64;
        if self.at <= self.end { Ok(bytes) } else { Err(EventError::Malformed) }
    }

    fn varint(&mut self) -> Result<u64, EventError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(EventError::Malformed)
    }
}
