//! Sessions of ranges: each begins when its peer first comes, and ends when that has gone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tracing::{debug, info};

use super::{Running, Supervisor};
use crate::config::{RangePlan, SessionPlan};
use crate::fsm::{Moment, State};
use crate::metrics::TurnedAway;
use crate::speaker::clock::Clock;
use crate::speaker::listen::Newcomer;
use crate::speaker::terms::Life;
use crate::wire::{ErrorCode, Notification};

/// A session that is not Established after this long gives way to another peer where a range is full: whoever connects
/// and says nothing must not keep the others out.
const PATIENCE: Duration = Duration::from_secs(5);

impl Supervisor {
    /// A peer out of a range came. Where its session has begun meanwhile, that has it; where its range is full, nobody.
    pub(super) fn on_newcomer(&mut self, newcomer: Newcomer) {
        let Newcomer { peer, admitted } = newcomer;
        let is_over = |running: &Running| running.door.accepted.is_closed();
        if self.running.get(&peer).is_none_or(is_over) {
            let Some(range) = self.plan.ranges.iter().find(|range| range.takes(peer)).cloned() else {
                return;
            };
            if !self.has_room(&range) {
                self.metrics.count_turned_away(TurnedAway::RangeFull);
                if let Some(unsaid) = self.said.again() {
                    let (range, limit) = (range.range, range.peer_limit);
                    info!(%peer, %range, limit, "connection closed: the range is full{unsaid}");
                }
                return;
            }
            // Of what it was told by this process nothing is known here, and need not be: only the process's own start is a
            // restart.
            let life = Life::Another(Moment::default());
            self.spawn(Arc::new(range.session(peer)), life, Duration::ZERO);
            self.publish();
        }
        let door = self.running.get(&peer).map(|running| &running.door.accepted);
        if door.is_some_and(|accepted| accepted.try_send(admitted).is_err()) {
            debug!(%peer, "connection closed: the session has others waiting");
        }
    }

    /// Whether a range may have one session more. Of a full one, the session that has been longest without getting to
    /// Established gives way, if it had its time. One that a limit keeps down goes only where there is no other, since its
    /// peer would be back at once, as a new one that knows of no limit.
    fn has_room(&mut self, range: &RangePlan) -> bool {
        let of_range = || self.running.iter().filter(|(_, running)| running.range() == Some(range.range));
        let limit = usize::try_from(range.peer_limit).unwrap_or(usize::MAX);
        if of_range().count() < limit {
            return true;
        }
        let latest = Clock::since_epoch().saturating_sub(PATIENCE);
        let waits_since = |running: &Running| {
            let snapshot = running.entry.snapshot.borrow();
            let is_up = snapshot.state == State::Established;
            (!is_up && snapshot.ended <= latest).then_some((snapshot.limit_passed.is_some(), snapshot.ended))
        };
        let stale = of_range()
            .filter_map(|(peer, running)| Some((waits_since(running)?, *peer)))
            .min()
            .map(|(_, peer)| peer);
        let Some(running) = stale.and_then(|peer| self.running.remove(&peer)) else { return false };
        running.leave(Some(Notification::new(ErrorCode::CONNECTION_REJECTED)));
        self.metrics.remove_session(running.door.plan.peer_address);
        true
    }

    /// The sessions of ranges that run now, as the plan in force has them. One whose peer the plan names is none.
    pub(super) fn sessions_of_ranges(&self) -> Vec<Arc<SessionPlan>> {
        let of_ranges = self.running.iter().filter(|(_, running)| running.range().is_some());
        of_ranges.filter_map(|(peer, _)| self.session_of_range(*peer)).collect()
    }

    fn session_of_range(&self, peer: IpAddr) -> Option<Arc<SessionPlan>> {
        let range = self.plan.ranges.iter().find(|range| range.takes(peer))?;
        Some(Arc::new(range.session(peer)))
    }
}

impl Running {
    /// The range that its peer came out of.
    pub(super) fn range(&self) -> Option<IpNet> {
        self.door.plan.transport.range
    }
}
