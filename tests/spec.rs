//! Stage 1: specs read, and every mistake explained. Each case of a mistake is a snapshot.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tessera::error::render_problems;
use tessera::plan::expand;
use tessera::spec::{Document, Problems, Severity, Sweep, read};

/// What takes longer than this was not refused at once: the limits are there since such specs took minutes and gigabytes.
const HANGS: Duration = Duration::from_secs(60);

/// What is said of a file, errors and warnings; paths of the test's folder are left out.
fn said(path: &Path, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let no_data = |path: &Path| Err(format!("{} is not there", path.display()));
    let problems = match read(path, &sets) {
        Err(problems) => problems,
        Ok((Document::Report(_), warnings)) => warnings,
        Ok((Document::Sweep(sweep), mut warnings)) => match expand(&sweep, &no_data) {
            Ok(plan) => {
                warnings.0.extend(plan.problems);
                warnings
            }
            Err(problems) => problems,
        },
    };
    let folder = path.parent().unwrap().to_string_lossy().into_owned();
    render_problems(&problems, false).replace(&format!("{folder}/"), "").replace(&folder, "")
}

/// The same of a text.
fn of(text: &str) -> String {
    with(text.as_bytes(), &[])
}

fn with(text: &[u8], sets: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.yaml");
    std::fs::write(&path, text).unwrap();
    said(&path, sets)
}

/// A sound spec with more lines at its end.
fn retina(lines: &str) -> String {
    format!("sweep: a\ntrainer: retina\n{lines}")
}

macro_rules! cases {
    ($($name:ident: $said:expr;)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!($said); })*
    };
}

