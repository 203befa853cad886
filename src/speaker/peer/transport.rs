//! What a session asks of its connections, where that is more than options of a new socket.

use tracing::warn;

use super::Peer;
use crate::config::SessionPlan;
use crate::fsm::State;

impl Peer {
    /// Whether the peer came out of a range and is gone again. While it is kept from coming back the session stays, so
    /// that it cannot come back sooner as a new one; and while its routes are kept for it.
    pub(super) fn is_over(&self) -> bool {
        self.has_served
            && self.intent.plan.transport.range.is_some()
            && self.connections.is_empty()
            && self.fsm.state() == State::Active
            && self.retention.poll_deadline().is_none()
    }

    /// Connections take another MD5 key as they are. A peer that takes it too, within the hold time, loses nothing.
    pub(super) fn change_key(&mut self, before: &SessionPlan) {
        let plan = self.intent.plan.clone();
        let Some(key) =
            plan.transport.md5_key.as_ref().filter(|key| before.transport.md5_key.as_ref() != Some(*key))
        else {
            return;
        };
        for conn in self.connection_ids() {
            let changed =
                self.connection_mut(conn).map(|connection| connection.set_md5(plan.peer_address, key));
            if let Some(Err(error)) = changed {
                warn!(%error, "the MD5 key could not be changed: the connection is closed");
                self.lost(conn);
            }
        }
    }
}
