//! Numbers picked up from what programs write. `pickup/` holds event files of PyTorch's SummaryWriter and what
//! TensorBoard's own reader gives for them.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use tessera::pickup::{Picked, Pickup, encode};
use tessera::record::Rows;
use tessera::spec::{Metrics, MetricsSource};

/// A history as its reader sees it: the last value of a metric and step counts. Compared by bits, so NaN is equal.
type History = BTreeMap<String, BTreeMap<u64, u64>>;

fn add(history: &mut History, picked: &Picked) {
    if picked.restarted {
        history.clear();
    }
    for Rows { step, elapsed, metrics } in &picked.rows {
        assert_eq!(step.len(), elapsed.len());
        for (name, column) in metrics {
            assert_eq!(step.len(), column.len());
            let series = history.entry(name.clone()).or_default();
            series.extend(step.iter().copied().zip(column.iter().map(|x| x.0.to_bits())));
        }
    }
}

fn drain(pickup: &mut Pickup, history: &mut History) {
    loop {
        let picked = pickup.finish().unwrap();
        add(history, &picked);
        if !picked.more {
            break;
        }
    }
}

pub fn pick(folder: &Path, metrics: &Metrics) -> (History, Vec<String>) {
    let mut pickup = Pickup::new(folder, metrics, None);
    let mut history = History::new();
    drain(&mut pickup, &mut history);
    (history, pickup.notes())
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pickup")
}

type Series = BTreeMap<String, Vec<(u64, String)>>;

/// What TensorBoard reads, with the rule for several files applied.
fn expected() -> BTreeMap<String, Series> {
    let text = fs::read_to_string(fixture().join("expected.json")).unwrap();
    let folders: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut expected: BTreeMap<String, Series> = BTreeMap::new();
    for (folder, value) in folders {
        let (run, prefix) = folder.split_once('/').map_or((&*folder, String::new()), |(r, p)| (r, format!("{p}/")));
        let merged: Series = if run == "restarted" {
            let files: Vec<Series> = serde_json::from_value(value["files"].clone()).unwrap();
            files.into_iter().fold(Series::new(), |mut merged, later| {
                let first = later.values().flatten().map(|(step, _)| *step).min().unwrap();
                for (tag, series) in later {
                    let earlier = merged.entry(tag).or_default();
                    earlier.retain(|(step, _)| *step < first);
                    earlier.extend(series);
                }
                merged
            })
        } else {
            serde_json::from_value(value["folder"].clone()).unwrap()
        };
        let run = expected.entry(run.to_owned()).or_default();
        run.extend(merged.into_iter().map(|(tag, series)| (format!("{prefix}{tag}"), series)));
    }
    expected
}

fn history_of(series: &Series) -> History {
    let number = |text: &str| match text {
        "nan" => f64::NAN,
        text => text.parse().unwrap(),
    };
    let entry = |(tag, values): (&String, &Vec<(u64, String)>)| {
        (tag.clone(), values.iter().map(|(step, value)| (*step, number(value).to_bits())).collect())
    };
    series.iter().map(entry).collect()
}

#[test]
fn event_files_read_as_tensorboard_reads_them() {
    for (run, series) in expected() {
        let (history, notes) = pick(&fixture().join("runs").join(&run), &Metrics::default());
        assert_eq!(history, history_of(&series), "{run}");
        let replaced: Vec<&str> = notes.iter().map(String::as_str).collect();
        let said: &[&str] =
            if run == "mixed" { &["loss: 4 values replaced by later ones of the same step"] } else { &[] };
        assert_eq!(replaced, said, "{run}");
    }
}

/// Appends to a file.
fn grow(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However the files grow and whenever they are looked at, the history is the same.
    #[test]
    fn growing_files_give_what_whole_ones_do(pieces in proptest::collection::vec(1_usize..3000, 1..40)) {
        for (run, series) in expected() {
            let (source, target) = (fixture().join("runs").join(&run), tempfile::tempdir().unwrap());
            let mut pickup = Pickup::new(target.path(), &Metrics::default(), None);
            let mut history = History::new();
            let mut pieces = pieces.iter().cycle();
            for name in ["events.out.tfevents.0", "events.out.tfevents.1"] {
                let Ok(bytes) = fs::read(source.join(name)) else { continue };
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at((*pieces.next().unwrap()).min(rest.len()));
                    grow(&target.path().join(name), piece);
                    add(&mut history, &pickup.poll().unwrap());
                    rest = after;
                }
            }
            drain(&mut pickup, &mut history);
            let mut plain = history_of(&series);
            plain.retain(|tag, _| !tag.contains("both_") && !tag.contains("hparams/"));
            prop_assert_eq!(history, plain, "{}", run);
        }
    }
}