cases! {
    random_axis_in_a_list: of("sweep: a\ncommand: ./a {args}\nsamples: 3\ngrid: {a: [1, {uniform: [0, 1]}, 2]}\n");
    one_argument_for_two: of("sweep: a\ncommand: ./a {args}\nspelling: click\nargs: {seed: draw}\nbase: {a_b: 1, a-b: 2, draw: 3}\n");
    one_variable_for_two: of("sweep: a\ncommand: ./a {args}\nresume: ./a {args} --from {checkpoint}\nbase: {o.lr: 1, o_lr: 2, step: 3, run_dir: x}\n");
    syntax: of("sweep: a\nbase:\n  neurons: 4\n colors: 1\n");
    open_bracket: of("sweep: a\ngrid:\n  method: [lagrange, two_losses\nseeds: 2\n");
    tab: of("sweep: a\nbase:\n\tneurons: 4\n");
    duplicate_key: of(&retina("base:\n  neurons: 4\n  colors: 1\n  neurons: 5\n"));
    unknown_key: of(&retina("sedes: 3\n"));
    parameter_at_the_top: of(&retina("neurons: 3\n"));
    unknown_parameter: of(&retina("base:\n  fr_learing_rate: 0.1\ngrid:\n  data.covariance_sample: [1000]\n"));
    key_among_parameters: of(&retina("base: {seeds: 3, seed: 1}\n"));
    wrong_type: of(&retina("base:\n  neurons: many\n  circular_mask: yes\n  learning_rate: 0,1\n  beta: .nan\n"));
    out_of_bounds: of(&retina("base: {colors: 4, max_grad_norm: 0}\ngrid:\n  learning_rate: [0.1, -0.1]\n"));
    not_a_choice: of(&retina("base: {method: lagrang, lr_schedule: {kind: platau}}\n"));
    slurm_keys: of(&retina("resources: {gpu: 2, cpu: 4}\nslurm:\n  partion: gpu\n  qos: high low\n  gres: shard:1\n  cpus: 2\n  gpus: 1\n  mem: 8\n  time: 1m\n  array_limit: 0\n  setup: ['#SBATCH --mem=1']\n"));
    slurm_time: of(&retina("slurm: {time: 90 s}\n"));
    slurm_directives: of(&retina("slurm:\n  sbatch:\n    - --mail-type=END\n    - -w node7\n    - --array=0-3\n    - --time=4\n    - module load cuda\n    - --mail-type=END --exclusive\n    - \"--comment=a\\n#SBATCH --uid=0\"\n"));
    units: of(&retina("resources: {gpu_memory: 4, memory: 4 Gi, time: 2, stall: 10 parsecs, gpu: 1.5, cpu: 0}\n"));
    multiple_without_base: of(&retina("grid:\n  lr_schedule: [{kind: exponential, gamma: 1x}]\n"));
    undeclared_multiple_without_base: of("sweep: a\ncommand: train {args} --seed {seed}\ngrid: {lr: [1x, 0.1x]}\n");
    empty_axis: of(&retina("grid:\n  method: []\n  learning_rate:\n"));
    unequal_zip: of(&retina("zip:\n  - {batch_size: [64, 128], kernel_size: [12, 18, 24]}\n"));
    exclude_matches_nothing: of(&retina("grid: {method: [lagrange, gamma]}\nexclude: [{method: two_losses}]\n"));
    when_names_unknown: of(&retina("when: {rhoo: method == lagrange, rho: methd == lagrange}\n"));
    when_is_no_comparison: of(&retina("when: {rho: method = lagrange}\n"));
    base_replaced: of(&retina("base: {neurons: 3, rho: 2}\ngrid:\n  neurons: [4, 5]\n  method: [gamma, none]\n"));
    grid_and_zip: of(&retina("grid: {batch_size: [1, 2]}\nzip: [{batch_size: [1, 2], colors: [1, 3]}]\n"));
    seeds_repeated: of(&retina("seeds: [1, 2, 1]\n"));
    too_large: of(&retina("grid:\n  learning_rate: {linear: [0, 1], n: 2000}\n  beta: {linear: [-1, 0], n: 2000}\n"));
    unknown_metric: of(&retina("metric: {name: kll, goal: best}\nfigures:\n  - {kind: curve, y: kll}\n  - {kind: curve, y: kl, color: methd}\n"));
    not_utf8: with(b"sweep: a\nabout: caf\xe9\n", &[]);
    empty_file: of("# nothing\n");
    no_map: of("- sweep: a\n");
    sweep_names: [".", "../x", "a/b", "", "cache", "a b"].map(|name| of(&format!("sweep: \"{name}\"\ntrainer: toy\n"))).join("");
    no_name: of("sweeep: a\ntrainer: toy\n");
    no_trainer: of("sweep: a\n");
    unknown_trainer: of("sweep: a\ntrainer: retna\n");
    command_without_seed: of("sweep: a\ncommand: python train.py {args}\nseeds: 3\n");
    unknown_anchor: of(&retina("base: *shared\n"));
    tag: of(&retina("base: {neurons: !int 3}\n"));
    two_documents: of("sweep: a\ntrainer: toy\n---\nsweep: b\n");
    missing_data: of(&retina("base: {data: {source: kyoto, path: images}}\n"));
    data_path_must_be_given: of(&retina("base: {data.source: kyoto}\n"));
    step_size_must_be_given: of(&retina("grid:\n  lr_schedule: [constant, step]\n"));
    formula: of(&retina("base: {learning_rate: = 1 -, fr_learning_rate: = 1 - rate, rho: = 1 - 3}\n"));
    formula_in_a_circle: of(&retina("base: {rho: = fr_target, fr_target: = rho}\n"));
    not_the_identity: of(&retina("grid: {record.every: [1, 2]}\n"));
    ranges: of(&retina("grid:\n  learning_rate: {log: [-4, -1], n: 3}\n  beta: {linear: [0, 1]}\n  rho: {range: [0, 1, 2]}\n  fr_target: {uniform: [1, 2]}\n"));
    samples_without_a_random_axis: of(&retina("samples: 3\n"));
    set_wrong: with(retina("grid: {neurons: [3, 4]}\n").as_bytes(), &["neurons=5", "learing_rate=1", "colors=x", "oops"]);
    set_syntax: with(retina("").as_bytes(), &["neurons=[1, 2"]);
}

#[test]
fn a_set_value_for_an_axis_says_how_to_replace_it() {
    let text = with(retina("grid: {neurons: [3, 4]}\n").as_bytes(), &["neurons=5"]);
    insta::assert_snapshot!(text);
}

