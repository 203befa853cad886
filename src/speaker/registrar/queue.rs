//! Which prefixes are to be judged, now and later.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use ipnet::IpNet;

/// Each prefix at most once, in the order in which they came; and those to come later by when.
#[derive(Debug, Default)]
pub(super) struct Queue {
    now: VecDeque<IpNet>,
    waiting: HashSet<IpNet>,
    later: BTreeSet<(Duration, IpNet)>,
}

impl Queue {
    pub(super) fn push(&mut self, prefix: IpNet) {
        if self.waiting.insert(prefix) {
            self.now.push_back(prefix);
        }
    }

    /// Not before a moment.
    pub(super) fn push_later(&mut self, at: Duration, prefix: IpNet) {
        self.later.insert((at, prefix));
    }

    /// Moves on what has come due.
    pub(super) fn on_time(&mut self, now: Duration) {
        while let Some((at, prefix)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.remove(&(at, prefix));
            self.push(prefix);
        }
    }

    pub(super) fn pop(&mut self) -> Option<IpNet> {
        let prefix = self.now.pop_front()?;
        self.waiting.remove(&prefix);
        Some(prefix)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// When something comes due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.later.first().map(|(at, _)| *at)
    }
}
