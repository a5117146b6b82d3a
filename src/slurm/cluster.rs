//! Calls Slurm's programs with a limit on their time: a scheduler that does not answer must not hold anybody up.

use super::queue;
use super::queue::{Config, QueueRow, SACCT_FIELDS, SQUEUE_FORMAT};
use super::submission::Submission;
use super::task_status::Answers;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a program may take; `TESSERA_SLURM_TIMEOUT` (seconds) replaces it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Options of sbatch that scripts set, as an environment may set them over a script's head.
const OVERRULING: [&str; 14] = [
    "SBATCH_ARRAY_INX",
    "SBATCH_JOB_NAME",
    "SBATCH_OUTPUT",
    "SBATCH_ERROR",
    "SBATCH_OPEN_MODE",
    "SBATCH_SIGNAL",
    "SBATCH_REQUEUE",
    "SBATCH_NO_REQUEUE",
    "SBATCH_WAIT",
    "SBATCH_CPUS_PER_TASK",
    "SBATCH_GRES",
    "SBATCH_GPUS",
    "SBATCH_MEM_PER_NODE",
    "SBATCH_COMMENT",
];

/// Why Slurm gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The program cannot be started.
    #[error("{program} cannot be started: {cause}")]
    Missing {
        /// Which.
        program: &'static str,
        /// Why.
        cause: String,
    },
    /// It took too long.
    #[error("{program} did not answer within {seconds} s")]
    Timeout {
        /// Which.
        program: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// It refused.
    #[error("{program}: {message}")]
    Refused {
        /// Which.
        program: &'static str,
        /// What it said.
        message: String,
    },
}

/// The cluster of this machine.
#[derive(Clone, Debug)]
pub struct Cluster {
    timeout: Duration,
    config: OnceLock<Config>,
}

impl Default for Cluster {
    fn default() -> Self {
        let said = std::env::var("TESSERA_SLURM_TIMEOUT").ok().and_then(|said| said.parse().ok());
        Self { timeout: said.map_or(TIMEOUT, Duration::from_secs), config: OnceLock::new() }
    }
}