fn events(steps: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let scalar = |step| encode::scalars(1e9 + step as f64, step, [("loss", step as f64), ("acc", 0.5)]);
    std::iter::once(encode::version(1e9)).chain(steps.map(scalar)).collect()
}

#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Length(prop::sample::Index, u64),
    Insert(prop::sample::Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        (any::<prop::sample::Index>(), 1_u8..).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        (any::<prop::sample::Index>(), any::<u64>()).prop_map(|(at, length)| Damage::Length(at, length)),
        (any::<prop::sample::Index>(), proptest::collection::vec(any::<u8>(), 1..64))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Damaged files give what is whole: every value is one that was written; nothing panics.
    #[test]
    fn damaged_event_files(damages in proptest::collection::vec(damage(), 1..4)) {
        let mut bytes = events(0..30).concat();
        for damage in damages {
            if bytes.is_empty() {
                break;
            }
            match damage {
                Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
                Damage::Flip(at, mask) => { let i = at.index(bytes.len()); bytes[i] ^= mask; }
                Damage::Length(at, length) => {
                    let i = at.index(bytes.len());
                    for (to, from) in bytes[i..].iter_mut().zip(length.to_le_bytes()) { *to = from; }
                }
                Damage::Insert(at, more) => { let i = at.index(bytes.len()); drop(bytes.splice(i..i, more)); }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.out.tfevents.1"), &bytes).unwrap();
        let (history, _) = pick(folder.path(), &Metrics::default());
        for (tag, series) in history {
            for (step, value) in series {
                prop_assert!(tag == "acc" || f64::from_bits(value) == step as f64, "{} {} {}", tag, step, value);
            }
        }
    }

    /// Records with a good CRC and any bytes inside: no panic, no allocation by a length that the bytes claim.
    #[test]
    fn records_of_any_bytes(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = records.iter().flat_map(|record| encode::framed(record)).collect();
        fs::write(folder.path().join("events.out.tfevents.1"), &bytes).unwrap();
        pick(folder.path(), &Metrics::default());
    }

    /// The bytes of real events, flipped and framed anew, so that the CRC is good.
    #[test]
    fn events_with_flipped_bytes_and_a_good_crc(at in any::<prop::sample::Index>(), mask in 1_u8..) {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::read(fixture().join("runs/mixed/events.out.tfevents.0")).unwrap();
        let mut out = Vec::new();
        let mut rest = &file[..];
        while rest.len() >= 16 {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let mut record = rest[12..12 + length].to_vec();
            let i = at.index(record.len());
            record[i] ^= mask;
            out.extend(encode::framed(&record));
            rest = &rest[16 + length..];
        }
        fs::write(folder.path().join("events.out.tfevents.1"), &out).unwrap();
        pick(folder.path(), &Metrics::default());
    }
}

#[test]
fn a_damaged_record_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = events(0..10);
    let last = records[5].len() - 5;
    records[5][last] ^= 1;
    fs::write(folder.path().join("events.out.tfevents.1"), records.concat()).unwrap();
    let (history, notes) = pick(folder.path(), &Metrics::default());
    assert_eq!(history["loss"].keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(notes, ["events.out.tfevents.1: 1 damaged records were left out"]);

    records[8][3] ^= 1;
    fs::write(folder.path().join("events.out.tfevents.1"), records.concat()).unwrap();
    let (history, notes) = pick(folder.path(), &Metrics::default());
    assert_eq!(history["loss"].keys().copied().max(), Some(6));
    assert!(notes[1].contains("damaged at byte"), "{notes:?}");
}

#[test]
fn tags_are_chosen_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = |text| vec![glob::Pattern::new(text).unwrap()];
    let metrics = Metrics { tags: pattern("l*"), stop_on_nan: pattern("loss"), ..Metrics::default() };
    let nan = encode::scalars(2e9, 3, [("loss", f64::NAN), ("acc", f64::NAN)]);
    fs::write(folder.path().join("events.out.tfevents.1"), [events(0..3).concat(), nan].concat()).unwrap();
    let mut pickup = Pickup::new(folder.path(), &metrics, Some(1e9));
    let picked = pickup.poll().unwrap();
    assert_eq!(picked.diverged, Some((3, "loss".to_owned())));
    let rows = &picked.rows[0];
    assert_eq!((rows.metrics.len(), &rows.step[..], rows.elapsed[2].0), (1, &[0, 1, 2][..], 2.0));
}

#[test]
fn json_lines_grow() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let mut pickup = Pickup::new(folder.path(), &Metrics::default(), None);
    let mut history = History::new();
    for piece in
        ["{\"step\": 0, \"loss\": 0.1}\n{\"step\": 1, \"lo", "ss\": NaN, \"eval\": {\"acc\": 1}}\n", "{\"step\": 2"]
    {
        grow(&file, piece.as_bytes());
        add(&mut history, &pickup.poll().unwrap());
    }
    drain(&mut pickup, &mut history);
    assert_eq!(history["loss"], BTreeMap::from([(0, 0.1_f64.to_bits()), (1, f64::NAN.to_bits())]));
    assert_eq!(history["eval.acc"], BTreeMap::from([(1, 1_f64.to_bits())]));
    assert_eq!(pickup.notes(), ["1 row of log.jsonl left out: cut off at the end of the file (line 3)"]);
}

