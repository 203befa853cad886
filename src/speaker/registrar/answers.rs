//! Which sessions have told all by the plan in force. What a plan registers anew is not judged by what was seen before it:
//! it waits for them, but no longer than they may take.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

/// How long sessions may take to tell all by a new plan. What one has not told then is missing.
const WITHIN: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Answers {
    asked: Option<Asked>,
    /// Sessions that have answered, ever since they began: those of ranges too, which no plan names.
    known: HashSet<IpAddr>,
    /// Prefixes that wait to be judged.
    held: HashSet<IpNet>,
}

/// What is waited for.
#[derive(Debug)]
struct Asked {
    plan: u64,
    /// Who has not answered.
    left: HashSet<IpAddr>,
    until: Duration,
}

impl Answers {
    /// A plan is put in force beneath sessions that run; from now on its answers count.
    pub(super) fn ask(&mut self, plan: u64, peers: &HashSet<IpAddr>, now: Duration) {
        let left = peers.union(&self.known).copied().collect();
        self.asked = Some(Asked { plan, left, until: now + WITHIN });
    }

    /// Has a prefix wait. Not for the plan that sessions begin with: they have nothing from before.
    pub(super) fn hold(&mut self, prefix: IpNet) {
        if self.asked.is_some() {
            self.held.insert(prefix);
        }
    }

    /// Whether a prefix is not to be judged yet.
    pub(super) fn holds(&self, prefix: &IpNet) -> bool {
        self.held.contains(prefix)
    }

    /// A session has told all by a plan.
    pub(super) fn answered(&mut self, peer: IpAddr, plan: u64) {
        self.known.insert(peer);
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.plan <= plan) {
            asked.left.remove(&peer);
        }
    }

    /// A session has nothing, by whatever plan.
    pub(super) fn gone(&mut self, peer: IpAddr) {
        self.known.remove(&peer);
        if let Some(asked) = &mut self.asked {
            asked.left.remove(&peer);
        }
    }

    /// Sessions that are no more are not waited for.
    pub(super) fn keep_only(&mut self, is_known: impl Fn(&IpAddr) -> bool) {
        self.known.retain(is_known);
    }

    /// Those that have waited long enough. O(these).
    pub(super) fn released(&mut self, now: Duration) -> HashSet<IpNet> {
        match &self.asked {
            Some(asked) if asked.left.is_empty() || asked.until <= now => std::mem::take(&mut self.held),
            Some(_) | None => HashSet::new(),
        }
    }

    /// When some will have.
    pub(super) fn next(&self) -> Option<Duration> {
        let asked = self.asked.as_ref().filter(|_| !self.held.is_empty())?;
        Some(if asked.left.is_empty() { Duration::ZERO } else { asked.until })
    }
}
