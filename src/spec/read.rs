//! Reads a file with its `extends` and `--set` into a sweep or a report, or into everything that is wrong with it.

use super::axes::Axes;
use super::fold::{check_top, fold, with_key};
use super::node::{Node, suggestion};
use super::problem::{Problem, Problems, Severity};
use super::program;
use super::tree::{Content, Tree};
use super::{Description, Figure, Kind, Metric, Names, OnFailure, Reduce, Report, Resources, Sweep, Trainer, units};
use super::{TRAINERS, description};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names that are no sweeps' under `results/`.
const RESERVED: [&str; 2] = ["reports", "cache"];

/// A file: it has `sweep:` or `report:` at its top.
#[derive(Clone, Debug)]
pub enum Document {
    /// Runs to execute.
    Sweep(Box<Sweep>),
    /// A page to write.
    Report(Box<Report>),
}

/// Reads a file. `sets` are the arguments of `--set`, `name=value`. The second of a success are warnings.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn read(path: &Path, sets: &[String]) -> Result<(Document, Problems), Problems> {
    let (tree, found) = fold(path, sets)?;
    let problems = RefCell::new(found);
    let top = Node::root(&tree, &problems);
    let document = match (top.get("sweep"), top.get("report")) {
        (Some(_), Some(report)) => {
            report.error_at_key(
                "a file has either `sweep` or `report`".to_owned(),
                "put the report into a file of its own",
            );
            None
        }
        (_, Some(_)) => read_report(&top).map(|report| Document::Report(Box::new(report))),
        (_, None) => read_sweep(&tree, &problems).map(|sweep| Document::Sweep(Box::new(sweep))),
    };
    let mut problems = problems.into_inner();
    problems.sort();
    match document {
        Some(document) if !problems.fatal() => Ok((document, problems)),
        _ => Err(problems),
    }
}

fn read_report(top: &Node) -> Option<Report> {
    let folder = top.origin().text.folder.clone();
    Report::read(top, &folder, &|node, path| match read(path, &[]) {
        Ok((Document::Sweep(sweep), _)) => Some(*sweep),
        Ok((Document::Report(_), _)) => {
            node.error(format!("`{}` is a report", path.display()), "a report draws from sweeps");
            None
        }
        Err(problems) => {
            for problem in problems.0 {
                // What has no place of its own is the fault of the line that names the file.
                match problem.source {
                    Some(_) => node.push(problem),
                    None => node.error(problem.message, &problem.help.unwrap_or_default()),
                }
            }
            None
        }
    })
}

fn read_sweep(tree: &Tree, problems: &RefCell<Problems>) -> Option<Sweep> {
    let top = Node::root(tree, problems);
    let name = read_name(&top);
    let (trainer, description) = read_trainer(&top)?;
    let strict = !description.parameters.is_empty();
    let parameters: Vec<&str> = description.parameters.iter().map(|p| &*p.name).collect();
    check_top(tree, &mut problems.borrow_mut(), &parameters);

    let mut tree = tree.clone();
    absolute_paths(&mut tree, &description);
    let folder = folder(&top);
    if matches!(trainer, Trainer::Command(_)) && top.get("folder").is_none() {
        with_key(&mut tree, "folder", folder.to_string_lossy().into_owned());
    }
    let top = Node::root(&tree, problems);
    let axes = Axes::new(top, &description);
    let grid = axes.read();
    if let Trainer::Command(command) = &trainer {
        program::check(&top, command, &axes.names(), grid.seeds.len(), strict);
    }
    let metric = top.get("metric").and_then(|node| read_metric(&node, &description));
    let names = Names { description: &description, parameters: &axes.names(), metric: metric.as_ref() };
    let figures = top.get("figures").map(|node| Figure::read_all(&node, &names)).unwrap_or_default();
    let folded = tree.to_yaml();
    let resources = top.get("resources").map(|node| read_resources(&node)).unwrap_or_default();
    let on_failure = top.get("on_failure").map(|node| read_on_failure(&node)).unwrap_or_default();
    let about = top.get("about").and_then(|node| node.text()).unwrap_or_default();
    let hash = blake3::hash(folded.as_bytes()).to_hex()[..16].to_owned();
    Some(Sweep {
        name: name?,
        about,
        trainer,
        description,
        metric,
        resources,
        on_failure,
        grid,
        figures,
        folded,
        hash,
        folder,
    })
}

