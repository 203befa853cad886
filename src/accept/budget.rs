//! The bound on what all sessions together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Octets of attributes that the budget has for each of its prefixes: several times what a route of the Internet has,
/// so that no honest table meets it, and little enough that no peer can fill the memory with attributes.
const OCTETS_PER_PREFIX: u64 = 512;
/// Octets of attributes that even a budget of few prefixes has.
const OCTETS_AT_LEAST: u64 = 4 << 20;

/// How many prefixes, and how many octets of attributes, all sessions together may hold: the config's
/// `limits.received_prefixes`. Shared by every [`AdjRibIn`](super::AdjRibIn).
#[derive(Debug)]
pub struct Budget {
    prefixes: Pool,
    octets: Pool,
}

/// A count that stays at or below its limit.
#[derive(Debug)]
struct Pool {
    limit: AtomicU64,
    used: AtomicU64,
}

impl Pool {
    fn new(limit: u64) -> Self {
        Self { limit: AtomicU64::new(limit), used: AtomicU64::new(0) }
    }

    fn take(&self, amount: u64) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        let more = |used: u64| used.checked_add(amount).filter(|sum| *sum <= limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self, amount: u64) {
        let less = |used: u64| Some(used.saturating_sub(amount));
        // The closure always has a value, so there is no failure to look at.
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl Budget {
    /// A budget of so many prefixes.
    #[must_use]
    pub fn new(prefixes: u64) -> Self {
        Self { prefixes: Pool::new(prefixes), octets: Pool::new(octets_for(prefixes)) }
    }

    /// Sets the most prefixes; what is held beyond them stays, and nothing is added until there is room again.
    pub fn set_limit(&self, prefixes: u64) {
        self.prefixes.limit.store(prefixes, Ordering::Relaxed);
        self.octets.limit.store(octets_for(prefixes), Ordering::Relaxed);
    }

    /// The most prefixes that may be held.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.prefixes.limit.load(Ordering::Relaxed)
    }

    /// Prefixes held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.prefixes.used()
    }

    /// Room for one prefix; false where there is none.
    pub(super) fn take_prefix(&self) -> bool {
        self.prefixes.take(1)
    }

    /// Gives back the room of prefixes.
    pub(super) fn give_prefixes(&self, count: u64) {
        self.prefixes.give(count);
    }

    /// Room for attributes, given back when the charge is dropped; `None` where there is none.
    pub(super) fn charge_octets(self: &Arc<Self>, octets: u64) -> Option<Charge> {
        self.octets.take(octets).then(|| Charge { budget: Arc::clone(self), octets })
    }
}

fn octets_for(prefixes: u64) -> u64 {
    prefixes.saturating_mul(OCTETS_PER_PREFIX).max(OCTETS_AT_LEAST)
}

/// Room for attributes that is in use.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    octets: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.octets.give(self.octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Arc::new(Budget::new(2));
        assert!(budget.take_prefix() && budget.take_prefix());
        assert!(!budget.take_prefix());
        budget.give_prefixes(1);
        assert_eq!(budget.held(), 1);
        assert!(budget.take_prefix());

        let charge = budget.charge_octets(OCTETS_AT_LEAST).unwrap();
        assert!(budget.charge_octets(1).is_none());
        drop(charge);
        assert!(budget.charge_octets(OCTETS_AT_LEAST).is_some());
        assert!(budget.charge_octets(u64::MAX).is_none());
    }
}
