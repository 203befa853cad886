//! The send hold timer (RFC 9687): whether the peer's TCP still takes what it is sent.

use tracing::{debug, warn};

use super::Peer;
use crate::fsm::SendHold;
use crate::speaker::system::Progress;

impl Peer {
    /// Runs the timer by the plan, of a session that is up.
    pub(super) fn set_send_hold(&mut self) {
        let now = self.now();
        let limit = self.fsm.negotiated().map(|negotiated| {
            let given = self.intent.plan.protocol.send_hold_time;
            given.unwrap_or_else(|| SendHold::default_limit(negotiated.hold_time))
        });
        self.status.set_send_hold(limit);
        self.send_hold = match (limit, self.send_hold.take()) {
            (Some(limit), Some(mut running)) if !limit.is_zero() => {
                running.set_limit(now, limit);
                Some(running)
            }
            (Some(limit), _) => SendHold::new(now, limit),
            (None, _) => None,
        };
    }

    /// Asks TCP when it is due, and ends the session of a peer that has taken nothing for too long.
    pub(super) fn send_hold_due(&mut self) {
        let now = self.now();
        if self.send_hold.as_ref().is_none_or(|hold| hold.when() > now) {
            return;
        }
        let Some(progress) = self.established_mut().map(|connection| connection.progress()) else { return };
        let Progress { unacknowledged, acknowledged } = progress.unwrap_or_else(|error| {
            debug!(%error, "TCP does not say how far it is");
            Progress::default()
        });
        let is_over = self.send_hold.as_mut().is_some_and(|h| h.looked(now, unacknowledged, acknowledged));
        if let Some(conn) = self.fsm.established().filter(|_| is_over) {
            warn!(octets = unacknowledged, "the peer has acknowledged nothing for the send hold time");
            self.fsm.handle_send_hold(now, conn);
            self.act();
        }
    }
}
