//! The bounds on what all sessions together may hold, and on the attributes of each.
//!
//! A session may take from what all share only while it holds at most [`TIMES_WHAT_IS_LEFT`] times what is left there.
//! So one alone gets seven eighths, several that take all they can get equal parts, and there is always room left for
//! those that hold less: who fills the pool ends itself, and nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::LimitExceeded;
use crate::wire::PerFamily;

/// How much a session may hold for each one that is left for all.
const TIMES_WHAT_IS_LEFT: u64 = 7;
/// Octets of attributes that a limit has for each of its prefixes: several times what a route of the Internet has,
/// so that no honest table meets it, and little enough that no peer can fill the memory with attributes.
const OCTETS_PER_PREFIX: u64 = 512;
/// Octets of attributes that all sessions have even where they may hold few prefixes.
const OCTETS_OF_ALL_AT_LEAST: u64 = 4 << 20;
/// Octets of attributes that a session has even where it may hold few prefixes.
const OCTETS_OF_ONE_AT_LEAST: u64 = 1 << 20;

/// How many prefixes, and how many octets of attributes, all sessions together may hold: the config's
/// `limits.received_prefixes`. Shared by every [`AdjRibIn`](super::AdjRibIn). A session that holds much is refused
/// more before it is full, so that there is room for those that hold little.
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

    fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `amount`, for one that holds `own` of what is used.
    fn take(&self, amount: u64, own: u64) -> bool {
        let limit = self.limit();
        let more = |used: u64| {
            let left = limit.saturating_sub(used);
            let is_fair = own <= left.saturating_mul(TIMES_WHAT_IS_LEFT);
            used.checked_add(amount).filter(|sum| *sum <= limit && is_fair)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self, amount: u64) {
        let less = |used: u64| Some(used.saturating_sub(amount));
        // The closure always has a value, so there is no failure to look at.
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }
}

impl Budget {
    /// A budget of so many prefixes.
    #[must_use]
    pub fn new(prefixes: u64) -> Self {
        Self { prefixes: Pool::new(prefixes), octets: Pool::new(octets_of_all(prefixes)) }
    }

    /// Sets the most prefixes; what is held beyond them stays, and nothing is added until there is room again.
    pub fn set_limit(&self, prefixes: u64) {
        self.prefixes.set_limit(prefixes);
        self.octets.set_limit(octets_of_all(prefixes));
    }

    /// The most prefixes that may be held.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.prefixes.limit()
    }

    /// Prefixes held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.prefixes.used()
    }
}

fn octets_of_all(prefixes: u64) -> u64 {
    prefixes.saturating_mul(OCTETS_PER_PREFIX).max(OCTETS_OF_ALL_AT_LEAST)
}

fn octets_of_one(limits: PerFamily<u64>) -> u64 {
    let prefixes = limits.ipv4.saturating_add(limits.ipv6);
    prefixes.saturating_mul(OCTETS_PER_PREFIX).max(OCTETS_OF_ONE_AT_LEAST)
}

/// One session's part in the budget, and its own bound on attributes: that of the prefixes it may hold, of both
/// families.
#[derive(Debug)]
pub(super) struct Account {
    budget: Arc<Budget>,
    octets_limit: AtomicU64,
    octets: AtomicU64,
}

impl Account {
    pub(super) fn new(limits: PerFamily<u64>, budget: Arc<Budget>) -> Self {
        Self { budget, octets_limit: AtomicU64::new(octets_of_one(limits)), octets: AtomicU64::new(0) }
    }

    pub(super) fn set_limits(&self, limits: PerFamily<u64>) {
        self.octets_limit.store(octets_of_one(limits), Ordering::Relaxed);
    }

    /// Room for one prefix beside the `own` that the session holds.
    pub(super) fn take_prefix(&self, own: u64) -> Result<(), LimitExceeded> {
        let limit = self.budget.limit();
        if self.budget.prefixes.take(1, own) { Ok(()) } else { Err(LimitExceeded::Process { limit }) }
    }

    /// Gives back the room of prefixes.
    pub(super) fn give_prefixes(&self, count: u64) {
        self.budget.prefixes.give(count);
    }

