//! Reports: what stands in the Markdown and in the page, that both are safe, and the page in a real browser.

use crate::support::stored::Stored;
use std::path::{Path, PathBuf};
use tessera::report::{Form, Written, write, write_as};
use tessera::spec::{Document, Report, read};

const SECTIONS: &str = r#"
title: "Firing rates <script>alert(1)</script>"
last_week: |
  The new method does not work. <img src=x onerror=alert(1)> [bad](javascript:alert(1)) </script>
sections:
  - title: A faster constraint
    text: Rates do **not** narrow, see [the paper](https://example.org/paper).
    figures:
      - {kind: curve, y: kl, color: method, facet: fr_learning_rate, caption: "`kl` </script><script>alert(2)</script>"}
      - {kind: histogram, y: rate_per_neuron, color: method}
    tables: [{rows: method, cols: fr_learning_rate}, {rows: [method, fr_learning_rate]}, {rows: method}]
    compare: [{by: method}]
  - title: Nothing here
    text: |
      | a quantity with a long name | another one of as many words | and a third |
      |---|---|---|
      | 0.123456789 ± 0.000000001 | 0.123456789 ± 0.000000001 | 0.123456789 ± 0.000000001 |
    figures: [{kind: curve, name: lost, where: {method: gamma}}]
ideas: [A schedule.]
"#;

pub fn report(stored: &Stored, name: &str, since: &str) -> Report {
    let folder = stored.results();
    std::fs::write(folder.join("retina_test.yaml"), Stored::spec("retina_test")).unwrap();
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, format!("report: {name}\n{since}sweeps: [retina_test.yaml]\n{SECTIONS}")).unwrap();
    match read(&path, &[]) {
        Ok((Document::Report(report), _)) => *report,
        Ok(_) => panic!("a sweep"),
        Err(problems) => panic!("{}", tessera::error::render_problems(&problems, false)),
    }
}

pub fn written(stored: &Stored, name: &str, since: &str) -> (Written, PathBuf) {
    let out = stored.results().join("reports").join(name);
    (write(&report(stored, name, since), stored.results(), &out).unwrap(), out)
}

