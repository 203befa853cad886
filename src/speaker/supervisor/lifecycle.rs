//! Changes of type: what the lifecycle of connections asks of their sessions.

use std::sync::Arc;

use tracing::{debug, warn};

use super::Supervisor;
use crate::config::Change;
use crate::fsm::State;
use crate::speaker::lifecycle::{Looked, TypeChangeOrder, has_reached};

impl Supervisor {
    /// An operator wants another type.
    pub(super) fn on_type_change(&mut self, order: TypeChangeOrder) {
        let TypeChangeOrder { connection, to, reply } = order;
        let answer = self.lifecycle.order(&connection, &to);
        let is_taken = answer.is_ok();
        if reply.send(answer).is_err() {
            debug!("whoever asked has gone");
        }
        if is_taken {
            self.advance();
        }
    }

    /// The sessions of a connection have come to the end of a phase, or one of them has gone, or they took too long.
    pub(super) fn on_looked(&mut self, looked: Looked) {
        if let Some(connection) = self.lifecycle.unwatch(looked) {
            warn!(connection = %connection, "not all that was announced was withdrawn in time; the sessions restart");
            self.lifecycle.next_phase(&connection);
            self.put_in_force(self.lifecycle.plan());
        }
        self.advance();
    }

    /// Takes every change of type as far as it goes now.
    pub(super) fn advance(&mut self) {
        loop {
            let mut has_moved = self.lifecycle.begin_next();
            for (connection, change) in self.lifecycle.under_way() {
                if self.is_reached(&connection, change) {
                    self.lifecycle.next_phase(&connection);
                    has_moved = true;
                }
            }
            if !has_moved {
                break;
            }
            // The sessions are told; what they make of it is seen by a watch.
            self.put_in_force(self.lifecycle.plan());
        }
        for (connection, change) in self.lifecycle.under_way() {
            let of_connection = self.running.values().filter(|r| r.door.plan.connection == connection);
            let sessions = of_connection.map(|running| running.entry.snapshot.clone()).collect();
            self.lifecycle.watch(connection, change, sessions);
        }
    }

    /// Whether every session of a connection has come to the end of a phase. What came out of a range and is down has: it
    /// may not come back.
    fn is_reached(&self, connection: &Arc<str>, change: Change) -> bool {
        let mut of_connection = self.running.values().filter(|r| r.door.plan.connection == *connection);
        of_connection.all(|running| {
            let snapshot = running.entry.snapshot.borrow();
            let has_left = running.range().is_some() && snapshot.state != State::Established;
            has_left || has_reached(change, &snapshot)
        })
    }
}
