//! Values in sentences: the same numbers as in tables and comparisons, claims that turn, and each mistake's message.

use crate::support::copy;
use crate::support::stored::Stored;
use tessera::analyse::{CompareRequest, PivotRequest, compare, mean, pivot};
use tessera::report::{Holds, check, write};
use tessera::spec::{Document, Filter, Report, read};

/// A report over `retina_test` with these lines in its one section.
fn report(stored: &Stored, section: &str) -> Report {
    let folder = stored.results();
    std::fs::write(folder.join("retina_test.yaml"), Stored::spec("retina_test")).unwrap();
    let path = folder.join("told.yaml");
    std::fs::write(&path, format!("report: told\nsweeps: [retina_test.yaml]\nsections:\n  - title: T\n{section}"))
        .unwrap();
    match read(&path, &[]) {
        Ok((Document::Report(report), _)) => *report,
        Ok(_) => panic!("a sweep"),
        Err(problems) => panic!("{}", tessera::error::render_problems(&problems, false)),
    }
}

/// What a text says.
fn said(stored: &Stored, text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("      {line}\n")).collect();
    let report = report(stored, &format!("    text: |\n{lines}"));
    let written = write(&report, stored.results(), &stored.results().join("reports/told")).unwrap();
    let page = std::fs::read_to_string(written.markdown).unwrap();
    page.split("### 1. T\n\n").nth(1).unwrap().trim().to_owned()
}

/// What is wrong with a section, as people read it.
fn wrong(stored: &Stored, section: &str) -> String {
    let error = check(&report(stored, section), stored.results()).unwrap_err();
    tessera::error::render(&error.into(), false)
}

fn filter(name: &str, value: &str) -> Filter {
    Filter { name: name.to_owned(), values: vec![tessera::record::Value::from(value)] }
}

#[test]
fn a_value_is_the_number_of_its_table() {
    let stored = Stored::new("retina_test");
    let sweep = stored.sweep();
    let request = PivotRequest {
        value: Some("kl".to_owned()),
        rows: vec!["method".to_owned()],
        columns: vec!["fr_learning_rate".to_owned()],
        ..PivotRequest::default()
    };
    let table = pivot(&sweep, &request).unwrap();
    for (row, method) in table.rows.iter().enumerate() {
        for (column, rate) in table.columns.iter().enumerate() {
            let cell = &table.cells[&(row, column)];
            let text = format!("{{{{ mean('kl', method='{}', fr_learning_rate={}) }}}}", method[0], rate[0]);
            let value = said(&stored, &text).replace(" bits", "").replace('−', "-");
            assert_eq!(value, cell.words(), "{text}");
            let numbers = format!(
                "{{% set v = mean(method='{}', fr_learning_rate={}) %}}{{{{ v.mean }}}} {{{{ v.low }}}} {{{{ v.high }}}} {{{{ v.n }}}}",
                method[0], rate[0]
            );
            let interval = cell.interval().unwrap();
            let expected = [interval.mean, interval.low, interval.high].map(|x| x.to_string()).join(" ");
            assert_eq!(said(&stored, &numbers), format!("{expected} {}", interval.n));
        }
    }
    let cell = &pivot(&sweep, &PivotRequest { rows: vec!["method".to_owned()], columns: Vec::new(), ..request })
        .unwrap()
        .cells[&(0, 0)];
    let of =
        |name: &str| said(&stored, &format!("{{{{ {name}('kl', method='lagrange').mean }}}}")).parse::<f64>().unwrap();
    let mut sorted = cell.values.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(of("min"), sorted[0]);
    assert_eq!(of("max"), sorted[sorted.len() - 1]);
    assert_eq!(of("sd"), tessera::analyse::standard_deviation(&cell.values));
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    assert!((of("median") - median).abs() < 1e-12);
    assert!((of("mean") - mean(&cell.values)).abs() < 1e-12);
    let counts = said(&stored, "{{ count(method='lagrange') }} {{ diverged() }} {{ count(status='any') }}");
    let all = sweep.states();
    let diverged = all.iter().filter(|run| run.status.to_string() == "diverged").count();
    assert_eq!(counts, format!("{} {diverged} {}", cell.values.len(), all.len()));
    // What else differs among the runs of a value is said with it.
    assert!(said(&stored, "{{ mean('kl', method='lagrange') }}").contains("over 3 fr_learning_rate)"));
}

