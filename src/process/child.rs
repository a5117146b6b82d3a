//! A worker process. Its threads turn what it says into events, in one channel for all workers.

use super::attend;
use super::event::{Event, WorkerEvent};
use super::group;
use super::host;
use super::listen::Listener;
use super::log::Log;
use super::logs::Logs;
use crate::record::Instruction;
use nix::sys::signal::Signal;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A worker process. Dropping it leaves it alone: the loop waits for [`WorkerEvent::Ended`].
pub struct Process {
    /// The number in its events.
    pub number: u64,
    /// Its process, and its process group.
    pub pid: u32,
    /// In clock ticks since boot.
    pub start_time: u64,
    /// The logs of its runs.
    pub logs: Arc<Mutex<Logs>>,
    input: Option<Sender<Vec<u8>>>,
}

impl Process {
    /// Starts a built-in worker.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn worker(mut command: Command, number: u64, events: SyncSender<Event>) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let logs = Arc::new(Mutex::new(Logs::default()));
        let input = child.stdin.take().map(write_from);
        let process = Self::of(&child, number, logs.clone(), input);
        let (pid, start_time) = (process.pid, process.start_time);
        let pipes = child.stdout.take().zip(child.stderr.take());
        thread::spawn(move || {
            if let Some((output, errors)) = pipes {
                Listener { output, errors, number, logs: &logs, events: &events }.listen();
            }
            // Its output is closed: it is on its way out, or no worker any more.
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(5));
                if host::is_alive(pid, start_time) {
                    group::signal(pid, Signal::SIGKILL);
                }
            });
            let ended = group::wait(pid, Duration::from_secs(1));
            let _ = events.send(Event::Worker(number, Instant::now(), WorkerEvent::Ended(ended)));
        });
        Ok(process)
    }

    /// Starts a command whose output, both kinds, is the log.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn command(mut command: Command, log: Log, number: u64, events: SyncSender<Event>) -> io::Result<Self> {
        let (output, writer) = io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
        let child = command.spawn()?;
        // The command holds the writing ends of the pipe too, and its end is seen only once they are closed.
        drop(command);
        let logs = Arc::new(Mutex::new(Logs::of(log)));
        let process = Self::of(&child, number, logs.clone(), None);
        let pid = process.pid;
        thread::spawn(move || {
            let ended = attend::attend(pid, output, &logs);
            let _ = events.send(Event::Worker(number, Instant::now(), WorkerEvent::Ended(ended)));
        });
        Ok(process)
    }

    fn of(child: &Child, number: u64, logs: Arc<Mutex<Logs>>, input: Option<Sender<Vec<u8>>>) -> Self {
        let pid = child.id();
        let start_time = host::process(pid).map_or(0, |(_, start)| start);
        Self { number, pid, start_time, logs, input }
    }

    /// Sends a request; a worker that is gone will be seen to be.
    pub fn send(&self, request: &Instruction) {
        if let (Some(input), Ok(mut line)) = (&self.input, serde_json::to_vec(request)) {
            line.push(b'\n');
            let _ = input.send(line);
        }
    }

    /// Ends its input, which ends a built-in worker once it has done what it was asked.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// The last lines of the log that is written now, and why a log could not be written, if that is news.
    pub fn last_words(&self) -> (String, Option<String>) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        (logs.last_lines(), logs.trouble())
    }

    /// Sends a signal to its whole group.
    pub fn signal(&self, signal: Signal) {
        group::signal(self.pid, signal);
    }
}

/// Writes from a thread of its own: a worker that does not read must not hold the loop up.
fn write_from(mut pipe: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, lines) = channel::<Vec<u8>>();
    thread::spawn(move || lines.iter().try_for_each(|line| pipe.write_all(&line).and_then(|()| pipe.flush())));
    sender
}
