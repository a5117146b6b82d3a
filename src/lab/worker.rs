//! The worker: reads requests, executes their runs one after another, answers (the words: `record`'s protocol).
//!
//! A run's panic (libtorch's errors are panics here) ends that run as failed, not the worker. At the end of standard input
//! the worker does what it was asked for and ends; if nobody reads its answers any more, it ends at once.

use crate::answers::Answers;
use crate::parameter::{Parameter, Values};
use crate::{accelerator, describe, retina, toy};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::io::BufRead;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tessera::record::{Answer, Assignment, Failure, Instruction, PROTOCOL, ProbeAssignment};

/// The libtorch that tch is made for (`libtorch.txt`).
const LIBTORCH: &str = "2.11.0";

/// How many of the requests received are to be stopped; requests count from 1.
type Stopped = Arc<AtomicU64>;

/// Works until the end of standard input. `Err`: a line that is no request.
pub fn work() -> Result<(), String> {
    accelerator::load();
    let mut answers = Answers::new(Box::new(std::io::stdout()));
    answers.say(&Answer::Ready {
        protocol: PROTOCOL,
        trainer: "tessera-lab".to_owned(),
        version: env!("TESSERA_LAB_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
        device: accelerator::kind().to_owned(),
    });
    answers.send();
    let stopped = Stopped::default();
    let (requests, received) = channel();
    let stops = stopped.clone();
    std::thread::spawn(move || read(requests, &stops));
    Worker { answers, stopped, pool: None }.serve(&received)
}

/// Reads requests until there are no more, or one that is none; then looks whether anybody still listens.
fn read(requests: Sender<Result<Instruction, String>>, stopped: &Stopped) {
    let mut received = 0;
    for line in std::io::stdin().lock().lines() {
        let request = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => serde_json::from_str(&line).map_err(|error| format!("not a request: {error}")),
            Err(error) => Err(format!("standard input: {error}")),
        };
        match request {
            Ok(Instruction::Stop) => stopped.store(received, Ordering::SeqCst),
            request => {
                received += 1;
                let is_last = request.is_err();
                if requests.send(request).is_err() || is_last {
                    break;
                }
            }
        }
    }
    drop(requests);
    while !is_unheard() {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::process::exit(0);
}

/// Whether the other end of standard output, a pipe, is closed.
fn is_unheard() -> bool {
    let output = std::io::stdout();
    let mut entry = [PollFd::new(output.as_fd(), PollFlags::empty())];
    let ready = poll(&mut entry, PollTimeout::ZERO).unwrap_or(0);
    ready > 0 && entry[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR))
}

struct Worker {
    answers: Answers,
    stopped: Stopped,
    /// For as many threads as the last job had.
    pool: Option<(u32, ThreadPool)>,
}

impl Worker {
    fn serve(&mut self, requests: &Receiver<Result<Instruction, String>>) -> Result<(), String> {
        for (request, number) in requests.iter().zip(1u64..) {
            let jobs: Vec<(Assignment, Option<ProbeAssignment>)> = match request? {
                Instruction::Train { runs } => runs.into_iter().map(|job| (job, None)).collect(),
                Instruction::Probe { runs } => runs.into_iter().map(|probe| (probe.job.clone(), Some(probe))).collect(),
                Instruction::Stop => continue,
            };
            for (job, probe) in &jobs {
                if self.answers.is_lost() || self.stopped.load(Ordering::SeqCst) >= number {
                    break;
                }
                self.execute(job, probe.as_ref(), number);
            }
            self.answers.send();
            if self.answers.is_lost() {
                break;
            }
        }
        Ok(())
    }

    fn execute(&mut self, job: &Assignment, probe: Option<&ProbeAssignment>, number: u64) {
        self.answers.started(&job.run);
        let Self { answers, stopped, pool } = self;
        let stop = || stopped.load(Ordering::SeqCst) >= number;
        let done = catch_unwind(AssertUnwindSafe(|| {
            // The toy is too small for threads of its own.
            if job.trainer == "toy" {
                return execute(job, probe, answers, &stop);
            }
            answers.send();
            let pool = threads(pool, job.threads)?;
            pool.install(|| {
                tch::set_num_threads(job.threads.max(1) as i32);
                execute(job, probe, answers, &stop)
            })
        }));
        let failed = match done {
            Ok(Ok(())) => None,
            Ok(Err(message)) => Some((class(&message), message)),
            Err(panic) => {
                let message = words(panic.as_ref());
                Some((class(&message), message))
            }
        };
        if let Some((failure, message)) = failed {
            let message = message.lines().next().unwrap_or("failed without a word").to_owned();
            self.answers.failed(&job.run, failure, message);
            self.answers.send();
        }
    }
}

/// A pool of that many threads, made when the number changes: sums are split by it, so a run has as many as its job says.
fn threads(pool: &mut Option<(u32, ThreadPool)>, count: u32) -> Result<&ThreadPool, String> {
    if pool.as_ref().is_none_or(|(threads, _)| *threads != count) {
        let made = ThreadPoolBuilder::new().num_threads(count.max(1) as usize).build();
        *pool = Some((count, made.map_err(|error| format!("cannot start {count} threads: {error}"))?));
    }
    pool.as_ref().map(|(_, pool)| pool).ok_or_else(|| "no threads".to_owned())
}

/// One run or probe, on the thread it is called on.
fn execute(
    job: &Assignment,
    probe: Option<&ProbeAssignment>,
    answers: &mut Answers,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), String> {
    let table: Vec<Parameter> = match job.trainer.as_str() {
        "retina" => describe::retina::parameters(),
        "toy" => describe::toy::parameters(),
        other => return Err(format!("no trainer `{other}`: retina or toy")),
    };
    let values = Values::check(&table, &job.parameters)?;
    match (job.trainer.as_str(), probe) {
        ("toy", None) => toy::run(&job.run, &values, answers),
        ("toy", Some(_)) => Err("the toy has no probes".to_owned()),
        (_, None) => retina::train(job, &values, accelerator::device(&job.device)?, answers, stop),
        (_, Some(probe)) => retina::probe(probe, &values, accelerator::device(&job.device)?, answers, stop),
    }
}

/// The class of a failure, by its words: libtorch tells running out of memory in no other way.
fn class(message: &str) -> Failure {
    let lower = message.to_lowercase();
    let memory = ["out of memory", "can't allocate memory", "cannot allocate memory", "_status_alloc_failed"];
    if memory.iter().any(|words| lower.contains(words)) { Failure::Oom } else { Failure::Crash }
}

/// What a panic says; of libtorch's errors, which arrive unwrapped and escaped, the first line.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("panicked without a word");
    let torch = text.strip_prefix("called `Result::unwrap()` on an `Err` value: Torch(\"");
    torch.map_or(text, |escaped| escaped.split("\\n").next().unwrap_or(escaped)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_memory_is_told_by_its_words() {
        let messages = [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
            "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate",
        ];
        assert!(messages.iter().all(|message| class(message) == Failure::Oom));
        assert_eq!(class("index out of range"), Failure::Crash);
        let panic = catch_unwind(|| panic!("{}", "told")).unwrap_err();
        assert_eq!(words(panic.as_ref()), "told");
        // An index out of bounds of an empty tensor: libtorch's own words.
        let panic = catch_unwind(|| tch::Tensor::zeros([2], (tch::Kind::Float, tch::Device::Cpu)).get(5)).unwrap_err();
        assert!(words(panic.as_ref()).starts_with("select(): index 5 out of range"), "{}", words(panic.as_ref()));
    }
}