pub fn written_as(stored: &Stored, name: &str, head: &str, forms: &[Form]) -> (Written, PathBuf) {
    let out = stored.results().join("reports").join(name);
    (write_as(&report(stored, name, head), stored.results(), &out, forms).unwrap(), out)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_report_holds_its_figures_tables_and_texts() {
    let stored = Stored::new("retina_test");
    let (written, out) = written(&stored, "weekly", "");
    let (page, markdown) = (text(&written.html), text(&written.markdown));
    assert_eq!(page.matches("<svg").count(), 3);
    assert_eq!(page.matches("@font-face").count(), 1, "the font stands once in a page");
    for shown in ["This week", "1. A faster constraint", "| two_losses | lagrange |", "(figures/lost.png)", "## Ideas"]
    {
        assert!(markdown.contains(shown), "{shown} in\n{markdown}");
    }
    // What differs inside a cell is said; what moves with the cell is not.
    assert_eq!(markdown.matches("pooled over").count(), 1, "{markdown}");
    assert!(markdown.contains("pooled over fr_learning_rate (0.1, 0.01, 0.001): n counts these too"), "{markdown}");
    assert_eq!(written.empty.len(), 1);
    assert!(page.contains("No runs match for:") && markdown.contains("No runs match for:"));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for ending in [".svg", ".png", "-slide.png"] {
        assert!(out.join(format!("figures/lost{ending}")).is_file(), "{ending}");
    }
}

#[test]
fn the_same_store_gives_the_same_bytes() {
    let stored = Stored::new("retina_test");
    let first = written(&stored, "weekly", "").0;
    let before = (text(&first.html), text(&first.markdown));
    let again = written(&stored, "weekly", "").0;
    assert!(before == (text(&again.html), text(&again.markdown)));
}

#[test]
fn a_report_says_what_changed_since_another() {
    let stored = Stored::new("retina_test");
    written(&stored, "first", "");
    let (second, _) = written(&stored, "second", "");
    assert!(text(&second.markdown).contains("- Nothing in the results."), "{}", text(&second.markdown));
    // Numbers that a figure showed then are others now: its hash is another.
    let kept = stored.results().join("reports/first/report.json");
    let mut state: serde_json::Value = serde_json::from_str(&text(&kept)).unwrap();
    let figures = state["figures"].as_object_mut().unwrap();
    assert!(figures.len() > 1);
    let name = figures.keys().next().unwrap().clone();
    figures[&name] = "0".into();
    std::fs::write(&kept, state.to_string()).unwrap();
    let (second, _) = self::written(&stored, "second", "since: first\n");
    let line = format!("Figures with other numbers: {name} (1 of ");
    assert!(text(&second.markdown).contains(&line), "{}", text(&second.markdown));
    // A report that is named and not there is an error, not silence.
    let lost = report(&stored, "third", "since: nowhere\n");
    let error = write(&lost, stored.results(), &stored.results().join("reports/third")).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn text_from_specs_cannot_act() {
    let stored = Stored::new("retina_test");
    let (written, _) = written(&stored, "weekly", "");
    let (page, markdown) = (text(&written.html), text(&written.markdown));
    assert_eq!(page.matches("<script").count(), 2, "the page's own data and script");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("href=\"javascript") && !page.contains("<img"));
    let policy = page.replace("&#x27;", "'");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"));
    assert!(!markdown.contains("<script") && !markdown.contains("<img"), "{markdown}");
}

/// A folder with a sweep of a shell script and a report of one figure.
fn house(figure: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("train.sh", "printf 'step,loss\\n1,%s\\n2,%s\\n' \"$2\" \"$2\" > \"$1/metrics.csv\"\n");
    put(
        "s.yaml",
        "sweep: s\ncommand: sh train.sh {run.dir} {x}\nmetric: {name: loss, goal: min, reduce: last}\ngrid: {x: [1, 2]}\n",
    );
    put(
        "weekly.yaml",
        &format!("report: weekly\nsweeps: [s.yaml]\nsections:\n  - title: Loss\n    figures:\n      - {figure}\n"),
    );
    folder
}

/// `tessera report weekly.yaml …`: its exit code and what it said on standard error.
fn tessera_report(house: &tempfile::TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let output = crate::support::tessera()
        .args(["report", "weekly.yaml"])
        .args(arguments)
        .current_dir(house.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_report_first_executes_what_is_missing_when_asked() {
    let house = house("{kind: scatter, x: loss, y: loss}");
    let (code, said) = tessera_report(&house, &[]);
    assert!(code == Some(2) && said.contains("`--run` executes"), "{said}");
    let (code, said) = tessera_report(&house, &["--run"]);
    assert!(code == Some(0) && said.contains("s: 2 done"), "{said}");
    let page = || text(&house.path().join("results/reports/weekly/report.html"));
    let first = page();
    let (code, said) = tessera_report(&house, &["--run"]);
    assert!(code == Some(0) && said.contains("nothing to do"), "{said}");
    assert!(first == page(), "the same store and spec give the same bytes");
}

#[test]
fn a_figure_of_what_was_never_recorded_names_the_nearest_and_the_line() {
    let house = house("{kind: curve, y: los}");
    let (code, said) = tessera_report(&house, &["--run"]);
    assert_eq!(code, Some(2), "{said}");
    for part in ["no run of `s` has the metric `los`", "did you mean `loss`?", "weekly.yaml:6"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn the_page_of_a_sweep_is_no_earlier_report() {
    let stored = Stored::new("retina_test");
    let page = Report::of_sweep(report(&stored, "any", "").sweeps.remove(0), PathBuf::from("retina_test.yaml"));
    write(&page, stored.results(), &stored.results().join("reports/retina_test")).unwrap();
    let (written, _) = written(&stored, "weekly", "");
    assert!(!text(&written.markdown).contains("New sweep"), "{}", text(&written.markdown));
}

#[test]
fn a_claim_turns_when_the_numbers_do() {
    let house = house("{kind: scatter, x: loss, y: loss}");
    let path = house.path().join("weekly.yaml");
    let claim =
        "    text: The loss is {{ mean('loss') }}.\n    claims: [{says: It is small., holds: mean('loss').mean < 2}]\n";
    std::fs::write(&path, text(&path) + claim).unwrap();
    let (code, said) = tessera_report(&house, &["--run", "--check"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!house.path().join("results/reports/weekly").exists(), "a check writes nothing");
    let (code, said) = tessera_report(&house, &[]);
    assert_eq!(code, Some(0), "{said}");
    let page = || text(&house.path().join("results/reports/weekly/report.md"));
    assert!(page().contains("The loss is 1.5 ± ") && page().contains("- **It is small.**"), "{}", page());
    let sweep = house.path().join("s.yaml");
    std::fs::write(&sweep, text(&sweep).replace("[1, 2]", "[1, 2, 9]")).unwrap();
    let (code, _) = tessera_report(&house, &["--run", "--check"]);
    assert_eq!(code, Some(1));
    let (code, said) = tessera_report(&house, &["--edition", "next"]);
    assert!(code == Some(0) && said.contains("no longer holds: It is small. (mean = 4)"), "{said}");
    assert!(
        page().contains("The loss is 4") && page().contains("- **no longer holds: It is small. (mean = 4)**"),
        "{}",
        page()
    );
    // The next edition says what turned, and both are kept.
    for line in ["- s: 1 more runs done (3 in all).", "- No longer holds: It is small (mean = 4)."] {
        assert!(page().contains(line), "{line} in {}", page());
    }
    let editions = house.path().join("results/reports/weekly/editions");
    let mut names: Vec<_> = std::fs::read_dir(editions).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert!(names.len() == 2 && names[1] == "next", "{names:?}");
    // The same edition again is told against the same one, so it is the same.
    let before = page();
    tessera_report(&house, &["--edition", "next"]);
    assert_eq!(before, page());
    let (code, said) = tessera_report(&house, &["--edition", "../x"]);
    assert!(code == Some(2) && said.contains("cannot name an edition"), "{said}");
}
