//! Routes that outlive the session they came by (RFC 4724 §4.2, RFC 9494 §4.2). When, is for
//! [`Retention`](crate::accept::Retention) to say.

use std::sync::Arc;

use super::{AdjRibIn, Entry, Table};
use crate::accept::ReceivedAttrs;
use crate::wire::{Community, Family, PerFamily};

/// How a route stands to the peer's session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Age {
    /// Announced in the session that is up.
    Fresh,
    /// Of a session before, and good as it is.
    Stale,
    /// Of a session that is long over: any other route is better.
    LongLived,
}

impl Age {
    /// The attributes that a route of this age has: LLGR_STALE is attached where it is due (RFC 9494 §4.2).
    pub(super) fn shown(self, attrs: &Arc<ReceivedAttrs>) -> Arc<ReceivedAttrs> {
        let is_marked = attrs.communities.contains(&Community::LLGR_STALE);
        if self != Self::LongLived || is_marked {
            return Arc::clone(attrs);
        }
        let mut attrs = ReceivedAttrs::clone(attrs);
        attrs.communities.push(Community::LLGR_STALE);
        Arc::new(attrs)
    }
}

/// What becomes of routes that were stale when the session ended that should have refreshed them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::accept) enum Leftover {
    /// They go (RFC 4724 §4.2).
    Forget,
    /// They stay: the time for long-lived ones has not run out (RFC 9494 §4.2).
    Keep,
}

impl AdjRibIn {
    /// Routes of a session before that the peer has not announced again.
    #[must_use]
    pub fn stale(&self) -> PerFamily<u64> {
        self.stale
    }

    /// The session is over, and a family's routes are kept: all of them are stale. O(n). Returns how many are.
    pub(in crate::accept) fn mark_stale(&mut self, family: Family, leftover: Leftover) -> u64 {
        self.retain(family, |entry| match (entry.age, leftover) {
            (Age::Fresh, _) => {
                entry.age = Age::Stale;
                true
            }
            (Age::Stale | Age::LongLived, Leftover::Keep) => true,
            (Age::Stale | Age::LongLived, Leftover::Forget) => false,
        });
        *self.stale.get(family)
    }

    /// A family's stale routes are kept beyond the restart time, but for those that are marked NO_LLGR. O(n). Returns how
    /// many are.
    pub(in crate::accept) fn mark_long_lived(&mut self, family: Family) -> u64 {
        self.retain(family, |entry| match entry.age {
            Age::Fresh | Age::LongLived => true,
            Age::Stale => {
                entry.age = Age::LongLived;
                !entry.shared.attrs.communities.contains(&Community::NO_LLGR)
            }
        });
        *self.stale.get(family)
    }

    /// A family's stale routes go. O(n) where there are any. Returns how many went.
    pub(in crate::accept) fn sweep(&mut self, family: Family) -> u64 {
        if *self.stale.get(family) == 0 {
            return 0;
        }
        self.retain(family, |entry| entry.age == Age::Fresh)
    }

    /// All of a family's routes go. Returns how many went.
    pub(in crate::accept) fn forget(&mut self, family: Family) -> u64 {
        self.retain(family, |_| false)
    }

    /// Every stale route goes. Returns how many went.
    pub(super) fn sweep_all(&mut self) -> u64 {
        Family::ALL.into_iter().map(|family| self.sweep(family)).sum()
    }

    /// Keeps some routes of a family, gives back the room of the others, and counts the stale ones anew.
    fn retain(&mut self, family: Family, keep: impl FnMut(&mut Entry) -> bool) -> u64 {
        let (gone, stale) = match family {
            Family::Ipv4 => retain(&mut self.v4, keep),
            Family::Ipv6 => retain(&mut self.v6, keep),
        };
        self.account.give_prefixes(gone);
        *self.stale.get_mut(family) = stale;
        gone
    }
}

/// How many went, and how many of those that stayed are stale.
fn retain<N: Ord>(table: &mut Table<N>, mut keep: impl FnMut(&mut Entry) -> bool) -> (u64, u64) {
    let (mut gone, mut stale) = (0_u64, 0_u64);
    table.retain(|_, entry| {
        let stays = keep(entry);
        gone = gone.saturating_add(u64::from(!stays));
        stale = stale.saturating_add(u64::from(stays && entry.age != Age::Fresh));
        stays
    });
    (gone, stale)
}
