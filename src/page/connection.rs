//! Connections that cannot wear the server out: so many at once, and each ends that neither brings nor takes a byte
//! for a while, be it half a request or an answer that nobody reads.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// So many at once; a process may usually have 1024 files open.
const MOST: usize = 512;
/// So long a request may take to come.
const FIRST: Duration = Duration::from_secs(10);
/// So long an answered connection may say nothing; longer than an event is waited for.
const IDLE: Duration = Duration::from_secs(60);

/// Accepts connections that end by themselves.
pub(super) struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Door {
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(MOST)) }
    }
}

impl axum::serve::Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // The semaphore is never closed; were it, connections would not be counted.
            let permit = self.room.clone().acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    let end = Box::pin(tokio::time::sleep(FIRST));
                    return (Connection { stream, end, answered: false, _permit: permit }, address);
                }
                // Too many open files, or whoever connected is gone.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    answered: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// What came of reading or writing: progress moves the end, waiting may have come to it.
    fn timed<T>(&mut self, context: &mut Context, outcome: Poll<io::Result<T>>, wrote: bool) -> Poll<io::Result<T>> {
        if outcome.is_pending() {
            return match self.end.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            };
        }
        self.answered |= wrote;
        // Before the first answer bytes that trickle in do not buy time.
        if self.answered {
            self.end.as_mut().reset(Instant::now() + IDLE);
        }
        outcome
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context, buffer: &mut ReadBuf) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.timed(context, outcome, false)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, outcome, true)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffers: &[io::IoSlice],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.timed(context, outcome, true)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