#[test]
fn extends_in_a_circle_and_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.yaml"), "sweep: a\ntrainer: toy\nextends: b.yaml\n").unwrap();
    std::fs::write(path("b.yaml"), "extends: a.yaml\n").unwrap();
    std::fs::write(path("c.yaml"), "sweep: c\ntrainer: toy\nextends: d.yaml\n").unwrap();
    std::fs::write(path("e.yaml"), "sweep: e\ntrainer: retina\nbase: {neurons: 3}\n").unwrap();
    std::fs::write(path("f.yaml"), "extends: e.yaml\nsweep: f\nbase: {neurns: 3}\n").unwrap();
    let all = ["a.yaml", "c.yaml", "f.yaml"].map(|name| said(&path(name), &[]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_alias_bomb_is_refused_in_time() {
    let mut text = "sweep: a\ntrainer: toy\nbase:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let alias = format!("*a{}", i - 1);
        text.push_str(&format!("  a{i}: &a{i} [{}]\n", vec![alias; 9].join(", ")));
    }
    let begin = Instant::now();
    let said = of(&text);
    assert!(begin.elapsed() < HANGS, "{:?}", begin.elapsed());
    insta::assert_snapshot!(said);
}

/// However deep, large or long: refused at once, with the limit and without pages of brackets.
#[test]
fn what_is_too_deep_or_too_long_is_refused_at_once_with_its_limit() {
    let (deep, limit) = ("nested too deeply", "may lie in each other 128 deep");
    let long = 100_000;
    let cases = [
        (format!("{}1{}", "[".repeat(long), "]".repeat(long)), deep, limit),
        ("[".repeat(long), deep, limit),
        (format!("{}1{}", "{a: ".repeat(long), "}".repeat(long)), deep, limit),
        (format!("\n    {}1", "- ".repeat(long)), deep, limit),
        (format!("{}1{}", "[".repeat(130), "]".repeat(130)), deep, limit),
        ("a".repeat(2 << 20), "a text has at most", "1048576 bytes"),
        (format!("{{\"{}\": 1}}", "k".repeat(1_001)), "a key has at most", "1000 bytes"),
        (format!("[{}]", "1, ".repeat(6 << 20)), "larger than a spec may be", "at most 16777216"),
    ];
    for (value, wrong, limit) in cases {
        let begin = Instant::now();
        // Messages are broken into lines.
        let said = of(&format!("sweep: a\ntrainer: toy\nbase:\n  x: {value}\n")).replace("\n  │ ", " ");
        assert!(begin.elapsed() < HANGS, "{:?}: {said}", begin.elapsed());
        let beginning: String = value.chars().take(20).collect();
        assert!(said.contains(wrong) && said.contains(limit) && said.len() < 3_000, "{beginning}: {said}");
    }
    // Brackets in texts are no depth.
    let said = of(&format!("sweep: a\ntrainer: toy\nabout: \"{}\"\nbase: {{no_such: 1}}\n", "[".repeat(long)));
    assert!(!said.contains(deep), "{said}");
}

#[test]
fn what_is_folded_reads_as_the_same_sweep() {
    let folder = tempfile::tempdir().unwrap();
    for path in shipped() {
        let Ok((Document::Sweep(sweep), _)) = read(&path, &[]) else { continue };
        let again = folder.path().join("again.yaml");
        std::fs::write(&again, &sweep.folded).unwrap();
        let reread = sweep_of(&again);
        assert_eq!(sweep.folded, reread.folded, "{}", path.display());
        assert_eq!(sweep.hash, reread.hash);
        assert_eq!(ids(&sweep), ids(&reread));
    }
}

/// Deleted, duplicated, swapped and garbled lines of the shipped specs: an error or a plan, each error at its place.
#[test]
fn five_hundred_mutated_specs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.yaml");
    let texts: Vec<String> = shipped().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    const GARBLE: [char; 16] = ['[', ']', '{', '}', ':', ',', '#', '&', '*', '"', '\'', '\t', '-', '!', 'é', 'x'];
    for n in 0..500 {
        let mut lines: Vec<String> = texts[random(texts.len())].lines().map(str::to_owned).collect();
        for _ in 0..1 + random(3) {
            let (i, j) = (random(lines.len()), random(lines.len()));
            match random(4) {
                0 if lines.len() > 1 => drop(lines.remove(i)),
                1 => lines.insert(j, lines[i].clone()),
                2 => lines.swap(i, j),
                _ => {
                    let mut chars: Vec<char> = lines[i].chars().collect();
                    chars.insert(random(chars.len() + 1), GARBLE[random(GARBLE.len())]);
                    lines[i] = chars.into_iter().collect();
                }
            }
        }
        let text = lines.join("\n");
        std::fs::write(&path, &text).unwrap();
        let problems = match read(&path, &[]) {
            Ok((Document::Sweep(sweep), warnings)) => {
                expand(&sweep, &|_| Err("no data".to_owned())).err().unwrap_or(warnings)
            }
            Ok((Document::Report(_), warnings)) => warnings,
            Err(problems) => problems,
        };
        check_places(&problems, &format!("spec {n}:\n{text}"));
    }
}