#[test]
fn a_csv_that_is_written_anew_with_more_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.csv");
    let mut pickup = Pickup::new(folder.path(), &Metrics::default(), None);
    let mut history = History::new();
    fs::write(&file, "step,loss\n0,1.5\n10,1.25\n").unwrap();
    add(&mut history, &pickup.poll().unwrap());
    fs::write(&file, "step,loss,\"val, mean\"\n0,1.5,\n10,1.25,\n20,nan,0.5\n").unwrap();
    add(&mut history, &pickup.poll().unwrap());
    drain(&mut pickup, &mut history);
    assert_eq!(history["loss"].keys().copied().collect::<Vec<_>>(), [0, 10, 20]);
    assert_eq!(history["val, mean"], BTreeMap::from([(20, 0.5_f64.to_bits())]));
    assert_eq!(pickup.notes(), [""; 0]);
}

#[test]
fn the_first_source_with_a_metric_counts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("metrics.csv"), "step,loss\n0,1\n").unwrap();
    fs::write(folder.path().join("train.jsonl"), "{\"step\": 5, \"loss\": 3}\n").unwrap();
    fs::write(folder.path().join("eval.jsonl"), "{\"step\": 5, \"loss\": 2}\n").unwrap();
    let empty = folder.path().join("events.out.tfevents.1");
    fs::write(&empty, encode::version(1e9)).unwrap();
    let mut pickup = Pickup::new(folder.path(), &Metrics::default(), None);
    assert!(pickup.poll().unwrap().rows.is_empty(), "event files may still get numbers");
    let mut history = History::new();
    drain(&mut pickup, &mut history);
    assert_eq!(history["loss"], BTreeMap::from([(0, 1_f64.to_bits())]));

    let source = Some(MetricsSource::JsonLines(glob::Pattern::new("*.jsonl").unwrap()));
    let (history, _) = pick(folder.path(), &Metrics { source, ..Metrics::default() });
    assert_eq!(history["loss"][&5], 2_f64.to_bits());
    assert_eq!(history["train/loss"][&5], 3_f64.to_bits());
}

#[test]
fn the_helpers_events() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "{\"event\": \"history\", \"step\": 1, \"time\": 1000000002, \"metrics\": {\"loss\": 0.5}}\n\
                 {\"event\": \"checkpoint\", \"step\": 1, \"file\": \"a.pt\"}\n{\"event\": \"arrays\", \"step\": 1, \"file\": \"w.safetensors\"}\n";
    fs::write(folder.path().join("events.jsonl"), lines).unwrap();
    let mut pickup = Pickup::new(folder.path(), &Metrics::default(), Some(1e9));
    let picked = pickup.finish().unwrap();
    assert_eq!((picked.rows[0].elapsed[0].0, picked.rows[0].metrics["loss"][0].0), (2.0, 0.5));
    assert_eq!(picked.checkpoints[0].path, folder.path().join("a.pt"));
    assert_eq!((picked.arrays[0].step, picked.arrays.len()), (1, 1));
}

