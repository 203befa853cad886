//! What sessions caught in mid-transfer hold of their own: bounded for the process, so that no number of slow peers and
//! no number of reloads makes it grow.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most octets of private deltas in the process.
const LIMIT: usize = 32 * 1024 * 1024;

/// Octets of private deltas by session. A session in sync holds none.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<HashMap<IpAddr, usize>>);

impl Ledger {
    /// Enters what a session holds now.
    pub(super) fn enter(&self, peer: IpAddr, octets: usize) {
        let mut held = self.lock();
        if octets == 0 {
            held.remove(&peer);
        } else {
            held.insert(peer, octets);
        }
    }

    /// Whether all sessions together hold too much, and this one holds the most of it. O(sessions that hold any).
    pub(super) fn must_give_way(&self, peer: IpAddr) -> bool {
        let held = self.lock();
        let mine = held.get(&peer).copied().unwrap_or(0);
        let (sum, most) =
            held.values().fold((0_usize, 0), |(sum, most), n| (sum.saturating_add(*n), most.max(*n)));
        mine > 0 && mine == most && sum > LIMIT
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing that holds the lock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_the_largest_gives_way() {
        let ledger = Ledger::default();
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        ledger.enter(a, LIMIT / 2);
        ledger.enter(b, LIMIT / 2);
        assert!(!ledger.must_give_way(a) && !ledger.must_give_way(b));
        ledger.enter(b, LIMIT / 2 + 1);
        assert!(!ledger.must_give_way(a) && ledger.must_give_way(b));
        ledger.enter(b, 0);
        assert!(!ledger.must_give_way(a));
    }
}