fn check_places(problems: &Problems, spec: &str) {
    for problem in &problems.0 {
        let source = problem.source.as_ref().unwrap_or_else(|| panic!("{} without a place in {spec}", problem.message));
        assert!(problem.span.end <= source.text.len() && problem.span.start <= problem.span.end, "{problem:?} {spec}");
        assert!(source.text.is_char_boundary(problem.span.start) && source.text.is_char_boundary(problem.span.end));
    }
    render_problems(problems, false);
}

#[test]
fn new_specs_read_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    for trainer in ["retina", "toy", "command"] {
        let path = folder.path().join(format!("{trainer}.yaml"));
        std::fs::write(&path, tessera::spec::template_for(trainer, "mine").unwrap()).unwrap();
        assert!(!ids(&sweep_of(&path)).is_empty());
    }
}

#[test]
fn shipped_sweeps_have_no_error() {
    for path in shipped() {
        let problems = match read(&path, &[]) {
            Ok((Document::Sweep(sweep), _)) => expand(&sweep, &|_| Err("no data".to_owned())).err().unwrap_or_default(),
            Ok(_) => continue,
            Err(problems) => problems,
        };
        let fatal = problems.0.iter().any(|problem| problem.severity == Severity::Error);
        assert!(!fatal, "{}", render_problems(&problems, false));
    }
}

#[test]
fn the_schema_knows_every_parameter() {
    let schema = tessera::spec::json_schema();
    let text = schema.to_string();
    for trainer in tessera::spec::TRAINERS {
        for parameter in &tessera::spec::description(trainer).unwrap().parameters {
            assert!(text.contains(&format!("\"{}\"", parameter.name)), "{}", parameter.name);
        }
    }
}

/// Editors read the schema beside the sweeps. Where this fails: `tessera schema > sweeps/tessera.schema.json`.
#[test]
fn the_schema_beside_the_sweeps_is_the_one_that_is_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sweeps");
    let stored = std::fs::read_to_string(folder.join("tessera.schema.json")).unwrap();
    let printed = serde_json::to_string_pretty(&tessera::spec::json_schema()).unwrap() + "\n";
    assert!(stored == printed, "run `tessera schema > sweeps/tessera.schema.json`");
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        let first = "# yaml-language-server: $schema=tessera.schema.json\n";
        assert!(text.starts_with(first), "{} does not begin with {first}", path.display());
    }
}

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(file!()).parent().unwrap().join("../sweeps");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn sweep_of(path: &Path) -> Sweep {
    match read(path, &[]) {
        Ok((Document::Sweep(sweep), _)) => *sweep,
        Ok(_) => panic!("a report"),
        Err(problems) => panic!("{}", render_problems(&problems, false)),
    }
}

fn ids(sweep: &Sweep) -> Vec<String> {
    match expand(sweep, &|_| Ok("0123456789abcdef".to_owned())) {
        Ok(plan) => plan.runs.into_iter().map(|run| run.id.to_string()).collect(),
        Err(problems) => panic!("{}", render_problems(&problems, false)),
    }
}