    /// Room for attributes, given back when the charge is dropped.
    pub(super) fn charge_octets(self: &Arc<Self>, octets: u64) -> Result<Charge, LimitExceeded> {
        let own = self.octets.load(Ordering::Relaxed);
        over(own.saturating_add(octets), self.octets_limit())?;
        if !self.budget.octets.take(octets, own) {
            return Err(LimitExceeded::ProcessAttributes);
        }
        self.octets.fetch_add(octets, Ordering::Relaxed);
        Ok(Charge { account: Arc::clone(self), octets })
    }

    /// The limit that what is held is above.
    pub(super) fn exceeded(&self) -> Option<LimitExceeded> {
        over(self.octets.load(Ordering::Relaxed), self.octets_limit()).err()
    }

    /// The session's own, or that of all where it is lower.
    fn octets_limit(&self) -> u64 {
        self.octets_limit.load(Ordering::Relaxed).min(self.budget.octets.limit())
    }
}

fn over(octets: u64, limit: u64) -> Result<(), LimitExceeded> {
    if octets > limit { Err(LimitExceeded::SessionAttributes { limit }) } else { Ok(()) }
}

/// Room for attributes that is in use.
#[derive(Debug)]
pub(super) struct Charge {
    account: Arc<Account>,
    octets: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        // No less was added when it was made.
        self.account.octets.fetch_sub(self.octets, Ordering::Relaxed);
        self.account.budget.octets.give(self.octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(prefixes: u64, budget: &Arc<Budget>) -> Arc<Account> {
        Arc::new(Account::new(PerFamily { ipv4: prefixes, ipv6: 0 }, Arc::clone(budget)))
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Arc::new(Budget::new(2));
        let one = account(u64::MAX, &budget);
        one.take_prefix(0).unwrap();
        one.take_prefix(1).unwrap();
        assert_eq!(one.take_prefix(2), Err(LimitExceeded::Process { limit: 2 }));
        one.give_prefixes(1);
        assert_eq!(budget.held(), 1);
        one.take_prefix(1).unwrap();

        let charge = one.charge_octets(OCTETS_OF_ALL_AT_LEAST).unwrap();
        assert!(one.charge_octets(1).is_err());
        drop(charge);
        assert!(one.charge_octets(OCTETS_OF_ALL_AT_LEAST).is_ok());
        assert!(one.charge_octets(u64::MAX).is_err());
    }

    #[test]
    fn a_session_has_octets_for_the_prefixes_it_may_hold() {
        let budget = Arc::new(Budget::new(1_000_000));
        for (prefixes, limit) in
            [(0, 1 << 20), (10, 1 << 20), (22_000, 22_000 * 512), (u64::MAX, 512_000_000)]
        {
            let one = account(prefixes, &budget);
            let error = one.charge_octets(limit + 1).unwrap_err();
            assert_eq!(error, LimitExceeded::SessionAttributes { limit });
            let whole = one.charge_octets(limit).unwrap();
            assert_eq!(one.charge_octets(1).unwrap_err(), LimitExceeded::SessionAttributes { limit });
            drop(whole);
        }
        assert_eq!(budget.octets.used(), 0);
    }

    /// How much is taken, one by one, up to the first refusal.
    fn taken(pool: &Pool, mut own: u64) -> u64 {
        let before = own;
        while pool.take(1, own) {
            own += 1;
        }
        own - before
    }

    #[test]
    fn who_holds_much_leaves_room_for_who_holds_little() {
        let pool = Pool::new(8000);
        assert_eq!(taken(&pool, 0), 7001, "seven eighths for one alone");
        assert_eq!(taken(&pool, 0), 875, "seven eighths of what is left");
        assert!(!pool.take(1, 7001));
        assert!(pool.take(1, 10));
        pool.give(7001);
        assert!(pool.take(1, 875), "room again");
        pool.set_limit(500);
        assert!(!pool.take(1, 0), "a limit below what is used");
    }

    #[test]
    fn nobody_gets_past_the_limit() {
        let pool = Pool::new(100);
        assert!((0..50).map(|_| taken(&pool, 0)).sum::<u64>() == 100 && pool.used() == 100);
    }
}
