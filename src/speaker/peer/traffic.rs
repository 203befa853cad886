//! Octets in and out: turns of reading and writing, and the messages in what was read.

use tracing::debug;

use super::Peer;
use crate::advertise::Outcome;
use crate::fsm::{ConnId, Incoming};
use crate::speaker::clock::Clock;
use crate::speaker::connection::{self, READ_TURN};
use crate::wire::{Frame, frame};

/// How many turns the session's connection is read ahead of another one.
const READ_AHEAD: usize = 16;
/// Octets in one turn from which on the others come first, before any more is read: a peer that never stops sending
/// must not keep a worker, and with it the timers of all sessions.
const BUSY: usize = 4096;

impl Peer {
    /// Reads a turn's worth of each connection. With two, the session's is read to its end first: the peer may have
    /// ended it there before it dialled anew, and the new connection's OPEN must not be judged beside it.
    pub(super) fn read_all(&mut self) {
        if self.connections.len() > 1
            && let Some(established) = self.fsm.established()
        {
            for _ in 0..READ_AHEAD {
                if self.read(established) < READ_TURN {
                    break;
                }
            }
        }
        for conn in self.connection_ids() {
            let read = self.read(conn);
            self.busy |= read >= BUSY;
        }
    }

    /// Reads a turn's worth, and deals with the messages in it; returns how many octets came.
    fn read(&mut self, conn: ConnId) -> usize {
        let Some(connection) = self.connection_mut(conn) else { return 0 };
        let filled = connection.read();
        self.status.bytes_received(filled.read);
        let mut at = 0;
        // Any message may end the connection, so it is looked up anew for each.
        while let Some(connection) = self.connection_mut(conn) {
            let max_message_len = connection.max_message_len;
            let unread = filled.bytes.get(at..filled.len).unwrap_or_default();
            match frame(unread, max_message_len) {
                Ok(Some(frame)) => {
                    at += frame.whole.len();
                    self.on_frame(conn, &frame);
                }
                Ok(None) => {
                    connection.keep(unread);
                    break;
                }
                Err(notification) => {
                    connection.ring.received(Clock::since_epoch(), unread);
                    let now = self.now();
                    self.fsm.handle_message(now, conn, Incoming::Malformed(notification));
                    self.act();
                    break;
                }
            }
        }
        connection::give_back(filled.bytes);
        if filled.ended && self.connection_mut(conn).is_some() {
            self.lost(conn);
        }
        filled.read
    }

    fn on_frame(&mut self, conn: ConnId, frame: &Frame<'_>) {
        self.status.message_received(frame.kind);
        if let Some(connection) = self.connection_mut(conn) {
            connection.ring.received(Clock::since_epoch(), frame.whole);
        }
        let incoming = self.decode(conn, frame);
        let now = self.now();
        self.fsm.handle_message(now, conn, incoming);
        self.act();
        self.because = None;
    }

    pub(super) fn lost(&mut self, conn: ConnId) {
        drop(self.remove(conn));
        let now = self.now();
        self.fsm.handle_closed(now, conn);
        self.act();
    }

    /// Writes what waits, a turn's worth of each connection.
    pub(super) fn write_all(&mut self) {
        for conn in self.connection_ids() {
            let Some(connection) = self.connection_mut(conn).filter(|c| c.outbox.wants_write()) else {
                continue;
            };
            let before = connection.outbox.counters().clone();
            let wrote = connection.write();
            let now = connection.outbox.counters().clone();
            self.status.sent(&before, &now);
            match wrote {
                Ok(wrote) => self.busy |= matches!(wrote.outcome, Outcome::Budget),
                Err(error) => {
                    debug!(%error, "writing failed");
                    // The peer may have said why before it went.
                    self.read(conn);
                    if self.connection_mut(conn).is_some() {
                        self.lost(conn);
                    }
                }
            }
        }
    }
}
