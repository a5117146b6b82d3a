//! The other way round: numbers and hyperparameters as TensorBoard events, for `export`.

pub use super::framing::framed;
use crate::record::Value;

/// A protocol buffers message under construction.
#[derive(Clone, Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn whole(mut self, field: u64, number: u64) -> Self {
        self.key(field, 0);
        self.varint(number);
        self
    }

    fn double(mut self, field: u64, number: f64) -> Self {
        self.key(field, 1);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn float(mut self, field: u64, number: f32) -> Self {
        self.key(field, 5);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn nested(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }
}

fn event(wall: f64, step: u64) -> Message {
    Message::default().double(1, wall).whole(2, step)
}

/// The first event of a file.
pub fn version(wall: f64) -> Vec<u8> {
    framed(&event(wall, 0).bytes(3, b"brain.Event:2").0)
}

/// Values of one step.
pub fn scalars<'a>(wall: f64, step: u64, values: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<u8> {
    let mut summary = Message::default();
    for (tag, value) in values {
        summary = summary.nested(1, &Message::default().bytes(1, tag.as_bytes()).float(2, value as f32));
    }
    framed(&event(wall, step).nested(5, &summary).0)
}

/// A summary value of the HParams plugin.
fn hparams(wall: f64, tag: &str, data: &Message) -> Vec<u8> {
    let plugin = Message::default().bytes(1, b"hparams").bytes(2, &data.0);
    let metadata = Message::default().nested(1, &plugin);
    let value = Message::default().bytes(1, tag.as_bytes()).nested(9, &metadata);
    framed(&event(wall, 0).nested(5, &Message::default().nested(1, &value)).0)
}

/// google.protobuf.Value
fn loose(value: &Value) -> Message {
    match value {
        Value::Null => Message::default().whole(1, 0),
        Value::Bool(b) => Message::default().whole(4, u64::from(*b)),
        value => match value.as_f64() {
            Some(number) => Message::default().double(2, number),
            None => Message::default().bytes(3, value.to_string().as_bytes()),
        },
    }
}

/// What all runs of an experiment have: names of hyperparameters (with a value for the type) and metrics.
pub fn experiment<'a>(
    wall: f64,
    parameters: impl IntoIterator<Item = (&'a str, &'a Value)>,
    metrics: impl IntoIterator<Item = &'a str>,
) -> Vec<u8> {
    let mut about = Message::default();
    for (name, value) in parameters {
        // DataType: string 1, bool 2, float64 3.
        let kind = if value.as_bool().is_some() { 2 } else { 1 + 2 * u64::from(value.as_f64().is_some()) };
        about = about.nested(4, &Message::default().bytes(1, name.as_bytes()).whole(4, kind));
    }
    for name in metrics {
        let name = Message::default().bytes(2, name.as_bytes());
        about = about.nested(5, &Message::default().nested(1, &name));
    }
    hparams(wall, "_hparams_/experiment", &Message::default().nested(2, &about))
}

/// One run begins, with its hyperparameters.
pub fn session_start<'a>(
    wall: f64,
    group: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a Value)>,
) -> Vec<u8> {
    let mut about = Message::default();
    for (name, value) in parameters {
        let entry = Message::default().bytes(1, name.as_bytes()).nested(2, &loose(value));
        about = about.nested(1, &entry);
    }
    about = about.bytes(4, group.as_bytes()).double(5, wall);
    hparams(wall, "_hparams_/session_start_info", &Message::default().nested(3, &about))
}

/// How a run ended. TensorBoard's status: success 1, failure 2, running 3, unknown 0.
pub fn session_end(wall: f64, status: u64) -> Vec<u8> {
    let about = Message::default().whole(1, status).double(2, wall);
    hparams(wall, "_hparams_/session_end_info", &Message::default().nested(4, &about))
}