impl Cluster {
    /// Its configuration; asked for once.
    ///
    /// # Errors
    /// Where scontrol gives no answer.
    pub fn config(&self) -> Result<Config, NoAnswer> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = queue::config(&self.call("scontrol", &["show", "config"])?);
        Ok(self.config.get_or_init(|| config).clone())
    }

    /// How long to wait before an unclear answer is asked for again.
    pub fn pause(&self) -> Duration {
        self.timeout / 60
    }

    /// What is known of the jobs of these submissions.
    pub fn ask(&self, submissions: &[Submission]) -> Answers {
        let names: Vec<&str> = submissions.iter().map(|one| one.name.as_str()).collect();
        let mut answers = Answers { squeue: Ok(Vec::new()), sacct: None, scontrol: Ok(Vec::new()) };
        if names.is_empty() {
            return answers;
        }
        let names = names.join(",");
        let asked = ["--noheader", "--all", "--array", "--states=all", "--name", &names, "--format", SQUEUE_FORMAT];
        answers.squeue = self.call("squeue", &asked).map(|text| queue::squeue(&text)).map_err(|e| e.to_string());
        let Ok(rows) = &answers.squeue else { return answers };
        let missing: Vec<&Submission> = submissions.iter().filter(|one| !all_listed(one, rows)).collect();
        let accounting = match self.config() {
            Ok(config) => config.accounting,
            Err(error) => {
                answers.scontrol = Err(error.to_string());
                return answers;
            }
        };
        if missing.is_empty() {
            answers.sacct = accounting.then(|| Ok(Vec::new()));
        } else if accounting {
            // By default sacct looks back to midnight only.
            let oldest = missing.iter().map(|one| one.time).fold(f64::INFINITY, f64::min);
            answers.sacct = Some(self.accounts(&names, oldest));
        } else {
            answers.scontrol = self.details(&missing);
        }
        answers
    }

    fn accounts(&self, names: &str, since: f64) -> Result<Vec<QueueRow>, String> {
        let day =
            jiff::Timestamp::from_second(since as i64 - 86_400).unwrap_or_default().strftime("%Y-%m-%d").to_string();
        let fields = format!("--format={SACCT_FIELDS}");
        let asked = ["--noheader", "--parsable2", "--allocations", "--allusers", "--name", names, "-S", &day, &fields];
        self.call("sacct", &asked).map(|text| queue::sacct(&text)).map_err(|error| error.to_string())
    }

    /// Of jobs that the queue does not list whole; a number that scontrol does not know has no rows.
    fn details(&self, submissions: &[&Submission]) -> Result<Vec<QueueRow>, String> {
        let mut rows = Vec::new();
        for submission in submissions {
            let Some(job) = submission.job() else { continue };
            match self.call("scontrol", &["--oneliner", "show", "job", job]) {
                Ok(text) => rows.extend(queue::scontrol(&text)),
                Err(NoAnswer::Refused { message, .. }) if is_no_such_job(&message) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(rows)
    }

    /// Submits a script; the job's number.
    ///
    /// # Errors
    /// What sbatch said, or that it said nothing in time: then the job may be there all the same.
    pub fn sbatch(&self, script: &Path) -> Result<String, NoAnswer> {
        let script = script.to_string_lossy();
        let text = self.call("sbatch", &["--parsable", &script])?;
        // `12` or `12;cluster`, after whatever a site's own plugins say.
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let job = last.trim().split(';').next().unwrap_or_default();
        if job.parse::<u64>().is_ok() {
            return Ok(job.to_owned());
        }
        Err(NoAnswer::Refused { program: "sbatch", message: format!("it gave no job number: {}", text.trim()) })
    }

    /// Cancels jobs or tasks (`12`, `12_3`).
    ///
    /// # Errors
    /// Where scancel refuses; jobs that are over already are no error to it.
    pub fn cancel(&self, jobs: &[String]) -> Result<(), NoAnswer> {
        // A command line holds so many.
        for jobs in jobs.chunks(500) {
            let words: Vec<&str> = jobs.iter().map(String::as_str).collect();
            match self.call("scancel", &words) {
                Err(NoAnswer::Refused { message, .. }) if is_no_such_job(&message) => {}
                outcome => drop(outcome?),
            }
        }
        Ok(())
    }

    /// How long a task may still take; `None` where it has no end, or nobody knows.
    pub fn time_left(&self, task: &str) -> Option<Duration> {
        self.call("squeue", &["--noheader", "--jobs", task, "--format", "%L"])
            .ok()
            .and_then(|text| queue::time_left(&text))
    }

    /// Puts a task back into the queue, which ends its processes.
    ///
    /// # Errors
    /// Where scontrol refuses.
    pub fn requeue(&self, task: &str) -> Result<(), NoAnswer> {
        match self.call("scontrol", &["requeue", task]) {
            // Slurm has put it back itself.
            Err(NoAnswer::Refused { message, .. }) if message.contains("Job is pending execution") => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Lets a task start that Slurm would make wait (two minutes after it was requeued).
    ///
    /// # Errors
    /// Where scontrol refuses.
    pub fn start_now(&self, task: &str) -> Result<(), NoAnswer> {
        self.call("scontrol", &["update", &format!("jobid={task}"), "StartTime=now"]).map(drop)
    }

    fn call(&self, program: &'static str, arguments: &[&str]) -> Result<String, NoAnswer> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Times and words as they are parsed here, whatever the user's settings.
        command.env("LC_ALL", "C").env_remove("SLURM_TIME_FORMAT").env_remove("SQUEUE_FORMAT");
        for name in OVERRULING {
            command.env_remove(name);
        }
        let missing = |cause: std::io::Error| NoAnswer::Missing { program, cause: cause.to_string() };
        let mut child = command.spawn().map_err(missing)?;
        let (output, errors) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let deadline = Instant::now() + self.timeout;
        let mut pause = Duration::from_millis(2);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline => std::thread::sleep(pause),
                Ok(None) | Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(NoAnswer::Timeout { program, seconds: self.timeout.as_secs() });
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let text = |reader: std::thread::JoinHandle<String>| reader.join().unwrap_or_default();
        let (output, errors) = (text(output), text(errors));
        if status.success() {
            return Ok(output);
        }
        let said = if errors.trim().is_empty() { &output } else { &errors };
        let message = if said.trim().is_empty() { status.to_string() } else { said.trim().to_owned() };
        Err(NoAnswer::Refused { program, message })
    }
}

/// Whether the queue has a row for every task.
fn all_listed(submission: &Submission, rows: &[QueueRow]) -> bool {
    let ours: Vec<&QueueRow> = rows.iter().filter(|row| row.name == submission.name).collect();
    let count = u32::try_from(submission.tasks.len()).unwrap_or(u32::MAX);
    (0..count).all(|task| ours.iter().any(|row| row.is_of(task)))
}

fn is_no_such_job(message: &str) -> bool {
    message.contains("Invalid job id") || message.contains("not found")
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
