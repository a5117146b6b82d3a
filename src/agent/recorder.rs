//! Writes what happens to runs into the sink, as facts with their time.

use super::settings::{QueuedRun, Settings};
use super::sink::{Array, Sink, SinkError};
use crate::presence::claim::Holder;
use crate::process::child::Process;
use crate::process::host;
use crate::record::{Fact, Failure, Outcome, Provenance, Reading, Rows};

/// Writes facts and numbers of one agent.
pub struct Recorder<'a> {
    sink: &'a mut dyn Sink,
    /// What all attempts share.
    provenance: Provenance,
    /// A probe begins with a checkpoint and goes on from nothing.
    is_probe: bool,
}

/// What a worker says of itself.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// The trainer's version.
    pub version: String,
    /// libtorch's version.
    pub libtorch: String,
}

/// The most memory that an attempt took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peak {
    /// MiB, where known.
    pub mib: Option<f64>,
    /// Whether it may have taken less: earlier runs of its worker count too.
    pub is_bound: bool,
}

impl<'a> Recorder<'a> {
    /// Into this sink.
    pub fn new(settings: &Settings, sink: &'a mut dyn Sink) -> Self {
        let this = Holder::this();
        let provenance = Provenance {
            host: this.host,
            boot: this.boot,
            agent: this.pid,
            agent_start_time: this.start_time,
            git: settings.git.clone(),
            spec: settings.spec.clone(),
            threads: settings.resources.cpu,
            task: settings.allotted.as_ref().map(|allotted| Box::new(allotted.task.clone())),
            ..Default::default()
        };
        Self { sink, provenance, is_probe: settings.probe.is_some() }
    }

    /// An attempt began in a worker's process on a device.
    pub fn started(
        &mut self,
        queued: &QueuedRun,
        process: &Process,
        ready: &Ready,
        device: String,
    ) -> Result<(), SinkError> {
        let provenance = Provenance {
            pid: process.pid,
            group: process.pid,
            start_time: process.start_time,
            device,
            version: ready.version.clone(),
            libtorch: ready.libtorch.clone(),
            ..self.provenance.clone()
        };
        let resume = queued.resume.as_ref().filter(|_| !self.is_probe);
        self.sink.fact(Fact::Started {
            time: host::unix_time(),
            run: queued.id().clone(),
            attempt: queued.attempt,
            resume: resume.map(|resume| (resume.attempt, resume.step)),
            provenance: Box::new(provenance),
        })
    }

    /// Rows of an attempt's history.
    pub fn history(&mut self, queued: &QueuedRun, rows: &Rows) -> Result<(), SinkError> {
        self.sink.history(queued.id(), queued.attempt, rows)
    }

    /// Arrays of an attempt at a step.
    pub fn arrays(&mut self, queued: &QueuedRun, step: u64, arrays: Vec<Array>) -> Result<(), SinkError> {
        self.sink.arrays(queued.id(), queued.attempt, step, arrays)
    }

    /// A checkpoint exists: `file` in the run's folder.
    pub fn checkpoint(&mut self, queued: &QueuedRun, step: u64, guessed: bool, file: String) -> Result<(), SinkError> {
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        self.sink.fact(Fact::Checkpoint { time: host::unix_time(), run, attempt, step, guessed, file })
    }

    /// What a command's files gave.
    pub fn read(&mut self, queued: &QueuedRun, reading: Reading) -> Result<(), SinkError> {
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        self.sink.fact(Fact::Read { time: host::unix_time(), run, attempt, reading })
    }

    /// An attempt ended with a result.
    pub fn finished(
        &mut self,
        queued: &QueuedRun,
        outcome: Outcome,
        seconds: f64,
        peak: Peak,
    ) -> Result<(), SinkError> {
        self.sink.fact(Fact::Finished {
            time: host::unix_time(),
            run: queued.id().clone(),
            attempt: queued.attempt,
            seconds,
            outcome,
            peak_memory_mib: peak.mib,
            peak_is_bound: peak.is_bound,
        })
    }

    /// An attempt was stopped.
    pub fn stopped(&mut self, queued: &QueuedRun, seconds: f64) -> Result<(), SinkError> {
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        self.sink.fact(Fact::Stopped { time: host::unix_time(), run, attempt, seconds })
    }

    /// An attempt failed.
    pub fn failed(
        &mut self,
        queued: &QueuedRun,
        failure: Failure,
        message: String,
        seconds: f64,
    ) -> Result<(), SinkError> {
        let (run, attempt) = (queued.id().clone(), queued.attempt);
        self.sink.fact(Fact::Failed { time: host::unix_time(), run, attempt, seconds, failure, message })
    }

    /// Makes everything so far safe.
    pub fn commit(&mut self) -> Result<(), SinkError> {
        self.sink.commit()
    }
}
