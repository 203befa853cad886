//! Giving room back that others are short of.

use tracing::warn;

use super::Peer;
use super::restart::gone_stale;
use crate::wire::{ErrorCode, Notification, PerFamily};

impl Peer {
    /// Where all sessions hold more than they may together, stale routes go first, whosever they are, since the live ones
    /// have been given their room; then, over a limit that was lowered, the session that holds the most ends, and so on.
    /// The others are woken by whoever took or gave something, so that nobody wakes anybody for nothing.
    pub(super) fn make_room(&mut self) {
        let mut has_changed = std::mem::take(&mut self.has_taken);
        if !self.links.pool.budget().is_overdrawn() {
            return;
        }
        if self.adj_rib_in.stale() != PerFamily::default() {
            let gone = self.retention.clear(&mut self.adj_rib_in);
            gone_stale(gone, "routes of live sessions need the room");
            has_changed = true;
        }
        if let Some(exceeded) = self.adj_rib_in.must_give_way() {
            self.limit_passed(&exceeded);
            has_changed = true;
        }
        if has_changed && self.links.pool.budget().is_overdrawn() {
            self.links.pool.wake_all();
        }
    }

    /// Ends the session if it holds the most of too much. It is told the whole table anew, which costs nothing to hold.
    pub(super) fn give_way(&mut self) {
        let peer = self.intent.plan.peer_address;
        let held = self.established_mut().map_or(0, |conn| conn.outbox.private_bytes());
        self.links.ledger.enter(peer, held);
        if held > 0 && self.links.ledger.must_give_way(peer) {
            warn!(octets = held, "the peer is too slow for the changes that wait for it");
            let now = self.now();
            self.fsm.handle_reset(now, Notification::new(ErrorCode::OUT_OF_RESOURCES));
            self.act();
            self.links.ledger.enter(peer, 0);
        }
    }
}
