//! Reports: what stands in the Markdown and in the page, that both are safe, and the page in a real browser.

use crate::stored::Stored;
use std::path::{Path, PathBuf};
use tessera::report::{Written, write};
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
    tables: [{rows: method, cols: fr_learning_rate}, {rows: [method, fr_learning_rate]}]
    compare: [{by: method}]
  - title: Nothing here
    figures: [{kind: curve, name: lost, where: {method: gamma}}]
ideas: [A schedule.]
"#;

fn report(stored: &Stored, name: &str, since: &str) -> Report {
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

fn written(stored: &Stored, name: &str, since: &str) -> (Written, PathBuf) {
    let out = stored.results().join("reports").join(name);
    (write(&report(stored, name, since), stored.results(), &out).unwrap(), out)
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
    for shown in ["This week", "1. A faster constraint", "two_losses − lagrange", "(figures/lost.png)", "## Ideas"] {
        assert!(markdown.contains(shown), "{shown} in\n{markdown}");
    }
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
    assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
    assert!(!markdown.contains("<script") && !markdown.contains("<img"), "{markdown}");
}