#[test]
fn a_difference_is_the_number_of_its_comparison() {
    let stored = Stored::new("retina_test");
    let sweep = stored.sweep();
    let request = |filters| CompareRequest {
        by: "method".to_owned(),
        value: Some("kl".to_owned()),
        baseline: Some("lagrange".to_owned()),
        filters,
        ..CompareRequest::default()
    };
    for (extra, filters) in [("", Vec::new()), (", fr_learning_rate=0.01", vec![filter("fr_learning_rate", "0.01")])] {
        let table = compare(&sweep, &request(filters)).unwrap();
        let line = table.differences.iter().find(|line| line.at.is_empty()).unwrap();
        let interval = line.interval.unwrap();
        let call = format!("difference('kl', by='method', of='two_losses', minus='lagrange'{extra})");
        let numbers = said(
            &stored,
            &format!("{{% set d = {call} %}}{{{{ d.mean }}}} {{{{ d.low }}}} {{{{ d.high }}}} {{{{ d.n }}}}"),
        );
        assert_eq!(numbers, format!("{} {} {} {}", interval.mean, interval.low, interval.high, interval.n));
    }
    // The ratio of the means of the same pairs.
    let means = said(
        &stored,
        "{% set at = {'fr_learning_rate': 0.01} %}{{ mean(method='two_losses', where=at).mean / mean(method='lagrange', where=at).mean }} \
         {{ ratio(by='method', of='two_losses', to='lagrange', where=at).mean }}",
    );
    let (quotient, ratio) = means.split_once(' ').unwrap();
    assert!((quotient.parse::<f64>().unwrap() - ratio.parse::<f64>().unwrap()).abs() < 1e-9, "{means}");
    let best = said(
        &stored,
        "{{ best(by='method', fr_learning_rate=0.01) }} {{ best(by='method', fr_learning_rate=0.01, goal='min') }}",
    );
    let mut words = best.split(' ');
    assert_ne!(words.next(), words.next(), "{best}");
}

#[test]
fn values_across_levels_and_from_queries() {
    let stored = Stored::new("retina_test");
    let text = "{% for m in levels('method') %}{{ m }}{{ ' ' }}{% endfor %}{{ sql(\"SELECT count(*) FROM runs\") }} \
                {% for row in sql(\"SELECT method, count(*) AS n FROM runs GROUP BY method ORDER BY method\", rows=true) %}{{ row.method }}{{ row.n }}{% endfor %}";
    assert_eq!(said(&stored, text), "lagrange two_losses 18 lagrange9two_losses9");
    let span = said(
        &stored,
        "{{ across('kl', by='fr_learning_rate', method='two_losses').low == [mean(method='two_losses', fr_learning_rate=0.1).mean, mean(method='two_losses', fr_learning_rate=0.01).mean, mean(method='two_losses', fr_learning_rate=0.001).mean] | min }}",
    );
    assert_eq!(span, "True");
    assert_eq!(
        said(&stored, "{{ 7.0004 | digits(2) }} {{ 9.996 | digits(3) }} {{ -0.02 | digits(1) }}"),
        "7.0 10.0 −0.02"
    );
}

#[test]
fn a_changed_store_changes_the_sentence() {
    let one = Stored::new("retina_test");
    let other = Stored::long(1000, 500);
    let before = said(
        &one,
        "{{ sql(\"SELECT count(*) FROM runs\") }} {{ mean('kl', method='lagrange', fr_learning_rate=0.1) }}",
    );
    assert_eq!(
        before,
        said(
            &one,
            "{{ sql(\"SELECT count(*) FROM runs\") }} {{ mean('kl', method='lagrange', fr_learning_rate=0.1) }}"
        )
    );
    // The runs of another sweep come into the same store.
    let from = other.results().join("long");
    let to = one.results().join("long");
    copy(&from, &to);
    let after = said(
        &one,
        "{{ sql(\"SELECT count(*) FROM runs\") }} {{ mean('kl', method='lagrange', fr_learning_rate=0.1) }}",
    );
    assert!(before.starts_with("18 ") && after.starts_with("19 "), "{before} → {after}");
}

