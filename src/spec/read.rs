//! Reads a file with its `extends` and `--set` into a sweep or a report, or into everything that is wrong with it.

use super::axes::Axes;
use super::fold::{check_top, fold, with_key};
use super::node::{Node, suggestion};
use super::paths::absolute_paths;
use super::problem::Problems;
use super::tree::{Content, Tree};
use super::{Description, Figure, Metric, Names, OnFailure, Report, Resources, Sweep, Trainer};
use super::{TRAINERS, clashes, description, keys, program, slurm};
use crate::record::{SweepNameError, check_sweep_name};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    let executed_here = matches!(trainer, Trainer::Command(_)) || top.get("on_finish").is_some();
    if executed_here && top.get("folder").is_none() {
        with_key(&mut tree, "folder", folder.to_string_lossy().into_owned());
    }
    let top = Node::root(&tree, problems);
    let axes = Axes::new(top, &description);
    let grid = axes.read();
    if let Trainer::Command(command) = &trainer {
        program::check(&top, command, &axes.names(), grid.seeds.len(), strict);
        clashes::check(&top, command, &axes.names());
    }
    let metric = top.get("metric").and_then(|node| Metric::read(&node, &description));
    let names = Names { description: &description, parameters: &axes.names(), metric: metric.as_ref() };
    let figures = top.get("figures").map(|node| Figure::read_all(&node, &names)).unwrap_or_default();
    let folded = tree.to_yaml();
    let resources = top.get("resources").map(|node| Resources::read(&node)).unwrap_or_default();
    let on_failure = top.get("on_failure").map(|node| OnFailure::read(&node)).unwrap_or_default();
    let slurm = top.get("slurm").map(|node| slurm::read(&node, &resources)).unwrap_or_default();
    let on_finish = top.get("on_finish").and_then(|node| node.text()).filter(|text| !text.trim().is_empty());
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
        on_finish,
        slurm,
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
    match check_sweep_name(&name) {
        Ok(()) => Some(name),
        Err(wrong) => {
            node.error(format!("{wrong}, found `{name}`"), SweepNameError::HELP);
            None
        }
    }
}

fn read_trainer(top: &Node) -> Option<(Trainer, Arc<Description>)> {
    match (top.get("trainer"), top.get("command")) {
        (Some(trainer), Some(_)) => {
            trainer.error_at_key("a sweep has either `trainer` or `command`".to_owned(), "remove one");
            None
        }
        (None, Some(command)) => {
            let command = program::read(top, &command)?;
            let description = program::declared(top, command.template.text());
            Some((Trainer::Command(Box::new(command)), Arc::new(description)))
        }
        (Some(node), None) => {
            let name = node.text()?;
            let imported = name == "imported";
            for key in keys::of_command().filter(|key| !(imported && *key == "parameters")) {
                if let Some(node) = top.get(key) {
                    let help = match key {
                        "metrics" => {
                            "a built-in trainer does not read it; what runs are judged by is `metric: {name: kl}`"
                        }
                        _ => "a built-in trainer does not read it",
                    };
                    node.error_at_key(format!("`{key}` belongs to a `command`"), help);
                }
            }
            if imported {
                return Some((Trainer::Imported, Arc::new(program::declared(top, &name))));
            }
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
