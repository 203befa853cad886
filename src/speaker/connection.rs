//! One TCP connection of a peer: bytes in as frames, the outbox out, and an orderly end.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock::Clock;
use super::flight::Ring;
use super::system;
use crate::advertise::{Outbox, Wrote};
use crate::config::Md5Key;
use crate::fsm::ConnId;
use crate::wire::{MAX_EXTENDED_MESSAGE_LEN, MAX_MESSAGE_LEN};

/// The most bytes read in one turn.
pub(super) const READ_TURN: usize = 64 * 1024;
/// The most bytes written in one turn, so that one peer does not keep the others waiting.
const WRITE_TURN: usize = 256 * 1024;
/// How long an ending connection may take to get its last message out, and again to see the peer's end.
const LINGER: Duration = Duration::from_secs(1);

thread_local! {
    /// Where every connection of a worker reads into; a connection keeps only the part of a message that is left over.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What one read brought.
pub(super) struct Filled {
    /// The scratch: what was left over from before, then what was read.
    pub(super) bytes: Vec<u8>,
    /// How much of it is filled.
    pub(super) len: usize,
    /// How much of that is new.
    pub(super) read: usize,
    /// The peer's end of the stream, or an error of it.
    pub(super) ended: bool,
}

/// One TCP connection of a peer.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnId,
    pub(super) outbox: Outbox,
    pub(super) max_message_len: usize,
    /// The last messages.
    pub(super) ring: Ring,
    stream: TcpStream,
    partial: Vec<u8>,
}

impl Connection {
    /// Takes a connected stream that was [prepared](system::prepare).
    pub(super) fn new(id: ConnId, stream: TcpStream) -> Self {
        Self {
            id,
            outbox: Outbox::new(),
            max_message_len: MAX_MESSAGE_LEN,
            ring: Ring::default(),
            stream,
            partial: Vec::new(),
        }
    }

    /// Signs by another key from now on, and takes nothing else.
    ///
    /// # Errors
    /// Whatever the kernel says; the connection must not be used any more.
    pub(super) fn set_md5(&self, peer: IpAddr, key: &Md5Key) -> io::Result<()> {
        system::set_md5(self.stream.as_fd(), peer.into(), Some(key))
    }

    /// Our end.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(|a| a.ip())
    }

    /// Our end and the peer's, while TCP is there.
    pub(super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        Some((self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?))
    }

    /// Whether there is something to read, or room to write where something waits; else the task is woken when so.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error counts as readiness: the read or write that follows names it.
        let readable = self.stream.poll_read_ready(cx).is_ready();
        let writable = self.outbox.wants_write() && self.stream.poll_write_ready(cx).is_ready();
        if readable || writable { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Writes what the outbox has, a turn's worth at most.
    pub(super) fn write(&mut self) -> io::Result<Wrote> {
        let Self { outbox, stream, ring, .. } = self;
        let now = Clock::since_epoch();
        outbox.write(now.as_secs(), WRITE_TURN, &mut |slices| {
            let taken = stream.try_write_vectored(slices)?;
            ring.sent(now, slices, taken);
            Ok(taken)
        })
    }

    /// Reads a turn's worth at most, behind what was left over.
    pub(super) fn read(&mut self) -> Filled {
        let mut bytes = SCRATCH.take();
        bytes.resize(READ_TURN + MAX_EXTENDED_MESSAGE_LEN, 0);
        let mut len = 0;
        if let Some(front) = bytes.get_mut(..self.partial.len()) {
            front.copy_from_slice(&self.partial);
            len = self.partial.len();
        }
        let mut ended = false;
        let kept = len;
        let turn = kept + READ_TURN;
        while let Some(room) = bytes.get_mut(len..turn).filter(|room| !room.is_empty()) {
            match self.stream.try_read(room) {
                Ok(0) => ended = true,
                Ok(n) => {
                    len += n;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => ended = true,
            }
            break;
        }
        Filled { bytes, len, read: len.saturating_sub(kept), ended }
    }

    /// Keeps what is left of a read: less than one message.
    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        if self.partial.is_empty() && self.partial.capacity() > MAX_MESSAGE_LEN {
            self.partial = Vec::new();
        }
    }

    /// Ends the connection: what was queued goes out, then our end of the stream, then the peer's is awaited, since
    /// closing over unread bytes would make the kernel throw the NOTIFICATION away.
    pub(super) async fn close(mut self) {
        let flushed = timeout(LINGER, async {
            while !self.outbox.control_is_flushed() {
                self.stream.writable().await?;
                self.write()?;
            }
            io::Result::Ok(())
        })
        .await;
        if !matches!(flushed, Ok(Ok(()))) {
            return;
        }
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut sink = [0; 4096];
        let drained = timeout(LINGER, async {
            // A bound on what is thrown away, since the time bound alone lets a fast peer keep a worker busy.
            for _ in 0..4096 {
                self.stream.readable().await?;
                match self.stream.try_read(&mut sink) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    Err(e) => return Err(e),
                }
            }
            io::Result::Ok(())
        })
        .await;
        if drained.is_err() {
            tracing::trace!("the peer kept its end of a closed connection open");
        }
    }
}

/// Gives the scratch back to the worker.
pub(super) fn give_back(bytes: Vec<u8>) {
    SCRATCH.set(bytes);
}
