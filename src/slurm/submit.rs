//! Submits a job. sbatch may fail, or answer nothing although it has submitted. So a job is looked for by its name
//! before it is submitted again.

use super::cluster::{Cluster, NoAnswer};
use super::submission::{Outcome, Submission};
use super::task_status::find_job;
use std::io;
use std::path::Path;

/// How often sbatch is called.
const TRIES: u32 = 3;
/// How often the job is looked for after each unclear answer.
const LOOKS: u32 = 3;

/// Why there is no job, or none that is known of.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Slurm does not take it.
    #[error("Slurm does not take the job: {message}")]
    Refused {
        /// What sbatch said.
        message: String,
        /// What helps, where known.
        help: Option<&'static str>,
    },
    /// sbatch cannot be started.
    #[error("{0}")]
    Missing(String),
    /// Whether it was submitted is not known.
    #[error("whether the job {name} was submitted is not known: {message}")]
    Unclear {
        /// The job's name.
        name: String,
        /// What was said last.
        message: String,
    },
    /// Another process found that there is none.
    #[error("{0}")]
    Void(String),
    /// The shared file system refuses.
    #[error("cannot write {}: {cause}", folder.display())]
    File {
        /// Where.
        folder: std::path::PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Submits, and says which job counts.
///
/// # Errors
/// Where Slurm refuses, which is final; or where it stays unclear, which the next call finds out.
pub fn submit(cluster: &Cluster, submission: &Submission, folder: &Path) -> Result<String, SubmitError> {
    let file = |cause| SubmitError::File { folder: folder.to_owned(), cause };
    let mut unclear = String::new();
    for attempt in 1..=TRIES {
        match cluster.sbatch(&submission.script(folder)) {
            Ok(job) => {
                let counts = submission.decide(folder, Outcome::Job(job.clone())).map_err(file)?;
                let counts = settled(counts)?;
                if counts != job {
                    // It executes nothing; it need not wait for that.
                    let _ = cluster.cancel(&[job]);
                } else if attempt > 1 {
                    cancel_others(cluster, submission, &counts);
                }
                return Ok(counts);
            }
            Err(NoAnswer::Missing { program, cause }) => {
                let why = format!("{program} cannot be started: {cause}");
                submission.decide(folder, Outcome::Void(why.clone())).map_err(file)?;
                return Err(SubmitError::Missing(why));
            }
            Err(NoAnswer::Refused { message, .. }) if !is_unclear(&message) => {
                submission.decide(folder, Outcome::Void(message.clone())).map_err(file)?;
                let help = remedy(&message);
                return Err(SubmitError::Refused { message, help });
            }
            Err(error) => unclear = error.to_string(),
        }
        let mut answered = false;
        for _ in 0..LOOKS {
            std::thread::sleep(cluster.pause() * attempt);
            let answers = cluster.ask(std::slice::from_ref(submission));
            answered = answers.squeue.is_ok();
            if let Some(outcome @ Outcome::Job(_)) = find_job(submission, &answers, Some(true)) {
                return settled(submission.decide(folder, outcome).map_err(file)?);
            }
        }
        if !answered {
            break;
        }
    }
    Err(SubmitError::Unclear { name: submission.name.clone(), message: unclear })
}

/// The job that counts.
fn settled(outcome: Outcome) -> Result<String, SubmitError> {
    match outcome {
        Outcome::Job(job) => Ok(job),
        Outcome::Void(why) => Err(SubmitError::Void(why)),
    }
}

/// Cancels jobs of this name that do not count: those of an sbatch that did submit, though it seemed not to.
pub fn cancel_others(cluster: &Cluster, submission: &Submission, counts: &str) {
    let rows = cluster.ask(std::slice::from_ref(submission)).squeue.unwrap_or_default();
    let others = rows.into_iter().filter(|row| row.name == submission.name && row.job != counts);
    let mut others: Vec<String> = others.map(|row| row.job).collect();
    others.sort();
    others.dedup();
    if !others.is_empty() {
        // Their tasks execute nothing, so that one is not cancelled costs seconds.
        let _ = cluster.cancel(&others);
    }
}

/// Whether what sbatch said leaves open whether the job is there.
fn is_unclear(message: &str) -> bool {
    let passing = [
        "timed out",
        "Unable to contact slurm controller",
        "temporarily unable",
        "temporarily unavailable",
        "Zero Bytes were transmitted",
        "Connection refused",
        "Connection reset",
        "connect failure",
        "Unexpected message received",
        "communication",
        "standby mode",
        "it gave no job number",
    ];
    passing.iter().any(|words| message.contains(words))
}

/// What helps where a limit is violated that Slurm does not name.
const OF_A_QOS: &str = "a limit of your account or QOS: `slurm: {runs_per_task: N}` makes fewer tasks, `sacctmgr show qos` lists the limits";

/// What helps where sbatch refuses.
fn remedy(message: &str) -> Option<&'static str> {
    // Slurm names the policy that was violated (`AssocMaxSubmitJobLimit`); what it says after it lists all that there are.
    let policies = [
        ("SubmitJob", "you may not have so many tasks in the queue: `slurm: {runs_per_task: N}` makes fewer"),
        ("WallDuration", "`slurm: {time: …}`: `sacctmgr show qos` and `sinfo -o '%P %l'` list the limits"),
        ("TimeLimit", "`slurm: {time: …}`: `sinfo -o '%P %l'` lists the limits"),
        ("RunMins", "`slurm: {time: …}` or fewer tasks: `sacctmgr show qos` lists how much time there is"),
        ("GRES", "`slurm: {gres: …}`: `sacctmgr show qos` lists how many you may have"),
        ("Cpu", "`slurm: {cpus: …}`: `sacctmgr show qos` lists how many you may have"),
        ("CPU", "`slurm: {cpus: …}`: `sacctmgr show qos` lists how many you may have"),
        ("Mem", "`slurm: {mem: …}` is that of a task: `sacctmgr show qos` lists how much you may have"),
        ("Node", "a limit on nodes of your account or QOS: `sacctmgr show qos` lists them"),
        ("Jobs", "you may not have so many tasks: `slurm: {runs_per_task: N}` makes fewer"),
    ];
    let is_policy = |word: &&str| (word.starts_with("Assoc") || word.starts_with("QOS")) && word.len() > 8;
    let words = |c: char| !c.is_ascii_alphanumeric();
    if let Some(named) = message.split(words).find(is_policy) {
        return policies.iter().find(|(words, _)| named.contains(words)).map(|(_, help)| *help).or(Some(OF_A_QOS));
    }
    if message.contains("job submit limit, user's size and/or time limits") {
        return Some(OF_A_QOS);
    }
    let remedies = [
        ("nvalid partition", "`slurm: {partition: …}`: `sinfo` lists the partitions"),
        ("nvalid account", "`slurm: {account: …}`: `sacctmgr show associations user=$USER` lists yours"),
        ("nvalid qos", "`slurm: {qos: …}`: `sacctmgr show qos` lists them"),
        ("nvalid feature", "`slurm: {constraint: …}`: `sinfo -o '%n %f'` lists what nodes have"),
        ("time limit", "`slurm: {time: …}`: `sinfo -o '%P %l'` lists the limits"),
        ("gres", "`slurm: {gres: …}`: `sinfo -o '%n %G'` lists what nodes have"),
        ("node configuration", "no node has what a task asks for (gpus, cpus, mem): `sinfo -N -o '%n %c %m %G'`"),
        ("Memory specification", "no node has so much memory: `slurm: {mem: …}` is that of a task, `sinfo -o '%n %m'`"),
        ("QOS", OF_A_QOS),
        ("job array", "`slurm: {runs_per_task: N}` makes fewer tasks"),
        (
            "nvalid node name",
            "a node that this Slurm does not know: under `sbatch:`, or left out (`slurm: {exclude_after: 0}`)",
        ),
        ("eservation", "an option under `sbatch:`: `scontrol show reservation` lists them"),
        ("unrecognized option", "an option under `sbatch:` that this Slurm does not have"),
        ("nvalid option", "an option under `sbatch:` that this Slurm does not have"),
    ];
    remedies.iter().find(|(words, _)| message.contains(words)).map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sbatch_says_is_told_apart() {
        for passing in [
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
        ] {
            assert!(is_unclear(passing), "{passing}");
        }
        for (refused, word) in [
            ("sbatch: error: invalid partition specified: nope", "partition"),
            ("sbatch: error: Batch job submission failed: Requested node configuration is not available", "no node"),
            ("sbatch: error: Batch job submission failed: Invalid feature specification", "constraint"),
            ("sbatch: error: AssocMaxSubmitJobLimit", "runs_per_task"),
            ("sbatch: error: QOSMaxSubmitJobPerUserLimit", "runs_per_task"),
            (
                "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS \
                 policy (job submit limit, user's size and/or time limits)",
                "runs_per_task",
            ),
            (
                "sbatch: error: QOSMaxWallDurationPerJobLimit\n(job submit limit, user's size and/or time limits)",
                "{time",
            ),
            ("sbatch: error: QOSMaxGRESPerUser\n(job submit limit, user's size and/or time limits)", "{gres"),
            ("sbatch: error: QOSMaxCpuPerUserLimit\n(job submit limit, user's size and/or time limits)", "{cpus"),
            (
                "sbatch: error: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
                "QOS",
            ),
            ("sbatch: error: Batch job submission failed: Requested time limit is invalid", "{time"),
            ("sbatch: error: Batch job submission failed: Invalid job array specification", "runs_per_task"),
            ("sbatch: error: Batch job submission failed: Requested reservation is invalid", "show reservation"),
            ("sbatch: error: Batch job submission failed: Invalid node name specified", "exclude_after"),
            ("sbatch: unrecognized option '--foo'", "sbatch:"),
        ] {
            assert!(!is_unclear(refused) && remedy(refused).is_some_and(|help| help.contains(word)), "{refused}");
        }
        assert_eq!(remedy("something else"), None);
    }
}