/// A value that comes after rows of its step were handed out: the history is given once more, each step once.
#[test]
fn steps_that_go_back_replace_what_was_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.jsonl");
    let mut pickup = Pickup::new(folder.path(), &Metrics::default(), Some(1e9));
    let mut history = History::new();
    for lines in
        ["{\"step\": 0, \"a\": 1}\n{\"step\": 1, \"a\": 2}\n", "{\"step\": 2, \"a\": 3}\n", "{\"step\": 0, \"a\": 9}\n"]
    {
        grow(&file, lines.as_bytes());
        add(&mut history, &pickup.poll().unwrap());
    }
    let last = pickup.finish().unwrap();
    assert!(last.restarted && !last.more);
    assert_eq!(last.rows.iter().map(|rows| rows.step.clone()).collect::<Vec<_>>(), [[0]]);
    assert_eq!(last.rows[0].metrics["a"][0].0, 9.0);
    assert_eq!(
        pickup.notes(),
        ["3 values of metrics.jsonl left out: the program was started again at an earlier step"]
    );
}

/// Ten million bytes of pictures are passed over, not read.
#[test]
fn pictures_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("events.out.tfevents.1")).unwrap();
    // Event { step: 1, summary: { value: { tag: "p", image: { encoded: … } } } }
    let picture = vec![0x55; 1 << 20];
    let nested = |field: u8, inner: &[u8]| {
        let (mut out, mut length) = (vec![field << 3 | 2], inner.len());
        while length >= 0x80 {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        [&out, inner].concat()
    };
    let value = [nested(1, b"p"), nested(4, &nested(4, &picture))].concat();
    let event = encode::framed(&[vec![0x10, 1], nested(5, &nested(1, &value))].concat());
    for record in events(0..10) {
        file.write_all(&record).unwrap();
        file.write_all(&event).unwrap();
    }
    let (history, notes) = pick(folder.path(), &Metrics::default());
    assert_eq!((history["loss"].len(), history.len(), notes.len()), (10, 2, 0));
}

/// By metric: (step, value).
type Columns = BTreeMap<String, Vec<(u64, f64)>>;

/// The numbers of a text file as it stands, and what is said of it.
fn read_text(name: &str, text: &str, step: Option<&str>) -> (Columns, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let pattern = glob::Pattern::new(name).unwrap();
    let source = if name.ends_with("csv") { MetricsSource::Csv(pattern) } else { MetricsSource::JsonLines(pattern) };
    let metrics = Metrics { source: Some(source), step: step.map(str::to_owned), ..Metrics::default() };
    let (history, notes) = pick(folder.path(), &metrics);
    let series =
        |series: BTreeMap<u64, u64>| series.into_iter().map(|(step, bits)| (step, f64::from_bits(bits))).collect();
    (history.into_iter().map(|(name, values)| (name, series(values))).collect(), notes)
}

#[test]
fn rows_stand_under_the_names_and_steps_that_are_certain() {
    let (csv, notes) = read_text("m.csv", "step,note,loss,acc\n1,a,0.9,11\n2,b,c,0.8,12\n3,d,0.7,13\n", None);
    assert_eq!(csv["loss"], [(1, 0.9), (3, 0.7)]);
    assert_eq!(csv["acc"], [(1, 11.0), (3, 13.0)]);
    assert_eq!(notes, ["1 row of m.csv left out: more cells than names (line 3)"]);
    let (csv, _) = read_text("m.csv", "update,loss\n10,3\n20,2\n", Some("update"));
    assert_eq!(csv["loss"], [(10, 3.0), (20, 2.0)]);
    let (csv, notes) = read_text("m.csv", "step,loss\n-1,5\n0,0.9\n1,0.8\n", None);
    assert_eq!(csv["loss"], [(0, 0.9), (1, 0.8)]);
    assert_eq!(notes, ["1 row of m.csv left out: a step below 0 (line 2)"]);
    let (json, _) = read_text("m.jsonl", "{\"epoch\": 0.5, \"loss\": 2}\n{\"epoch\": 1.0, \"loss\": 1}\n", None);
    assert_eq!(json["loss"], [(0, 2.0), (1, 1.0)]);
    assert_eq!(json["epoch"], [(0, 0.5), (1, 1.0)]);
    let (json, _) = read_text("m.jsonl", "{\"Step\": \"7\", \"loss\": \"0.5\"}\n{\"best\": 3}\n", None);
    assert_eq!((json["loss"][0], json["best"][0]), ((7, 0.5), (7, 3.0)));
    let (json, _) = read_text("m.json", "[\n {\"step\": 1, \"loss\": 0.9},\n {\"step\": 2, \"loss\": 0.8}\n]\n", None);
    assert_eq!(json["loss"], [(1, 0.9), (2, 0.8)]);
}

