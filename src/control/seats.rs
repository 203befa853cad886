//! Which connections are open. Where all seats are taken, the connection that has been silent for longest gives its own to
//! the newcomer, so that nobody who opens connections and says nothing, or little, keeps a health check out: what answers
//! at once needs its seat for less time than it takes to open all the others anew.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;

/// The seats of one listener.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    /// Counts what the connections do, octets that come or go: it orders them by when they did something last.
    turns: Arc<AtomicU64>,
    taken: Vec<Seat>,
}

#[derive(Debug)]
struct Seat {
    last: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Seats {
    pub(super) fn new(most: usize) -> Self {
        Self { most, turns: Arc::default(), taken: Vec::new() }
    }

    /// A newcomer, told from now on by what comes and goes on it.
    pub(super) fn watch<I>(&self, io: I) -> Watched<I> {
        let watched = Watched { io, last: Arc::default(), turns: Arc::clone(&self.turns) };
        watched.note();
        watched
    }

    /// Gives the newcomer a seat, and with it an end to whoever must give way. O(seats).
    pub(super) fn seat(&mut self, last: Arc<AtomicU64>, task: AbortHandle) {
        self.taken.retain(|seat| !seat.task.is_finished());
        if self.taken.len() >= self.most {
            let silent =
                self.taken.iter().enumerate().min_by_key(|(_, seat)| seat.last.load(Ordering::Relaxed));
            if let Some((at, _)) = silent {
                self.taken.swap_remove(at).task.abort();
                tracing::debug!("the HTTP connection that was silent for longest is closed for a new one");
            }
        }
        self.taken.push(Seat { last, task });
    }
}

/// A stream that notes when octets came or went.
#[derive(Debug)]
pub(super) struct Watched<I> {
    io: I,
    last: Arc<AtomicU64>,
    turns: Arc<AtomicU64>,
}

impl<I> Watched<I> {
    /// When they did last, in turns.
    pub(super) fn last(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.last)
    }

    fn note(&self) {
        self.last.store(self.turns.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    fn noted<T>(&self, progress: Poll<T>) -> Poll<T> {
        if progress.is_ready() {
            self.note();
        }
        progress
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.io).poll_read(cx, buf);
        self.noted(progress)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write(cx, buf);
        self.noted(progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.noted(progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
