//! What is executed for a command: arguments in the habits of four libraries, environment, setup lines, resuming.

use std::path::Path;
use std::process::Command as Process;
use tessera::agent::command::{Attempt, RenderError, Rendered, render, version};
use tessera::plan::expand;
use tessera::record::{Parameters, Resume, RunId, Value};
use tessera::spec::{Command, Document, Spelling, Template, pieces, read};

fn parameters() -> Parameters {
    let list = Value::List(vec![Value::Integer(64), Value::Integer(128)]);
    [
        ("learning_rate", Value::Number(0.00001)),
        ("method", Value::from("two losses; $HOME")),
        ("whiten", Value::Bool(true)),
        ("augment", Value::Bool(false)),
        ("sizes", list),
        ("limit", Value::Null),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn command(template: &str) -> Command {
    let mut command = Command { template: Template::parse(template).unwrap(), ..Command::default() };
    command.names.insert("seed".to_owned(), Some("random_seed".to_owned()));
    command
}

fn rendered(command: &Command, parameters: &Parameters, resume: Option<&Resume>) -> Result<Rendered, RenderError> {
    let run = RunId::of("a run");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = Path::new("/results/s/work/r/2");
    let attempt = Attempt {
        sweep: "s",
        spec_folder: folder,
        run: &run,
        attempt: 2,
        dir,
        parameters,
        seed: 7,
        threads: 3,
        resume,
    };
    render(command, &attempt)
}

fn output(rendered: &Rendered) -> String {
    let mut process = Process::new(&rendered.program);
    process.args(&rendered.arguments).envs(rendered.environment.iter().cloned()).current_dir(&rendered.directory);
    let output = process.output().unwrap();
    assert!(output.status.success(), "{rendered:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a script of `tests/habits/` understood.
fn understood(template: &str, dashes: bool) -> serde_json::Value {
    let mut command = command(template);
    if dashes {
        command.spelling = Some(Spelling::CLICK);
        command.names.insert("seed".to_owned(), Some("random-seed".to_owned()));
    }
    serde_json::from_str(&output(&rendered(&command, &parameters(), None).unwrap())).unwrap()
}

#[test]
fn scripts_understand_their_arguments() {
    let all = serde_json::json!({
        "learning_rate": 1e-5, "method": "two losses; $HOME", "whiten": true, "augment": false, "sizes": [64, 128],
        "limit": null, "random_seed": 7,
    });
    assert_eq!(understood("python3 tests/habits/argparse_style.py {args}", false), all);
    assert_eq!(understood("python3 tests/habits/click_style.py {args}", true), all);
    assert_eq!(understood("python3 tests/habits/fire_style.py {args:--k=v}", false), all);
    assert_eq!(understood("python3 tests/habits/hydra_style.py {args:k=v}", false), all);
}

#[test]
fn texts_stay_texts_where_values_are_parsed() {
    for template in
        ["python3 tests/habits/fire_style.py {args:--k=v}", "python3 tests/habits/hydra_style.py {args:k=v}"]
    {
        let texts = ["1", "true", "None", "a,b", "it's", "x: [y]", "back\\slash", "plain"];
        let parameters: Parameters =
            texts.iter().enumerate().map(|(i, text)| (format!("p{i}"), Value::from(*text))).collect();
        let mut command = command(template);
        command.names.clear();
        let said: serde_json::Value =
            serde_json::from_str(&output(&rendered(&command, &parameters, None).unwrap())).unwrap();
        for (name, value) in &parameters {
            assert_eq!(said[name], serde_json::json!(value.as_str()), "{template}");
        }
    }
}

/// What `tests/habits/check.py` showed the real packages to understand.
#[test]
fn arguments_are_spelled_as_the_packages_read_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/habits/cases.json");
    let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let parameters: Parameters = serde_json::from_value(cases["parameters"].clone()).unwrap();
    for (style, template) in
        [("argparse", "t {args}"), ("click", "t {args}"), ("fire", "t {args:--k=v}"), ("hydra", "t {args:k=v}")]
    {
        let mut command = command(template);
        command.names.clear();
        command.spelling = (style == "click").then_some(Spelling::CLICK);
        let arguments = rendered(&command, &parameters, None).unwrap().arguments;
        let known = cases["cases"].as_array().unwrap().iter().find(|case| case["style"] == style);
        let known = known.map(|case| case["arguments"].clone());
        assert_eq!(known, Some(serde_json::json!(arguments)), "{style}: {}", serde_json::json!(arguments));
    }
}

/// The table of spellings in the docs says what is passed.
#[test]
fn the_docs_show_how_values_are_spelled() {
    let quoted = |word: &String| {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=.+:/".contains(c));
        match word {
            word if plain => word.clone(),
            word if word.contains('\'') => format!("\"{word}\""),
            word => format!("'{word}'"),
        }
    };
    let styles =
        [("t {args}", None), ("t {args}", Some(Spelling::CLICK)), ("t {args:--k=v}", None), ("t {args:k=v}", None)];
    let values = [
        "1e-5",
        "a b",
        "\"3\"",
        "true",
        "false",
        "null",
        "[1, 2]",
        "[a, b c]",
        "[-1, -2.5]",
        "[true, null]",
        "[[1, 2], [3]]",
        "[]",
    ];
    let mut table = "| value of `v` | argparse | click | Fire | Hydra |\n|---|---|---|---|---|\n".to_owned();
    for value in values {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.yaml");
        std::fs::write(&path, format!("sweep: a\ncommand: t {{args}}\nbase: {{v: {value}}}\n")).unwrap();
        let (Document::Sweep(sweep), _) = read(&path, &[]).unwrap() else { panic!("a sweep") };
        let plan = expand(&sweep, &|_| Err(String::new())).unwrap();
        let parameters = plan.runs[0].parameters();
        table += &format!("| `{value}` |");
        for (template, spelling) in styles {
            let mut command = command(template);
            command.names.clear();
            command.spelling = spelling;
            let words = rendered(&command, &parameters, None).unwrap().arguments;
            let words = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
            table += &if words.is_empty() { " |".to_owned() } else { format!(" `{words}` |") };
        }
        table += "\n";
    }
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/any-trainer.md")).unwrap();
    assert!(docs.contains(&table), "docs/any-trainer.md lacks this table:\n{table}");
}

#[test]
fn names_are_mapped_and_what_the_template_names_is_not_repeated() {
    let mut command = command("./train.sh --dir={run.dir} {method} {args}");
    command.names.insert("learning_rate".to_owned(), Some("FR_learning_rate".to_owned()));
    command.names.insert("sizes".to_owned(), None);
    let rendered = rendered(&command, &parameters(), None).unwrap();
    assert!(rendered.program.is_absolute() && rendered.program.ends_with("train.sh"));
    let expected = [
        "--dir=/results/s/work/r/2",
        "two losses; $HOME",
        "--FR_learning_rate",
        "1e-5",
        "--whiten",
        "--random_seed",
        "7",
    ];
    assert_eq!(rendered.arguments, expected);
}

#[test]
fn the_environment_says_the_same() {
    let mut command = command("env");
    command.environment.insert("WHERE".to_owned(), pieces("{run.dir}/x-{seed}").unwrap());
    let said = output(&rendered(&command, &parameters(), None).unwrap());
    for line in [
        "TESSERA_RUN_DIR=/results/s/work/r/2",
        "TESSERA_SEED=7",
        "TESSERA_SWEEP=s",
        "TESSERA_RUN_ATTEMPT=2",
        "TESSERA_LEARNING_RATE=1e-5",
        "WHERE=/results/s/work/r/2/x-7",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} in {said}");
    }
}

#[test]
fn setup_lines_come_first_and_arguments_never_meet_a_shell() {
    let mut command = command("sh -c 'echo $FROM_SETUP; echo \"$0\"' {method}");
    command.setup = vec!["export FROM_SETUP=yes".to_owned()];
    assert_eq!(output(&rendered(&command, &parameters(), None).unwrap()), "yes\ntwo losses; $HOME\n");
    command.setup = vec!["false".to_owned()];
    let rendered = rendered(&command, &parameters(), None).unwrap();
    assert!(!Process::new(&rendered.program).args(&rendered.arguments).status().unwrap().success());
}

#[test]
fn resuming_takes_the_other_template() {
    let mut command = command("train {args}");
    command.resume = Some(Template::parse("train --load {checkpoint} --from {step}").unwrap());
    let resume = Resume { attempt: 1, step: 400, checkpoint: "/c/step-400.pt".into() };
    let rendered_again = rendered(&command, &parameters(), Some(&resume)).unwrap();
    assert_eq!(rendered_again.arguments, ["--load", "/c/step-400.pt", "--from", "400"]);
    assert!(rendered_again.environment.contains(&("TESSERA_CHECKPOINT".to_owned(), "/c/step-400.pt".to_owned())));
    command.template = Template::parse("train {checkpoint}").unwrap();
    assert_eq!(rendered(&command, &parameters(), None), Err(RenderError::NothingResumed("checkpoint")));
    command.template = Template::parse("train {nothing}").unwrap();
    assert_eq!(rendered(&command, &parameters(), None), Err(RenderError::NoParameter("nothing".to_owned())));
}

#[test]
fn the_version_follows_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let patterns = ["*.py".to_owned()];
    assert_eq!(version(&patterns, folder.path()).unwrap(), "");
    std::fs::write(folder.path().join("a.py"), "x = 1").unwrap();
    let first = version(&patterns, folder.path()).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    assert_eq!(version(&patterns, folder.path()).unwrap(), first);
    std::fs::write(folder.path().join("a.py"), "x = 2").unwrap();
    assert_ne!(version(&patterns, folder.path()).unwrap(), first);
}

/// The Python helper writes what is picked up.
#[test]
fn the_python_helper() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import sys; sys.path.insert(0, 'python'); import tessera\n\
                  tessera.log(3, {'terms/KL': 0.1}, loss=float('nan'))\n\
                  tessera.array('w', [[1, 2, 3], [4, 5, 6]], 3)\n\
                  tessera.checkpoint('a.pt', 3)\nprint(tessera.resume())";
    let said = Process::new("python3")
        .args(["-c", script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TESSERA_RUN_DIR", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TESSERA_CHECKPOINT", "/c/x.pt")
        .env("TESSERA_STEP", "9")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "('/c/x.pt', 9)\n", "{}", String::from_utf8_lossy(&said.stderr));
    let metrics = tessera::spec::Metrics::default();
    let picked = tessera::pickup::Pickup::new(folder.path(), &metrics, None).finish().unwrap();
    let rows = &picked.rows[0];
    assert_eq!((&rows.step[..], rows.metrics["terms/KL"][0].0), (&[3][..], 0.1));
    assert!(rows.metrics["loss"][0].0.is_nan());
    assert_eq!((picked.arrays[0].step, picked.checkpoints[0].step), (3, 3));
    let bytes = std::fs::read(&picked.arrays[0].path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    assert_eq!(header["w"], serde_json::json!({"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}));
}