/// The folder that relative paths start from: `folder:` in stored specs, else the file's.
fn folder(top: &Node) -> PathBuf {
    let own = top.origin().text.folder.clone();
    match top.get("folder").and_then(|node| node.text()) {
        Some(folder) => own.join(folder),
        None => own,
    }
}

fn read_name(top: &Node) -> Option<String> {
    let Some(node) = top.get("sweep") else {
        let help = match top.map().and_then(|map| map.keys().find(|key| strsim::damerau_levenshtein(key, "sweep") <= 2))
        {
            Some(near) => format!("did you mean `sweep` instead of `{near}`?"),
            None => "a spec has `sweep: NAME` at its top, a report `report: NAME`".to_owned(),
        };
        top.error("`sweep` is missing: the name of the sweep".to_owned(), &help);
        return None;
    };
    let name = match &node.value.content {
        Content::Null => String::new(),
        _ => node.text()?,
    };
    let wrong = if name.is_empty() {
        "a sweep needs a name"
    } else if RESERVED.contains(&&*name) {
        "`reports` and `cache` are reserved names"
    } else if !is_sweep_name(&name) {
        "a sweep's name is a plain folder name"
    } else {
        return Some(name);
    };
    node.error(
        format!("{wrong}, found `{name}`"),
        "letters, digits, `_`, `-` and `.`; results land in `results/<name>/`",
    );
    None
}

/// Whether a text can name a sweep: a plain folder name that is not reserved.
pub fn is_sweep_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    let free = !name.is_empty() && !name.starts_with('.') && !RESERVED.contains(&name);
    free && name.len() <= 100 && name.chars().all(plain)
}

fn read_trainer(top: &Node) -> Option<(Trainer, Arc<Description>)> {
    match (top.get("trainer"), top.get("command")) {
        (Some(trainer), Some(_)) => {
            trainer.error_at_key("a sweep has either `trainer` or `command`".to_owned(), "remove one");
            None
        }
        (None, Some(command)) => {
            let command = program::read(top, &command)?;
            let description = program::declared(top, &command);
            Some((Trainer::Command(Box::new(command)), Arc::new(description)))
        }
        (Some(node), None) => {
            for key in program::KEYS {
                if let Some(node) = top.get(key) {
                    node.error_at_key(format!("`{key}` belongs to a `command`"), "a built-in trainer does not read it");
                }
            }
            let name = node.text()?;
            let trainer = match &*name {
                "retina" => Trainer::Retina,
                "toy" => Trainer::Toy,
                _ => {
                    let near = suggestion(&name, &TRAINERS);
                    let help = format!("{near}; any other program is a trainer by `command: python train.py {{args}}`");
                    node.error(format!("no trainer is called `{name}`"), &help);
                    return None;
                }
            };
            Some((trainer, description(&name)?))
        }
        (None, None) => {
            top.error(
                "nothing says who executes the runs".to_owned(),
                "write `trainer: retina`, or `command: python train.py --out {run.dir} {args}`",
            );
            None
        }
    }
}

fn read_metric(node: &Node, description: &Description) -> Option<Metric> {
    let (name_node, map) = match node.map() {
        Some(_) => {
            node.check_keys(&["name", "goal", "reduce"]);
            let Some(name) = node.get("name") else {
                node.error(
                    "`metric` needs a `name`".to_owned(),
                    "`metric: {name: kl, goal: max, reduce: mean_last 5%}`",
                );
                return None;
            };
            (name, true)
        }
        None => (*node, false),
    };
    let name = name_node.text()?;
    let known: Vec<&str> = description.metrics.iter().map(|metric| &*metric.name).collect();
    if !known.is_empty() && !known.contains(&&*name) {
        name_node.error(format!("`{}` records no metric `{name}`", description.trainer), &suggestion(&name, &known));
    }
    let field = |key: &str| if map { node.get(key) } else { None };
    let maximize = match field("goal") {
        Some(goal) => goal.choice(&["max", "min"])? == 0,
        None => true,
    };
    let reduce = match field("reduce") {
        Some(reduce) => match reduce.text()?.parse() {
            Ok(parsed) => parsed,
            Err(expected) => {
                reduce.error(format!("no reduction: {}", reduce.found()), &format!("{expected}"));
                return None;
            }
        },
        None => Reduce::Last,
    };
    Some(Metric { name, maximize, reduce })
}

