//! `tessera new --command`: what help texts say, and the specs that follow.

use crate::support::{said, tessera};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tessera::process::answer::ask;
use tessera::spec::{Document, Stated, Sweep, introduction, read, read_help};

/// Texts that real programs printed; the scripts stand beside them.
const SAMPLES: [&str; 8] =
    ["argparse", "argparse_plain", "click", "typer", "typer_rich", "fire", "hydra", "simple_parsing"];

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/habits/help");
    std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap()
}

/// The spec of a help text, and its text.
fn spec(help: &str, folder: &Path) -> (Sweep, String) {
    let made = introduction("mine", "python train.py", read_help(help).as_ref()).unwrap();
    let path: PathBuf = folder.join("mine.yaml");
    std::fs::write(&path, &made.text).unwrap();
    match read(&path, &[]) {
        Ok((Document::Sweep(sweep), _)) => (*sweep, made.text),
        Ok(_) => panic!("a report"),
        Err(problems) => panic!("{problems:?}\n{}", made.text),
    }
}

#[test]
fn help_texts_become_specs() {
    let folder = tempfile::tempdir().unwrap();
    for name in SAMPLES {
        insta::assert_snapshot!(format!("introduction_{name}"), spec(&sample(name), folder.path()).1);
    }
}

#[test]
fn what_is_uncertain_is_no_value() {
    let option = |line: &str| {
        let help = read_help(&format!("usage: x [-h]\n\noptions:\n  -h, --help  show\n{line}\n")).unwrap();
        help.options[0].default.clone()
    };
    for (line, prose) in [
        ("  --gamma G   rate (default: the learning rate)", "the learning rate"),
        ("  --label L   a label (default: auto)", "auto"),
        ("  --tag T     a version (default: 1.10)", "1.10"),
        ("  --id I      a number (default: 007)", "007"),
        ("  --big B     a number (default: 123456789012345678)", "123456789012345678"),
        ("  --at A      of old (default: 3) but now 4", "3"),
        ("  --cpu       work without GPU (default: True)", "True"),
        ("  --k {a,b}   which (default: c)", "c"),
        ("  --size S    widths (default: [64, 32])", "[64, 32]"),
        ("  --name str  a label (default: one\n              two)", "one two"),
    ] {
        assert_eq!(option(line), Stated::Unsure(prose.to_owned()), "{line}");
    }
    assert_eq!(option("  --lr LR  rate"), Stated::Nothing);
    assert_eq!(option("  --lr LR  rate (default: None)"), Stated::Nothing);
    assert_eq!(option("  --lr LR  rate (default: 1e-05)"), Stated::Value(tessera::record::Value::Number(1e-5)));
}

#[test]
fn programs_with_commands_and_other_texts_are_not_understood() {
    for text in [
        "",
        "train 1.0: no such option\n",
        "Usage: x [OPTIONS] COMMAND [ARGS]...\n\nOptions:\n  --lr FLOAT  [default: 0.1]\n\nCommands:\n  train\n  eval\n",
        "usage: x [-h] {train,eval} ...\n\npositional arguments:\n  {train,eval}\n    train\n\noptions:\n  -h, --help  show\n  --lr LR  (default: 1)\n",
        "NAME\n    x\n\nSYNOPSIS\n    x COMMAND\n\nCOMMANDS\n    COMMAND is one of the following:\n\n     train\n",
        "== Config ==\nOverride anything in the config (foo.bar=value)\n- 1\nPowered by Hydra\n",
    ] {
        assert_eq!(read_help(text), None, "{text}");
    }
}

#[test]
fn a_program_is_asked_and_its_spec_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import argparse\np = argparse.ArgumentParser()\n\
                  p.add_argument('--lr', type=float, default=0.5, help='rate (default: %(default)s)')\n\
                  p.add_argument('--seed', type=int, default=0)\np.add_argument('--logdir')\n\
                  a = p.parse_args()\nopen(a.logdir + '/metrics.csv', 'w').write(f'step,loss\\n0,{a.lr}\\n')\n";
    std::fs::write(folder.path().join("train.py"), script).unwrap();
    let run = |arguments: &[&str]| tessera().args(arguments).current_dir(folder.path()).output().unwrap();
    let answer = run(&["run", "train.py"]);
    assert!(said(&answer).contains("tessera new NAME --command \"python train.py\""), "{}", said(&answer));
    let written = run(&["new", "mine", "--command", "python3 train.py"]);
    assert!(written.status.success() && said(&written).contains("which number"), "{}", said(&written));
    let text = std::fs::read_to_string(folder.path().join("mine.yaml")).unwrap();
    assert!(text.contains("command: python3 train.py --logdir {run.dir} {args}\nargs: {seed: seed}\n"), "{text}");
    assert!(text.contains("\n  lr: 0.5 ") && text.contains("\nseeds: 2"), "{text}");
    let first = run(&["run", "mine.yaml", "--limit", "1"]);
    assert!(first.status.success() && said(&first).contains("metrics  loss\n"), "{}", said(&first));
    let plan = run(&["plan", "mine.yaml"]);
    assert!(said(&plan).contains("3 new · 1 done") || crate::support::answered(&plan).contains("3 new · 1 done"));
    let again = run(&["new", "mine", "--command", "python3 train.py"]);
    assert!(said(&again).contains("mine.yaml is there already"), "{}", said(&again));
    for (command, wrong) in [
        ("python3 none.py", "failed (exit code 2)"),
        ("no-such-program", "cannot execute `no-such-program`"),
        ("python3 train.py {args}", "the program alone"),
    ] {
        let refused = run(&["new", "other", "--command", command]);
        assert!(!refused.status.success() && said(&refused).contains(wrong), "{}", said(&refused));
        assert!(!folder.path().join("other.yaml").exists());
    }
}

#[test]
fn a_program_that_does_not_answer_is_ended() {
    let began = Instant::now();
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 600 & sleep 600"]);
    assert!(ask(command, Duration::from_millis(100)).unwrap().is_none());
    assert!(began.elapsed() < Duration::from_secs(60));
    let mut command = Command::new("sh");
    command.args(["-c", "echo out; echo err >&2; exit 3"]);
    let answer = ask(command, Duration::from_secs(60)).unwrap().unwrap();
    assert_eq!((&*answer.output, &*answer.errors, answer.code), ("out\n", "err\n", Some(3)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_help_text_gives_a_spec_that_reads(
        which in 0..SAMPLES.len(),
        cuts in proptest::collection::vec((0.0..1.0_f64, 0_usize..40, "[ -~\n]{0,12}|\\PC{0,6}"), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut text: Vec<char> = sample(SAMPLES[which]).chars().collect();
        for (place, length, new) in cuts {
            let at = (place * text.len() as f64) as usize;
            let end = (at + length).min(text.len());
            text.splice(at..end, new.chars());
        }
        spec(&text.into_iter().collect::<String>(), folder.path());
    }
}
