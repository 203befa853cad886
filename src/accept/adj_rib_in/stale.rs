//! Routes that outlive the session they came by (RFC 4724 §4.2, RFC 9494 §4.2). When, is for
//! [`Retention`](crate::accept::Retention) to say.

use std::sync::Arc;

use super::{AdjRibIn, Entry, Table};
use crate::accept::ReceivedAttrs;
use crate::accept::marks::Token;
use crate::wire::{Community, Family, PerFamily};

/// What a route of a session before is.
#[derive(Debug)]
pub(super) struct Stale {
    choice: Choice,
    _counted: Option<Token>,
}

/// How a stale route stands to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    /// Good as it is: the peer will be back soon.
    Usual,
    /// Any other is better: the session is long over.
    Last,
}

impl Stale {
    /// The attributes that a route has: LLGR_STALE is attached where it is due (RFC 9494 §4.2).
    pub(super) fn shown(stale: Option<&Self>, attrs: &Arc<ReceivedAttrs>) -> Arc<ReceivedAttrs> {
        let is_last = stale.is_some_and(|stale| stale.choice == Choice::Last);
        if !is_last || attrs.communities.contains(&Community::LLGR_STALE) {
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
        PerFamily::from_fn(|family| self.stale.get(family).count())
    }

    /// The session is over, and a family's routes are kept: all of them are stale. O(n). Returns how many are.
    pub(in crate::accept) fn mark_stale(&mut self, family: Family, leftover: Leftover) -> u64 {
        let token = self.stale.get(family).token_if(true);
        self.keep(family, |entry| {
            if entry.stale.is_some() {
                return leftover == Leftover::Keep;
            }
            entry.stale = Some(Stale { choice: Choice::Usual, _counted: token.clone() });
            entry.shared.charge.make_stale();
            true
        });
        drop(token);
        if self.stale.get(family).count() > 0 {
            self.judge.some_went(family);
        }
        self.settle();
        self.stale.get(family).count()
    }

    /// A family's stale routes are kept beyond the restart time, but for those that are marked NO_LLGR. O(n). Returns how
    /// many are.
    pub(in crate::accept) fn mark_long_lived(&mut self, family: Family) -> u64 {
        self.retain(family, |entry| {
            let Some(stale) = &mut entry.stale else { return true };
            stale.choice = Choice::Last;
            !entry.shared.attrs.communities.contains(&Community::NO_LLGR)
        });
        self.stale.get(family).count()
    }

    /// A family's stale routes go. O(n) where there are any. Returns how many went.
    pub(in crate::accept) fn sweep(&mut self, family: Family) -> u64 {
        if self.stale.get(family).count() == 0 {
            return 0;
        }
        self.retain(family, |entry| entry.stale.is_none())
    }

    /// All of a family's routes go. Returns how many went.
    pub(in crate::accept) fn forget(&mut self, family: Family) -> u64 {
        self.retain(family, |_| false)
    }

    /// Every stale route goes. Returns how many went.
    pub(super) fn sweep_all(&mut self) -> u64 {
        Family::ALL.into_iter().map(|family| self.sweep(family)).sum()
    }

    /// Keeps some routes of a family, and gives back the room of the others; how many those are.
    pub(super) fn retain(&mut self, family: Family, keep: impl FnMut(&mut Entry) -> bool) -> u64 {
        let gone = self.keep(family, keep);
        self.settle();
        gone
    }

    /// The same, with the room yet to be settled.
    fn keep(&mut self, family: Family, keep: impl FnMut(&mut Entry) -> bool) -> u64 {
        let gone = match family {
            Family::Ipv4 => retain(&mut self.v4, keep),
            Family::Ipv6 => retain(&mut self.v6, keep),
        };
        if gone > 0 {
            self.judge.some_went(family);
        }
        gone
    }
}

/// How many went.
fn retain<N: Ord>(table: &mut Table<N>, mut keep: impl FnMut(&mut Entry) -> bool) -> u64 {
    let before = super::len(table);
    table.retain(|_, entry| keep(entry));
    before.saturating_sub(super::len(table))
}