fn read_resources(node: &Node) -> Resources {
    node.check_keys(&["gpu", "gpu_memory", "cpu", "memory", "time", "stall"]);
    let mut resources = Resources::default();
    let bytes = |key: &str| measured(node, key, units::bytes);
    let time = |key: &str| measured(node, key, units::time);
    if let Some(gpu) = node.get("gpu")
        && let Some(x) = gpu.number()
    {
        let whole = x.fract() == 0.0 && (0.0..=64.0).contains(&x);
        if whole || (x > 0.0 && x < 1.0) {
            resources.gpu = x;
        } else {
            gpu.error(
                format!("`gpu: {x}` is neither a share of one GPU nor whole ones"),
                "0.5 shares a GPU, 2 is two whole ones, 0 is the CPU",
            );
        }
    }
    if let Some(cpu) = node.get("cpu")
        && let Some(n) = cpu.whole()
    {
        match u32::try_from(n) {
            Ok(n) if (1..=4096).contains(&n) => resources.cpu = n,
            _ => cpu.error(format!("`cpu: {n}` cannot be"), "cores of one run, which are also its threads: 1 or more"),
        }
    }
    resources.gpu_memory = bytes("gpu_memory");
    resources.memory = bytes("memory");
    resources.time = time("time");
    resources.stall = time("stall");
    resources
}

/// A size or time under a key; a missing or wrong unit is reported.
fn measured<T>(node: &Node, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
    let value = node.get(key)?;
    let text = value.text()?;
    match parse(&text) {
        Ok(parsed) => Some(parsed),
        Err(help) => {
            let bare = text.trim().parse::<f64>().is_ok();
            let what = if bare { "has no unit" } else { "has no unit known here" };
            value.error(format!("`{key}: {text}` {what}"), &help);
            None
        }
    }
}

fn read_on_failure(node: &Node) -> OnFailure {
    node.check_keys(&["crash", "oom", "stop_after"]);
    let mut on_failure = OnFailure::default();
    if let Some(crash) = node.get("crash")
        && let Some(text) = crash.text()
    {
        let retries = match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["fail"] => Some(0),
            ["retry"] => Some(1),
            ["retry", n] => n.parse().ok(),
            _ => None,
        };
        match retries {
            Some(retries) => on_failure.crash_retries = retries,
            None => crash.error(format!("`crash: {text}` is no way to go on"), "`retry 2` or `fail`"),
        }
    }
    if let Some(oom) = node.get("oom")
        && let Some(choice) = oom.choice(&["retry_alone", "fail"])
    {
        on_failure.oom_alone = choice == 0;
    }
    if let Some(stop) = node.get("stop_after")
        && let Some(n) = stop.whole()
    {
        on_failure.stop_after = u32::try_from(n).ok().filter(|n| *n > 0);
    }
    on_failure
}

/// Paths of parameters start from the folder of the file (or argument) that they were written in.
fn absolute_paths(tree: &mut Tree, description: &Description) {
    let paths: Vec<&str> = description.parameters.iter().filter(|p| p.kind == Kind::Path).map(|p| &*p.name).collect();
    let Content::Map(sections) = &mut tree.content else { return };
    for (section, value) in sections.iter_mut() {
        if ["base", "grid", "zip", "include", "exclude", "blocks"].contains(&&**section) {
            make_absolute(value, "", &paths);
        }
    }
}

fn make_absolute(tree: &mut Tree, name: &str, paths: &[&str]) {
    match &mut tree.content {
        Content::Text(text) if paths.contains(&name) && !text.is_empty() => {
            let joined = tree.origin.text.folder.join(&*text);
            let tidy: PathBuf = joined.components().filter(|part| *part != std::path::Component::CurDir).collect();
            *text = tidy.to_string_lossy().into_owned();
        }
        Content::List(items) => items.iter_mut().for_each(|item| make_absolute(item, name, paths)),
        Content::Map(map) => {
            for (key, value) in map.iter_mut() {
                let inner = match name {
                    "" => key.clone(),
                    name => format!("{name}.{key}"),
                };
                // Blocks hold sections, whose names begin anew.
                let inner = if ["base", "grid", "zip"].contains(&&*inner) { String::new() } else { inner };
                make_absolute(value, &inner, paths);
            }
        }
        _ => {}
    }
}

/// One problem as `Problems`.
impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// Whether a problem stops the command.
impl Problem {
    /// Whether it stops the command.
    pub fn fatal(&self) -> bool {
        self.severity == Severity::Error
    }
}
