//! One count that all sessions share. Live amounts stay at or below its limit; stale ones are counted apart, and live ones
//! are taken as if those were not there. So routes of sessions that are over keep none of a live one out: where both
//! together are more than the limit, the pool is overdrawn, and the stale ones are to go.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much a session may hold for each one that is left for all.
const TIMES_WHAT_IS_LEFT: u64 = 7;

// One session adds to what is live and then looks at what is stale, while another does it the other way round. At least
// one of them must see that the pool is overdrawn, which no weaker order promises.
const ORDER: Ordering = Ordering::SeqCst;

/// A limit, and how much is held.
#[derive(Debug)]
pub(super) struct Pool {
    limit: AtomicU64,
    live: AtomicU64,
    stale: AtomicU64,
}

/// How much of that one session holds.
#[derive(Debug, Default)]
pub(super) struct Part {
    live: AtomicU64,
    stale: AtomicU64,
}

impl Pool {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit: AtomicU64::new(limit), live: AtomicU64::new(0), stale: AtomicU64::new(0) }
    }

    pub(super) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, ORDER);
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit.load(ORDER)
    }

    pub(super) fn held(&self) -> u64 {
        self.stale.load(ORDER).saturating_add(self.live.load(ORDER))
    }

    /// More is held than the limit, stale ones included: those are to go.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.held() > self.limit()
    }

    /// More is live than the limit, which was lowered: sessions are to end.
    pub(super) fn is_over(&self) -> bool {
        self.live.load(ORDER) > self.limit()
    }

    /// Takes a live amount, for one session.
    pub(super) fn take(&self, part: &Part, amount: u64) -> bool {
        let (limit, own) = (self.limit(), part.live());
        let more = |live: u64| {
            let left = limit.saturating_sub(live);
            let is_fair = own <= left.saturating_mul(TIMES_WHAT_IS_LEFT);
            live.checked_add(amount).filter(|sum| *sum <= limit && is_fair)
        };
        let is_taken = self.live.fetch_update(ORDER, ORDER, more).is_ok();
        if is_taken {
            add(&part.live, amount);
        }
        is_taken
    }

    /// Gives a live amount back. The pool comes first, here and below: a session that looks for whoever holds the most must
    /// not find the pool over and nobody in it.
    pub(super) fn give(&self, part: &Part, amount: u64) {
        take_off(&self.live, amount);
        take_off(&part.live, amount);
    }

    /// What was live is stale from now on.
    pub(super) fn make_stale(&self, part: &Part, amount: u64) {
        self.give(part, amount);
        add(&self.stale, amount);
        add(&part.stale, amount);
    }

    /// Gives a stale amount back.
    pub(super) fn give_stale(&self, part: &Part, amount: u64) {
        take_off(&self.stale, amount);
        take_off(&part.stale, amount);
    }
}

impl Part {
    pub(super) fn live(&self) -> u64 {
        self.live.load(ORDER)
    }

    pub(super) fn stale(&self) -> u64 {
        self.stale.load(ORDER)
    }
}

fn add(count: &AtomicU64, amount: u64) {
    let more = |held: u64| Some(held.saturating_add(amount));
    // The closure always has a value, so there is no failure to look at.
    count.fetch_update(ORDER, ORDER, more).ok();
}

fn take_off(count: &AtomicU64, amount: u64) {
    let less = |held: u64| Some(held.saturating_sub(amount));
    // As above.
    count.fetch_update(ORDER, ORDER, less).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much is taken, one by one, up to the first refusal.
    fn taken(pool: &Pool, part: &Part) -> u64 {
        std::iter::repeat(()).take_while(|()| pool.take(part, 1)).fold(0, |n, ()| n + 1)
    }

    #[test]
    fn who_holds_much_leaves_room_for_who_holds_little() {
        let pool = Pool::new(8000);
        let [one, two, three] = [const { Part { live: AtomicU64::new(0), stale: AtomicU64::new(0) } }; 3];
        assert_eq!(taken(&pool, &one), 7001, "seven eighths for one alone");
        assert_eq!(taken(&pool, &two), 875, "seven eighths of what is left");
        assert!(!pool.take(&one, 1));
        assert!(pool.take(&three, 10));
        pool.give(&one, 7001);
        assert!(pool.take(&two, 1), "room again");
        pool.set_limit(500);
        assert!(!pool.take(&one, 1), "a limit below what is held");
        assert!(pool.is_over());
    }

    #[test]
    fn nobody_gets_past_the_limit() {
        let pool = Pool::new(100);
        assert_eq!((0..50).map(|_| taken(&pool, &Part::default())).sum::<u64>(), 100);
        assert_eq!((pool.held(), pool.is_overdrawn(), pool.is_over()), (100, false, false));
    }

    #[test]
    fn stale_amounts_keep_no_live_one_out() {
        let pool = Pool::new(100);
        let (gone, live) = (Part::default(), Part::default());
        assert_eq!(taken(&pool, &gone), 88);
        pool.make_stale(&gone, 88);
        assert_eq!((pool.held(), pool.is_overdrawn(), gone.stale()), (88, false, 88));
        assert_eq!(taken(&pool, &live), 88, "as much as of an empty one");
        assert_eq!((pool.held(), pool.is_overdrawn(), pool.is_over()), (176, true, false));
        pool.give_stale(&gone, 88);
        assert_eq!((pool.held(), pool.is_overdrawn(), gone.stale()), (88, false, 0));
    }
}