#[test]
fn steps_that_go_back_are_a_restart_of_what_was_logged_before() {
    let line = |(step, name, value): &(u64, &str, f64)| format!("{{\"step\": {step}, \"{name}\": {value}}}\n");
    let lives = [(1, "a", 1.0), (2, "a", 2.0), (3, "a", 3.0), (3, "b", 9.0), (2, "a", 2.5), (4, "a", 4.5)];
    let (json, notes) = read_text("m.jsonl", &lives.iter().map(line).collect::<String>(), None);
    assert_eq!(json["a"], [(1, 1.0), (2, 2.5), (4, 4.5)]);
    assert!(!json.contains_key("b"));
    assert_eq!(notes, ["3 values of m.jsonl left out: the program was started again at an earlier step"]);
    // A metric that is logged for the first time does not go back.
    let phases = [(1, "train", 1.0), (2, "train", 2.0), (1, "test", 5.0), (2, "test", 6.0)];
    let (json, notes) = read_text("m.jsonl", &phases.iter().map(line).collect::<String>(), None);
    assert_eq!((json["train"].len(), json["test"].len(), notes.len()), (2, 2, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// However a program writes its file anew while it is read (longer, shorter, of the same length, under another header, by rename),
    /// what stands in it at the end is what is given.
    #[test]
    fn what_stands_in_the_file_at_the_end_counts(
        versions in proptest::collection::vec((0u8..3, 0usize..3, proptest::collection::vec(0u32..10, 0..5)), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metrics.csv");
        let mut pickup = Pickup::new(folder.path(), &Metrics::default(), Some(1e9));
        let mut history = History::new();
        let mut standing = (0, Vec::new());
        for (how, header, values) in versions {
            let names = ["step,loss", "step,loss,lr", "loss,step"][header];
            let row = |(step, value): (usize, &u32)| match header {
                0 => format!("{step},{value}\n"),
                1 => format!("{step},{value},1\n"),
                _ => format!("{value},{step}\n"),
            };
            let text: String = std::iter::once(format!("{names}\n")).chain(values.iter().enumerate().map(row)).collect();
            match how {
                0 => fs::write(&file, &text).unwrap(),
                1 => {
                    fs::write(folder.path().join("aside"), &text).unwrap();
                    fs::rename(folder.path().join("aside"), &file).unwrap();
                }
                _ => {
                    fs::write(&file, "").unwrap();
                    add(&mut history, &pickup.poll().unwrap());
                    fs::write(&file, &text).unwrap();
                }
            }
            add(&mut history, &pickup.poll().unwrap());
            standing = (header, values);
        }
        drain(&mut pickup, &mut history);
        let column = |x: &dyn Fn(u32) -> f64| {
            standing.1.iter().enumerate().map(|(step, value)| (step as u64, x(*value).to_bits())).collect::<BTreeMap<_, _>>()
        };
        let none = BTreeMap::new();
        prop_assert_eq!(history.get("loss").unwrap_or(&none), &column(&f64::from));
        let rates = if standing.0 == 1 { column(&|_| 1.0) } else { BTreeMap::new() };
        prop_assert_eq!(history.get("lr").unwrap_or(&none), &rates);
    }
}

/// Reads a folder while `write` changes it, a poll after each change; the history at the end and what is said of it.
fn watched(folder: &Path, metrics: &Metrics, by_itself: bool, changes: &[&dyn Fn()]) -> (History, Vec<String>) {
    let mut pickup = Pickup::new(folder, metrics, Some(1e9));
    let mut history = History::new();
    for change in changes {
        change();
        for _ in 0..2 {
            add(&mut history, &pickup.poll().unwrap());
        }
    }
    pickup.end(by_itself);
    drain(&mut pickup, &mut history);
    (history, pickup.notes())
}

fn series(values: &[(u64, f64)]) -> BTreeMap<u64, u64> {
    values.iter().map(|(step, value)| (*step, value.to_bits())).collect()
}

/// A program that deletes its event files, or writes another in the place of one, begins a new life.
#[test]
fn event_files_that_are_replaced_or_deleted_are_void() {
    let life = |value: f64, steps: std::ops::Range<u64>| -> Vec<u8> {
        steps.flat_map(|step| encode::scalars(2e9 + value + step as f64, step, [("loss", value)])).collect()
    };
    for (replaced, longer) in [(true, false), (true, true), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("events.out.tfevents.1"), folder.path().join("events.out.tfevents.2"));
        let end = if longer { 20 } else { 3 };
        let (history, notes) = watched(
            folder.path(),
            &Metrics::default(),
            true,
            &[&|| fs::write(&old, life(1.0, 0..9)).unwrap(), &|| {
                if replaced {
                    fs::write(&old, life(2.0, 0..end)).unwrap();
                } else {
                    fs::remove_file(&old).unwrap();
                    fs::write(&new, life(2.0, 0..end)).unwrap();
                }
            }],
        );
        let expected: Vec<(u64, f64)> = (0..end).map(|step| (step, 2.0)).collect();
        assert_eq!(history["loss"], series(&expected), "{replaced} {longer}");
        assert_eq!(notes, ["events.out.tfevents.1 was written anew or deleted: what it held before is left out"]);
    }
    // Where nothing stands in its place, what was read is all there is.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.out.tfevents.1");
    let changes: [&dyn Fn(); 2] = [&|| fs::write(&file, life(1.0, 0..3)).unwrap(), &|| fs::remove_file(&file).unwrap()];
    let (history, _) = watched(folder.path(), &Metrics::default(), true, &changes);
    assert_eq!(history["loss"], series(&[(0, 1.0), (1, 1.0), (2, 1.0)]));
}

/// Of a program that was ended from outside the last line may be cut off: `0.` of `0.7`.
#[test]
fn a_last_number_that_may_be_cut_off_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.csv");
    let write: [&dyn Fn(); 1] = [&|| fs::write(&file, "step,loss\n1,0.9\n2,0.").unwrap()];
    let (history, notes) = watched(folder.path(), &Metrics::default(), false, &write);
    assert_eq!(history["loss"], series(&[(1, 0.9)]));
    assert_eq!(notes, ["1 row of metrics.csv left out: cut off at the end of the file (line 3)"]);
    let (history, _) = watched(folder.path(), &Metrics::default(), true, &write);
    assert_eq!(history["loss"], series(&[(1, 0.9), (2, 0.0)]));
}

#[test]
fn texts_among_numbers_are_said() {
    for (name, text, said) in [
        (
            "metrics.csv",
            "step,note,loss\n1,a,0.9\n2,b,oops\n3,c,None\n",
            "1 value of loss in metrics.csv left out: `oops` is no number (line 3)",
        ),
        (
            "metrics.csv",
            "step,loss\n1,\"0,9\"\n2,0.8\n",
            "1 value of loss in metrics.csv left out: `0,9` is no number (line 2)",
        ),
        (
            "metrics.csv",
            "note,step,loss\na,1,0.9\n#1,2,0.8\n",
            "1 row of metrics.csv left out: a row that begins with `#`, as comments do (line 3)",
        ),
        (
            "m.jsonl",
            "{\"loss\": 1}\n{\"loss\": \"91%\"}\n",
            "1 value of loss in m.jsonl left out: `91%` is no number (line 2)",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(pick(folder.path(), &Metrics::default()).1, [said]);
    }
}

/// A line that is too long is passed over as a whole: its end is no row. One array of that length is read.
#[test]
fn long_lines_are_passed_over_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(5 << 20);
    fs::write(folder.path().join("metrics.csv"), format!("step,loss\n1,0.9\n2,{long},3,4\n5,0.7\n")).unwrap();
    let (history, notes) = pick(folder.path(), &Metrics::default());
    assert_eq!(history["loss"], series(&[(1, 0.9), (5, 0.7)]));
    assert_eq!(notes, ["1 lines of metrics.csv left out: longer than 4 MiB"]);
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[{{\"step\": 1, \"loss\": 2, \"note\": \"{long}\"}}, {{\"step\": 2, \"loss\": 1}}]");
    fs::write(folder.path().join("m.jsonl"), text).unwrap();
    let (history, notes) = pick(folder.path(), &Metrics::default());
    assert_eq!((&history["loss"], notes.len()), (&series(&[(1, 2.0), (2, 1.0)]), 0));
}

/// Which of two files has the plain name does not change because one of them is read again.
#[test]
fn names_stay_where_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (train, eval) = (folder.path().join("train.jsonl"), folder.path().join("eval.jsonl"));
    let changes: [&dyn Fn(); 3] = [
        &|| fs::write(&train, "{\"step\": 1, \"loss\": 0.9}\n").unwrap(),
        &|| fs::write(&eval, "{\"step\": 1, \"loss\": 5}\n").unwrap(),
        &|| fs::write(&train, "{\"step\": 1, \"loss\": 0.4}\n").unwrap(),
    ];
    let (history, _) = watched(folder.path(), &Metrics::default(), true, &changes);
    assert_eq!((&history["loss"], &history["eval/loss"]), (&series(&[(1, 0.4)]), &series(&[(1, 5.0)])));
}

/// Which of two files was made first is known, however late they are looked for; only versions and dates are lives of one.
#[test]
fn files_of_one_name_in_other_folders_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let csv = |name: &str, loss: f64| {
        let path = folder.path().join(name).join("metrics.csv");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("step,loss\n1,{loss}\n2,{loss}\n")).unwrap();
        // File systems know the time to some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let pattern = glob::Pattern::new("**/metrics.csv").unwrap();
    let metrics = Metrics { source: Some(MetricsSource::Csv(pattern)), ..Metrics::default() };
    let write: &dyn Fn() = &|| {
        csv("train", 1.0);
        csv("eval", 2.0);
        csv("fold_1", 3.0);
        csv("fold_2", 4.0);
        csv("logs/version_0", 5.0);
        csv("logs/version_1", 6.0);
    };
    let (history, _) = watched(folder.path(), &metrics, true, &[write]);
    let both = |loss: f64| series(&[(1, loss), (2, loss)]);
    let names = ["loss", "eval/loss", "fold_1/loss", "fold_2/loss", "logs/loss"];
    assert_eq!(history.keys().collect::<Vec<_>>(), {
        let mut names = names.to_vec();
        names.sort();
        names
    });
    for (name, loss) in names.iter().zip([1.0, 2.0, 3.0, 4.0, 6.0]) {
        assert_eq!(history[*name], both(loss), "{name}");
    }
}

/// Programs that were started again, by files, tags, steps and `purge_step`: the rule of restarts for each tag by itself, and
/// no value that TensorBoard's own reader does not have.
#[test]
fn restart_trees_read_as_the_rule_says() {
    #[derive(serde::Deserialize)]
    struct Tree {
        folder: BTreeMap<String, Vec<(u64, f64)>>,
        files: Vec<BTreeMap<String, Vec<(u64, f64)>>>,
        purges: Vec<Option<u64>>,
    }
    let root = fixture().join("trees");
    let text = fs::read_to_string(root.join("expected.json")).unwrap();
    let trees: BTreeMap<String, Tree> = serde_json::from_str(&text).unwrap();
    assert_eq!(trees.len(), 12);
    for (name, tree) in trees {
        let mut expected = History::new();
        for (file, purge) in tree.files.iter().zip(&tree.purges) {
            if let Some(purge) = purge {
                expected.values_mut().for_each(|series| drop(series.split_off(purge)));
            }
            for (tag, values) in file {
                let series = expected.entry(tag.clone()).or_default();
                series.split_off(&values[0].0);
                series.extend(values.iter().map(|(step, value)| (*step, value.to_bits())));
            }
        }
        expected.retain(|_, series| !series.is_empty());
        let (history, _) = pick(&root.join(&name), &Metrics::default());
        assert_eq!(history, expected, "{name}");
        for (tag, series) in history {
            for (step, value) in series {
                assert!(tree.folder[&tag].contains(&(step, f64::from_bits(value))), "{name}: {tag} at {step}");
            }
        }
    }
}
