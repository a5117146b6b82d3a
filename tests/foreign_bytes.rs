//! Bytes that other programs write, or that a disk made of them: whatever they are, parsers answer or refuse; they
//! neither panic nor hang, and what they accept they accept again.

use super::pickup::pick;
use proptest::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tessera::agent::command::newest;
use tessera::record::{Answer, Instruction, Layout};
use tessera::slurm::queue::{config, sacct, scontrol, squeue, time_left};
use tessera::spec::{Checkpoints, Metrics, MetricsSource, read};
use tessera::store::Sweep;

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Cut(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<prop::sample::Index>;
    // What means something to one parser or another.
    let words: Vec<&[u8]> = vec![
        b"\"",
        b"\n",
        b"\r",
        b",",
        b";",
        b"[",
        b"{",
        b"]",
        b"}",
        b":",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"nan",
        b"-",
        b"1e999",
        b"_",
        b"|",
        b"18446744073709551616",
        b"\xc3",
        b"#",
        b"null",
        b"&a *a",
        b"999999999999999999999",
    ];
    prop_oneof![
        place().prop_map(Edit::Cut),
        (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (place(), prop::sample::select(words)).prop_map(|(at, word)| Edit::Insert(at, word.to_vec())),
        (place(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (place(), place()).prop_map(|(from, to)| Edit::Repeat(from, to)),
    ]
}

/// A sample with some changes; now and then no sample at all.
fn foreign(sample: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let changed = prop::collection::vec(edit(), 1..6).prop_map(move |edits| {
        let mut bytes = sample.as_bytes().to_vec();
        for edit in edits {
            if bytes.is_empty() {
                break;
            }
            match edit {
                Edit::Cut(at) => bytes.truncate(at.index(bytes.len())),
                Edit::Replace(at, byte) => {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                Edit::Insert(at, more) => {
                    let at = at.index(bytes.len());
                    bytes.splice(at..at, more);
                }
                Edit::Repeat(from, to) => {
                    let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                    let part = bytes[from.min(to)..from.max(to)].to_vec();
                    bytes.splice(from..from, part);
                }
            }
        }
        bytes
    });
    prop_oneof![8 => changed, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

const CSV: &str = "# monitor\nstep,loss,\"a \"\"b\"\"\",note\n1,0.5,2,x\n2,\"0,25\",3,\"two\nlines\"\n3,nan,,\n";
const JSON_LINES: &str = "{\"step\": 1, \"loss\": 0.5, \"a\": {\"b\": [1, 2]}}\n{\"step\": 2, \"loss\": NaN}\n";
const EVENTS: &str = "{\"event\": \"history\", \"step\": 3, \"time\": 1.5, \"metrics\": {\"loss\": 0.5}}\n\
                      {\"event\": \"arrays\", \"step\": 3, \"file\": \"arrays-3.safetensors\"}\n";
const JOURNAL: &str = "{\"journal\":1,\"sweep\":\"a\",\"agent\":\"x\"}\n\
    {\"fact\":\"planned\",\"time\":1.0,\"spec\":\"00\",\"tessera\":\"0.1.0\",\"trainer\":\"toy\",\"common\":{\"x\":1},\
    \"runs\":[{\"run\":\"00112233445566aa\",\"seed\":0}]}\n\
    {\"fact\":\"stopped\",\"time\":2.0,\"run\":\"00112233445566aa\",\"attempt\":1,\"seconds\":3.0}\n";
const ANSWER: &str = "{\"event\":\"history\",\"run\":\"00112233445566aa\",\"attempt\":1,\"step\":[1,2],\"elapsed\":[0.1,0.2],\
    \"metrics\":{\"kl\":[1.5,\"NaN\"]}}";
const SQUEUE: &str =
    "12_3|12|RUNNING|None|a-1-00000000|node1|2026-11-27T07:00:00\n12_[4-9%2]|12|PENDING|Priority|a-1-00000000||\n";
const SACCT: &str = "12_3|12|COMPLETED|0:0|a-1-00000000|node1|0\n12_4.batch|12|CANCELLED by 0|0:15|batch|node1|1\n";
const SCONTROL: &str = "JobId=12 ArrayJobId=12 ArrayTaskId=3 JobName=a-1-00000000 JobState=RUNNING Reason=None Restarts=0 \
    NodeList=node1 ExitCode=0:0\n\nJobId=13 ArrayTaskId=4-9%2 JobState=PENDING\n";
const CONFIG: &str = "MaxArraySize = 1001\nAccountingStorageType = accounting_storage/slurmdbd\nKillWait = 30 sec\n";
const SPEC: &str = "sweep: a\ncommand: ./a {args} {run.dir}\nmetric: {name: loss, goal: min, reduce: mean_last 5%}\n\
    base: {lr: 0.1, b: = 1 - lr}\ngrid: {lr: [1x, {log: [1e-3, 1], n: 3}], c: [null, [1, [2]], {d: 1}]}\nseeds: 2\n";

/// What is picked up from one file.
fn picked(name: &str, bytes: &[u8], source: MetricsSource) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let metrics = Metrics { source: Some(source), ..Metrics::default() };
    let (history, _) = pick(folder.path(), &metrics);
    let again = pick(folder.path(), &metrics).0;
    assert_eq!(history, again);
}

fn pattern(text: &str) -> glob::Pattern {
    glob::Pattern::new(text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn csv(bytes in foreign(CSV)) {
        picked("metrics.csv", &bytes, MetricsSource::Csv(pattern("*.csv")));
    }

    #[test]
    fn json_lines(bytes in foreign(JSON_LINES)) {
        picked("log.jsonl", &bytes, MetricsSource::JsonLines(pattern("*.jsonl")));
    }

    #[test]
    fn events_of_the_helper(bytes in foreign(EVENTS)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.jsonl"), &bytes).unwrap();
        pick(folder.path(), &Metrics { source: Some(MetricsSource::Events), ..Metrics::default() });
    }

    #[test]
    fn journals(bytes in foreign(JOURNAL)) {
        let folder = tempfile::tempdir().unwrap();
        let path = Layout::new(folder.path(), "a").journal("x");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &bytes).unwrap();
        if let (Ok(whole), Ok(readable)) = (Sweep::open(folder.path(), "a"), Sweep::open_readable(folder.path(), "a")) {
            prop_assert_eq!(whole.states().len(), readable.states().len());
        }
    }

    #[test]
    fn answers_and_requests(bytes in foreign(ANSWER)) {
        if let Ok(answer) = serde_json::from_slice::<Answer>(&bytes) {
            let text = serde_json::to_string(&answer).unwrap();
            let again: Answer = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
        let _ = serde_json::from_slice::<Instruction>(&bytes);
    }

    #[test]
    fn words_of_slurm(
        a in foreign(SQUEUE), b in foreign(SACCT), c in foreign(SCONTROL), d in foreign(CONFIG), e in foreign("1-02:03:04"),
    ) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // A list of tasks says how many there are, however short it is.
        for row in squeue(&text(&a)).into_iter().chain(sacct(&text(&b))).chain(scontrol(&text(&c))) {
            row.is_of(3);
        }
        config(&text(&d));
        time_left(&text(&e));
    }

    #[test]
    fn names_of_checkpoints(
        names in prop::collection::vec("[a-z0-9._=~-]{1,12}|(model|step|epoch)[-_=]?[0-9]{0,25}[.]pt", 1..6),
        odd in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for name in names.iter().map(OsStr::new).chain([OsStr::from_bytes(&odd)]) {
            // Some are no names of files.
            let _ = fs::write(folder.path().join(Path::new(name).file_name().unwrap_or_default()), "x");
        }
        let policy = Checkpoints { pattern: pattern("*"), keep: Some(1), step: None };
        newest(folder.path(), &policy).unwrap();
    }

    #[test]
    fn specs(bytes in foreign(SPEC)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.yaml");
        fs::write(&path, &bytes).unwrap();
        if let Err(problems) = read(&path, &[]) {
            prop_assert!(!problems.0.is_empty());
            tessera::error::render_problems(&problems, true);
        }
    }
}
