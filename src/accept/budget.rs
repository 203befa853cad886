//! The bounds on what all sessions together may hold, and on the attributes of each.
//!
//! A session may take from what all share only while it holds at most seven times what is left there. So one alone gets
//! seven eighths, several that take all they can get equal parts, and there is always room left for those that hold less:
//! who fills the pool ends itself, and nobody else.
//!
//! Stale routes count for nothing in that: they are taken over, and the pool is overdrawn until their owners have let go
//! of them, which they do as soon as their tasks run. Live routes are never more than the limit. Nor are stale ones, since
//! whoever finds the pool overdrawn as its session ends keeps none. So what is held is at most twice the limit, for as long
//! as it takes to wake the owners, and otherwise within it.

mod pool;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use self::pool::{Part, Pool};
use super::LimitExceeded;
use crate::wire::PerFamily;

/// Octets of attributes that a limit has for each of its prefixes: several times what a route of the Internet has,
/// so that no honest table meets it, and little enough that no peer can fill the memory with attributes.
const OCTETS_PER_PREFIX: u64 = 512;
/// Octets of attributes that all sessions have even where they may hold few prefixes.
const OCTETS_OF_ALL_AT_LEAST: u64 = 4 << 20;
/// Octets of attributes that a session has even where it may hold few prefixes.
const OCTETS_OF_ONE_AT_LEAST: u64 = 1 << 20;

/// How many prefixes, and how many octets of attributes, all sessions together may hold: the config's
/// `limits.received_prefixes`. Shared by every [`AdjRibIn`](super::AdjRibIn). A session that holds much is refused
/// more before it is full, so that there is room for those that hold little; stale routes give way to live ones.
#[derive(Debug)]
pub struct Budget {
    prefixes: Pool,
    octets: Pool,
    /// Looked at only where a limit was lowered.
    accounts: Mutex<Vec<Weak<Account>>>,
}

impl Budget {
    /// A budget of so many prefixes.
    #[must_use]
    pub fn new(prefixes: u64) -> Self {
        Self {
            prefixes: Pool::new(prefixes),
            octets: Pool::new(octets_of_all(prefixes)),
            accounts: Mutex::default(),
        }
    }

    /// Sets the most prefixes. Where more are held, stale ones are to go ([`Self::is_overdrawn`]), and then sessions, those
    /// that hold the most first ([`AdjRibIn::must_give_way`](super::AdjRibIn::must_give_way)).
    pub fn set_limit(&self, prefixes: u64) {
        self.prefixes.set_limit(prefixes);
        self.octets.set_limit(octets_of_all(prefixes));
    }

    /// The most prefixes that may be held.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.prefixes.limit()
    }

    /// Prefixes held now, stale ones too.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.prefixes.held()
    }

    /// Whether more is held than may be: stale routes are to go, whosever they are.
    #[must_use]
    pub fn is_overdrawn(&self) -> bool {
        self.prefixes.is_overdrawn() || self.octets.is_overdrawn()
    }

    fn enter(&self, account: &Arc<Account>) {
        // Nothing that holds the lock can leave the list half changed.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|one| one.strong_count() > 0);
        accounts.push(Arc::downgrade(account));
    }

    /// Whether nobody holds more of what is live than this account; of two that hold the same, one does. O(sessions).
    fn holds_most(&self, account: &Account, part: impl Fn(&Account) -> &Part) -> bool {
        let rank = |one: &Account| (part(one).live(), std::ptr::from_ref(one));
        let own = rank(account);
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        own.0 > 0 && accounts.iter().filter_map(Weak::upgrade).all(|other| rank(&other) <= own)
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
    prefixes: Part,
    octets: Part,
}

impl Account {
    pub(super) fn new(limits: PerFamily<u64>, budget: Arc<Budget>) -> Arc<Self> {
        let octets_limit = AtomicU64::new(octets_of_one(limits));
        let (prefixes, octets) = (Part::default(), Part::default());
        let account = Arc::new(Self { budget, octets_limit, prefixes, octets });
        account.budget.enter(&account);
        account
    }

    pub(super) fn set_limits(&self, limits: PerFamily<u64>) {
        self.octets_limit.store(octets_of_one(limits), Ordering::Relaxed);
    }

    /// Room for one live prefix more.
    pub(super) fn take_prefix(&self) -> Result<(), LimitExceeded> {
        let limit = self.budget.limit();
        if self.budget.prefixes.take(&self.prefixes, 1) {
            Ok(())
        } else {
            Err(LimitExceeded::Process { limit })
        }
    }

    /// Room for a live prefix in place of a stale one.
    pub(super) fn revive_prefix(&self) -> Result<(), LimitExceeded> {
        self.take_prefix()?;
        self.budget.prefixes.give_stale(&self.prefixes, 1);
        Ok(())
    }