#[test]
fn claims_hold_fail_or_wait_for_runs() {
    let stored = Stored::new("retina_test");
    let section = r#"    claims:
      - mean('kl').n > 3
      - {says: "so many: {{ count() }}", holds: mean('kl').mean > 1e6}
      - mean('kl', seed=0, method='lagrange', fr_learning_rate=0.1).low > 0
"#;
    let report = report(&stored, section);
    let claims = check(&report, stored.results()).unwrap();
    assert_eq!(claims[0].holds, Holds::Yes);
    assert!(matches!(&claims[1].holds, Holds::No(found) if found.starts_with("mean = ")), "{:?}", claims[1]);
    assert!(matches!(&claims[2].holds, Holds::TooFew(why) if why.contains("n=1")), "{:?}", claims[2]);
    let written = write(&report, stored.results(), &stored.results().join("reports/told")).unwrap();
    let (page, markdown) =
        (std::fs::read_to_string(written.html).unwrap(), std::fs::read_to_string(written.markdown).unwrap());
    for shown in ["no longer holds: so many: ", "too few runs to decide: "] {
        assert!(page.contains(shown) && markdown.contains(shown), "{shown} in {markdown}");
    }
    assert!(page.contains("<li class=\"no\">") && page.contains("<li class=\"open\">"));
}

#[test]
fn each_mistake_has_its_place_and_the_nearest_name() {
    let stored = Stored::new("retina_test");
    for (value, message, help) in [
        ("mean('kl', method='lagrnge')", "no run of `retina_test` has method lagrnge", "did you mean `lagrange`?"),
        ("mean('kl', metod='lagrange')", "no parameter `metod` in `retina_test`", "did you mean `method`?"),
        ("mean('kll')", "no metric `kll` in `retina_test`", "did you mean `kl`?"),
        ("mena('kl')", "no function is called `mena`", "did you mean `mean`?"),
        ("mean('kl', sweep='retina')", "no sweep of this report is called `retina`", "retina_test"),
        ("mean('kl').hihg", "a value has no `.hihg`", "did you mean `high`?"),
        ("mean('kl', reduce='lst')", "`lst` is no reduction", "`last`"),
        ("mean('kl', seed=0, method='lagrange', fr_learning_rate=0.1).low", "one run (n=1) has no interval", ""),
        ("mean('kl', probe='rates')", "was never executed", "tessera probe rates"),
        ("difference('kl', by='method', of='gamma', minus='lagrange')", "no run has method gamma", "two_losses"),
        ("difference('kl', by='method', of='two_losses')", "`minus` is missing", "difference('kl'"),
        ("best('rate_mean')", "whether more or less of `rate_mean` is better is not known", "goal='max'"),
        ("sql('SELECT kl FROM runs')", "this query gives 18 rows", "rows=true"),
        ("sql('SELECT kll FROM runs')", "kll", "kl"),
        ("sql(\"SELECT * FROM read_parquet('x')\")", "a query in a spec may not read files", "runs"),
        ("count(status='done')", "no status is called `done`", "finished"),
        ("ref(fig.kl)", "no figure of this report is called `kl`", ""),
        ("lagrange", "nothing is called so here", ""),
        ("mean('kl'", "this is no value", ""),
        ("'a' if mean('kl') > 3 else 'b'", "this compares a value as a whole", "`.mean`"),
        ("mean('kl', method='lagrange', fr_learning_rate={'a': 1})", "`fr_learning_rate` is no level", "a level is"),
    ] {
        let text = wrong(&stored, &format!("    text: |\n      first {{{{ mean('kl') }}}}, then {{{{ {value} }}}}\n"));
        for part in [message, help, "told.yaml:6"] {
            assert!(text.contains(part), "{value}: {part} in\n{text}");
        }
    }
    // All at once, each at its own place.
    let text = wrong(
        &stored,
        "    text: |\n      {{ mean('kll') }} and\n      {{ mena('kl') }}\n    claims:\n      - mean('kl') > 3\n",
    );
    for part in ["told.yaml:6", "told.yaml:7", "told.yaml:9"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_methods_paragraph_says_what_was_swept() {
    let stored = Stored::new("retina_test");
    let text = said(&stored, "{{ methods() }}");
    for shown in [
        "The sweep `retina_test` has 18 runs of the trainer `retina` over fr_learning_rate (0.1, 0.01, 0.001) and method (lagrange, two_losses)",
        "with seeds 0, 1, 2; 17 finished, 1 diverged.",
        "Runs are judged by `kl` (",
        "; more is better).",
    ] {
        assert!(text.contains(shown), "{shown} in\n{text}");
    }
    assert!(said(&stored, "{{ methods(method='lagrange') }}").contains("has 9 runs"));
}
