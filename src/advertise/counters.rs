//! What a session has sent.

use crate::wire::{PerFamily, codes};

/// Counts over the life of an outbox, whatever sessions come and go. A message counts when its first octet is taken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// OPEN messages.
    pub opens: u64,
    /// UPDATE messages, End-of-RIB included.
    pub updates: u64,
    /// NOTIFICATION messages.
    pub notifications: u64,
    /// KEEPALIVE messages.
    pub keepalives: u64,
    /// ROUTE-REFRESH messages, BoRR and EoRR included.
    pub route_refreshes: u64,
    /// Octets of all of them.
    pub bytes: u64,
    /// Prefixes announced, each time that they were.
    pub announced: PerFamily<u64>,
    /// Prefixes withdrawn, each time that they were.
    pub withdrawn: PerFamily<u64>,
    /// Control messages that were dropped because too many waited.
    pub control_dropped: u64,
}

impl Counters {
    /// Every message but UPDATEs.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.opens + self.notifications + self.keepalives + self.route_refreshes
    }

    /// A message of a type that begins.
    pub(super) fn message(&mut self, kind: u8) {
        match kind {
            codes::message::OPEN => self.opens += 1,
            codes::message::UPDATE => self.updates += 1,
            codes::message::NOTIFICATION => self.notifications += 1,
            codes::message::ROUTE_REFRESH => self.route_refreshes += 1,
            _ => self.keepalives += 1,
        }
    }
}