    /// What is held now, of all that room was taken for: so many live prefixes and so many stale ones. The rest is given
    /// back.
    pub(super) fn settle(&self, live: u64, stale: u64) {
        let (pool, part) = (&self.budget.prefixes, &self.prefixes);
        let newly_stale = stale.saturating_sub(part.stale());
        pool.make_stale(part, newly_stale);
        pool.give_stale(part, part.stale().saturating_sub(stale));
        pool.give(part, part.live().saturating_sub(live));
    }

    /// Room for live attributes, given back when the charge is dropped.
    pub(super) fn charge_octets(self: &Arc<Self>, octets: u64) -> Result<Charge, LimitExceeded> {
        over(self.octets_held().saturating_add(octets), self.octets_limit())?;
        if !self.budget.octets.take(&self.octets, octets) {
            return Err(LimitExceeded::ProcessAttributes);
        }
        Ok(Charge { account: Arc::clone(self), octets, is_stale: AtomicBool::new(false) })
    }

    /// The limit of the session's own that what is held is above.
    pub(super) fn exceeded(&self) -> Option<LimitExceeded> {
        over(self.octets_held(), self.octets_limit()).err()
    }

    /// The limit of all sessions that was lowered below what is live, if nobody holds more of that.
    pub(super) fn must_give_way(&self) -> Option<LimitExceeded> {
        let budget = &self.budget;
        if budget.prefixes.is_over() && budget.holds_most(self, |account| &account.prefixes) {
            return Some(LimitExceeded::Process { limit: budget.limit() });
        }
        let is_most = budget.octets.is_over() && budget.holds_most(self, |account| &account.octets);
        is_most.then_some(LimitExceeded::ProcessAttributes)
    }

    /// Whether stale routes are to go.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.budget.is_overdrawn()
    }

    fn octets_held(&self) -> u64 {
        self.octets.live().saturating_add(self.octets.stale())
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
    is_stale: AtomicBool,
}

impl Charge {
    /// The routes that it is for are of a session that is over.
    pub(super) fn make_stale(&self) {
        if !self.is_stale.swap(true, Ordering::Relaxed) {
            self.account.budget.octets.make_stale(&self.account.octets, self.octets);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let (pool, part) = (&self.account.budget.octets, &self.account.octets);
        if *self.is_stale.get_mut() {
            pool.give_stale(part, self.octets);
        } else {
            pool.give(part, self.octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(prefixes: u64, budget: &Arc<Budget>) -> Arc<Account> {
        Account::new(PerFamily { ipv4: prefixes, ipv6: 0 }, Arc::clone(budget))
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Arc::new(Budget::new(2));
        let one = account(u64::MAX, &budget);
        one.take_prefix().unwrap();
        one.take_prefix().unwrap();
        assert_eq!(one.take_prefix(), Err(LimitExceeded::Process { limit: 2 }));
        one.settle(1, 0);
        assert_eq!(budget.held(), 1);
        one.take_prefix().unwrap();

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
        assert_eq!(budget.octets.held(), 0);
    }

    #[test]
    fn attributes_of_stale_routes_are_counted_once_and_given_back() {
        let budget = Arc::new(Budget::new(1));
        let (gone, live) = (account(u64::MAX, &budget), account(u64::MAX, &budget));
        let charge = gone.charge_octets(OCTETS_OF_ALL_AT_LEAST).unwrap();
        assert!(live.charge_octets(1).is_err());
        charge.make_stale();
        charge.make_stale();
        assert_eq!((budget.octets.held(), budget.is_overdrawn()), (OCTETS_OF_ALL_AT_LEAST, false));
        let other = live.charge_octets(1).unwrap();
        assert!(budget.is_overdrawn());
        drop(charge);
        assert_eq!((budget.octets.held(), budget.is_overdrawn()), (1, false));
        drop(other);
        assert_eq!(budget.octets.held(), 0);
    }

    #[test]
    fn over_a_lowered_limit_whoever_holds_the_most_gives_way_and_of_two_the_same_one() {
        let budget = Arc::new(Budget::new(100));
        let all = [3, 5, 5].map(|count| {
            let one = account(u64::MAX, &budget);
            (0..count).for_each(|_| one.take_prefix().unwrap());
            one
        });
        let must = || all.iter().filter(|one| one.must_give_way().is_some()).count();
        assert_eq!(must(), 0);
        budget.set_limit(6);
        let mut gone = 0;
        while let Some(one) = all.iter().find(|one| one.must_give_way().is_some()) {
            assert_eq!((must(), one.must_give_way()), (1, Some(LimitExceeded::Process { limit: 6 })));
            assert!(one.prefixes.live() == 5);
            one.settle(0, 0);
            gone += 1;
        }
        assert_eq!((gone, budget.held(), all[0].prefixes.live()), (2, 3, 3));
    }
}
