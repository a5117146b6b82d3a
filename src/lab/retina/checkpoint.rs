//! Checkpoints: all that a run needs to go on as if nothing had happened, and which of them are kept.
//!
//! The random state is the step (every draw is a function of seed, stream and step), so it is not among the tensors.

use super::learner::Learner;
use super::recorder::Means;
use super::tensors::Name;
use crate::schedule::Schedule;
use crate::tensor_file::TensorFile;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

/// The version of the format; another is refused.
const FORMAT: &str = "tessera-checkpoint 1";

/// What a checkpoint is made of and what it is read into.
pub struct Parts<'a> {
    /// Parameters, Λ, ĥ and the optimizer's memory.
    pub learner: &'a mut Learner,
    /// Of learning rate and firing-rate learning rate.
    pub schedules: [&'a mut Schedule; 2],
    /// Sums since the last records.
    pub means: Vec<&'a mut Means>,
}

/// Numbers beside the tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Seconds, earlier attempts included.
    pub elapsed: f64,
    /// Step and value of the best checkpoint so far.
    pub best: Option<(u64, f64)>,
}

/// Names of the schedules' states.
const SCHEDULES: [&str; 2] = ["lr_schedule", "fr_lr_schedule"];

/// The file of a step.
pub fn file_name(step: u64) -> String {
    format!("step-{step}.safetensors")
}

/// Writes a checkpoint and syncs it.
pub fn write(path: &Path, parts: &Parts, progress: &Progress) -> Result<(), String> {
    let learner = &parts.learner;
    let parameters = learner.parameters.iter().map(|(name, tensor)| (name.as_str().to_owned(), tensor.shallow_clone()));
    let mut tensors: Vec<(String, Tensor)> = parameters.collect();
    tensors.push(("h_exp".to_owned(), learner.running_mean.shallow_clone()));
    tensors.extend(learner.optimizer.state());
    let states = SCHEDULES.iter().zip(&parts.schedules).map(|(name, schedule)| (*name, schedule.state()));
    tensors.extend(states.filter(|(_, state)| !state.is_empty()).map(|(n, s)| (n.to_owned(), Tensor::from_slice(&s))));
    tensors.extend(parts.means.iter().flat_map(|means| means.state()));
    let mut metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("step".to_owned(), progress.step.to_string()),
        ("elapsed".to_owned(), progress.elapsed.to_string()),
    ]);
    if let Some((step, value)) = progress.best {
        metadata.insert("best".to_owned(), format!("{step} {value}"));
    }
    TensorFile { tensors, metadata }.write(path)
}

/// Reads a checkpoint into a learner made from the same options.
pub fn read(path: &Path, parts: Parts) -> Result<Progress, String> {
    let file = TensorFile::read(path)?;
    let fault = |fault: &str| format!("{}: {fault}", path.display());
    let said = |name: &str| file.metadata.get(name).map(String::as_str);
    if said("format") != Some(FORMAT) {
        return Err(fault("not a checkpoint of this version"));
    }
    let learner = parts.learner;
    let like = (learner.running_mean.kind(), learner.running_mean.device());
    let get = |name: &str| {
        let tensor = file.get(name)?;
        let kind = if tensor.kind() == Kind::Int64 { Kind::Int64 } else { like.0 };
        Some(tensor.to_kind(kind).to_device(like.1))
    };
    for name in Name::ALL {
        let Some(own) = learner.parameters.get(name) else { continue };
        match get(name.as_str()) {
            Some(saved) if saved.size() == own.size() => learner.parameters.set(name, saved),
            _ => return Err(fault(&format!("no `{}` of shape {:?}", name.as_str(), own.size()))),
        }
    }
    learner.running_mean = get("h_exp").ok_or_else(|| fault("no `h_exp`"))?;
    learner.optimizer.restore(get);
    for (name, schedule) in SCHEDULES.iter().zip(parts.schedules) {
        let state = file.get(name).map(|state| Vec::<f64>::try_from(state).unwrap_or_default());
        schedule.restore(&state.unwrap_or_default());
    }
    for means in parts.means {
        means.restore(get);
    }
    let best = said("best").and_then(|best| best.split_once(' '));
    Ok(Progress {
        step: said("step").and_then(|step| step.parse().ok()).ok_or_else(|| fault("no `step`"))?,
        elapsed: said("elapsed").and_then(|elapsed| elapsed.parse().ok()).unwrap_or(0.0),
        best: best.and_then(|(step, value)| Some((step.parse().ok()?, value.parse().ok()?))),
    })
}

/// Deletes the checkpoints of a folder that are older than the `keep` newest before `now`, but for `now` and the best. (The
/// one before `now` stays even with `keep` 1: what the agent has noted down must outlive what it has not.)
pub fn prune(folder: &Path, now: u64, keep: usize, best: Option<u64>) -> Vec<u64> {
    let mut older: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let step = entry.file_name().to_str()?.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()?;
            Some((step, entry.path()))
        })
        .filter(|(step, _)| *step < now && Some(*step) != best)
        .collect();
    older.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
    let surplus = older.into_iter().skip(keep.max(1));
    // A file that cannot be deleted is left behind; the next prune tries again.
    surplus.filter(|(_, path)| std::fs::remove_file(path).is_ok()).map(|(step, _)| step).collect()
}
