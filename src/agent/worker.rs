//! A worker in its slot, and the run that it executes.

use super::command::Found;
use crate::pickup::Pickup;
use crate::presence::reservation::Reservation;
use crate::process::child::Process;
use crate::record::{Failure, Request, Resume};
use crate::schedule::Class;
use nix::sys::signal::Signal;
use std::collections::VecDeque;
use std::time::Instant;

/// A worker in its slot.
pub struct Worker {
    /// Its process.
    pub process: Process,
    /// What it said of itself, once it did.
    pub ready: Option<Ready>,
    /// Runs that it was sent and has not ended, in its order; the first executes or is next.
    pub batch: VecDeque<usize>,
    /// The memory class of its runs.
    pub class: Class,
    /// Whether its runs have the devices to themselves.
    pub alone: bool,
    /// The run that a worker executes.
    pub current: Option<CurrentRun>,
    /// Whether it has executed a run before the current one.
    pub used: bool,
    /// Why it was told to end, and when it is killed.
    pub ending: Option<Ending>,
    /// When it last said something.
    pub last_news: Instant,
    /// When it was started.
    pub began: Instant,
    /// Since when its process has been stopped (SIGSTOP).
    pub frozen: Option<Instant>,
    /// How often the kernel had ended processes for want of memory when the run began.
    pub kernel_kills: u64,
    /// Where the numbers of a command come from.
    pub pickup: Option<Pickup>,
    /// The attempt that it was started as, of a command.
    pub first_attempt: u32,
    /// The newest checkpoint of its program that a next attempt can go on from.
    pub kept: Option<Found>,
    /// Whether the step of the checkpoint that was kept last is a guess.
    pub guessed: bool,
    /// A checkpoint when it was first seen, and the last step that was known then.
    pub sighted: Option<(Found, u64)>,
    /// What its command goes on from.
    pub origin: Option<Resume>,
    /// Why the last numbers of its command could not be read.
    pub unread: Option<String>,
    /// What of the machine it holds.
    #[expect(dead_code, reason = "held as long as the worker is there")]
    pub reservation: Reservation,
}

/// What a worker says of itself.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// The trainer's version.
    pub version: String,
    /// libtorch's version.
    pub libtorch: String,
}

/// The run that executes.
pub struct CurrentRun {
    /// Its place among the agent's runs.
    pub place: usize,
    /// When it began.
    pub began: Instant,
    /// When its last number came.
    pub last_number: Instant,
    /// Steps done.
    pub step: u64,
    /// Last value of the sweep's metric.
    pub value: Option<f64>,
}

/// Why a worker was told to end.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Why.
    pub why: EndReason,
    /// When it is killed.
    pub deadline: Instant,
    /// Whether it was.
    pub killed: bool,
}

/// Why a worker was told to end.
#[derive(Clone, Debug, PartialEq)]
pub enum EndReason {
    /// A person or a signal.
    Stop,
    /// A limit, with what is said of it.
    Limit(Failure, String),
    /// It said something that the protocol does not have, or that is not true.
    Fault(String),
    /// A number that must be finite is not: the step, and which.
    Diverged(u64, String),
    /// There is nothing more to do, or its memory class is not wanted any more.
    Dismissed,
}

impl Worker {
    /// A worker that has just been started.
    pub fn new(process: Process, class: Class, reservation: Reservation) -> Self {
        Self {
            process,
            ready: None,
            batch: VecDeque::new(),
            class,
            alone: false,
            current: None,
            used: false,
            ending: None,
            last_news: Instant::now(),
            began: Instant::now(),
            frozen: None,
            kernel_kills: 0,
            pickup: None,
            first_attempt: 0,
            kept: None,
            guessed: false,
            sighted: None,
            origin: None,
            unread: None,
            reservation,
        }
    }

    /// Asks for a checkpoint and an end: a built-in worker in words, a command (a stopped one too) by SIGTERM.
    pub fn ask_to_stop(&self) {
        if self.pickup.is_none() {
            self.process.send(&Request::Stop);
        } else {
            self.process.signal(Signal::SIGTERM);
            self.process.signal(Signal::SIGCONT);
        }
    }

    /// Tells why it ends; the first reason stays.
    pub fn end(&mut self, why: EndReason, deadline: Instant) {
        self.ending.get_or_insert(Ending { why, deadline, killed: false });
    }
}
