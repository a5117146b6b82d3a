//! `tessera query` as people give it: answers of any length, to files and into pipes, and what is said of damage.

use crate::support::stage::{Stage, planned, run_id};
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tessera::agent::Sink;
use tessera::analyse::{Files, Format, Grid, query};
use tessera::record::{Fact, Value};
use tessera::store::Writer;

fn command(results: &Path, sql: &str, further: &[&str]) -> Command {
    let mut command = crate::support::tessera();
    command.args(["query", sql]).args(further).arg("--results").arg(results);
    command
}

fn ask(results: &Path, sql: &str, further: &[&str]) -> Output {
    command(results, sql, further).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `a CROSS JOIN b` has four million rows of these.
const MANY: &str = "SELECT a.run AS run, b.run AS other, a.seed + b.seed AS sum, a.seed - b.seed AS difference, \
                    a.seed * b.seed AS product, a.seed * 2 AS twice, b.seed * 3 AS thrice, a.seed + 7 AS more \
                    FROM runs a CROSS JOIN runs b";

#[test]
fn answers_are_written_as_parquet() {
    let mut stage = Stage::new(&["lagrange"], 1);
    stage.execute(&run_id("lagrange", 0), 5, |step| step as f64);
    stage.writer.commit().unwrap();
    let results = stage.results.path();
    let file = results.join("answer.parquet").to_string_lossy().into_owned();
    let sum = |file: &str| {
        let sql = format!("SELECT sum(kl) AS total, count(*) AS n FROM read_parquet('{file}')");
        text(&ask(results, &sql, &["--format", "csv"]).stdout)
    };
    assert!(ask(results, "SELECT step, kl FROM history", &["--out", &file]).status.success());
    assert_eq!(sum(&file), "total,n\n10,5\n");
    let piped = ask(results, "SELECT step, kl FROM history", &["--format", "parquet"]);
    assert!(piped.status.success());
    let other = results.join("piped.parquet");
    std::fs::write(&other, piped.stdout).unwrap();
    assert_eq!(sum(&other.to_string_lossy()), "total,n\n10,5\n");
}

/// Whoever reads slowly, or has read enough, must not make the whole answer pile up.
#[test]
fn an_answer_goes_into_a_pipe_as_it_comes() {
    let stage = Stage::new(&["lagrange", "gamma"], 1000);
    for format in ["parquet", "csv", "json"] {
        let mut child = command(stage.results.path(), MANY, &["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
        let mut first = [0; 4];
        out.read_exact(&mut first).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
        // As columns it is 350 MiB, as text more.
        assert!(most < 300 << 10, "{format}: {} MiB", most >> 10);
        drop(out);
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{format}: {ended:?}");
    }
}

#[test]
fn an_answer_in_pieces_is_the_answer() {
    let stage = Stage::new(&["lagrange"], 150);
    let results = stage.results.path();
    let long = "SELECT a.run AS a, b.seed AS b, a.method AS c FROM runs a CROSS JOIN runs b ORDER BY a, b";
    for sql in [long, "SELECT run, step FROM history"] {
        let frame = query(results, sql, Files::Refused).unwrap().frame;
        for (name, format) in [("csv", Format::Csv), ("json", Format::Json)] {
            let whole = Grid::of_frame(&frame, format).render(format);
            assert!(text(&ask(results, sql, &["--format", name]).stdout) == whole, "{name} of {sql}");
            let file = results.join("answer").to_string_lossy().into_owned();
            assert!(ask(results, sql, &["--format", name, "--out", &file]).status.success());
            assert!(std::fs::read_to_string(&file).unwrap() == whole, "{name} of {sql} in a file");
        }
    }
}

#[test]
fn a_query_that_fails_leaves_the_file_as_it_was() {
    let stage = Stage::new(&["lagrange"], 1);
    let results = stage.results.path();
    let file = results.join("answer.csv");
    std::fs::write(&file, "older\n").unwrap();
    let path = file.to_string_lossy().into_owned();
    let wrong = ask(results, "SELECT methd FROM runs", &["--format", "csv", "--out", &path]);
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "older\n");
    let nowhere = results.join("no/such/answer.csv").to_string_lossy().into_owned();
    let refused = ask(results, "SELECT method FROM runs", &["--format", "csv", "--out", &nowhere]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains(&format!("cannot write {nowhere}: No such file")), "{refused:?}");
}

#[test]
fn a_sweep_whose_journal_cannot_be_read_is_named_and_passed_over() {
    let stage = Stage::new(&["lagrange"], 2);
    let results = stage.results.path();
    std::fs::create_dir_all(results.join("odd/journal")).unwrap();
    std::fs::write(results.join("odd/journal/a.jsonl"), "hello\n").unwrap();
    let answer = ask(results, "SELECT count(*) AS n FROM runs", &["--format", "csv"]);
    assert_eq!((answer.status.code(), text(&answer.stdout)), (Some(0), "n\n2\n".to_owned()));
    let said = text(&answer.stderr);
    assert!(said.contains("warning: ") && said.contains("odd/journal/a.jsonl, line 1"), "{said}");
    assert!(said.contains("tessera verify odd --repair"), "{said}");
}

#[test]
fn the_help_names_every_table() {
    let help = crate::support::tessera().args(["query", "--help"]).output().unwrap();
    for table in ["runs (", "history (", "arrays (", "probes (", "probe_arrays"] {
        assert!(text(&help.stdout).contains(table), "{table}");
    }
}

#[test]
fn a_column_that_differs_between_sweeps_is_text_and_that_is_said() {
    let stage = Stage::new(&["lagrange"], 1);
    let results = stage.results.path();
    let mut plan = planned(&["lagrange"], 1);
    if let Fact::Planned { common, .. } = &mut plan {
        common.insert("learning_rate".to_owned(), Value::from("fast"));
        common.insert("neurons".to_owned(), Value::from(4.5));
    }
    Writer::open(results, "odd", "agent").unwrap().fact(plan).unwrap();
    let asked = ask(results, "SELECT sweep, learning_rate, neurons FROM runs ORDER BY sweep", &["--format", "csv"]);
    assert_eq!(text(&asked.stdout), "sweep,learning_rate,neurons\nodd,fast,4.5\ntest,0.01,40\n");
    let said = text(&asked.stderr);
    assert!(said.contains("note: column learning_rate has other types in other sweeps"), "{said}");
    assert_eq!(said.lines().count(), 1, "whole numbers and others are numbers: {said}");
}
