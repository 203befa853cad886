//! What the peer announced, once its session is over, and what it is told of our own end.

use tracing::info;

use super::Peer;
use crate::accept::Applied;
use crate::config::{SessionPlan, is_other_peer};
use crate::fsm::{DownReason, Moment, Negotiated};
use crate::speaker::terms::{self, Life};
use crate::wire::{ErrorCode, Family, Notification, PerFamily};

impl Peer {
    /// The OPEN or the addresses change. Routes outlive that on both sides, unless who speaks there is another, or is no
    /// longer asked to keep them.
    pub(super) fn reconfigure(&mut self, plan: &SessionPlan) {
        let now = self.now();
        let life = if self.fsm.is_restarting() { self.links.life } else { Life::First };
        let config = terms::fsm_config(&self.links.router, plan, life, now);
        self.status.offer(&config);
        let mut reason = Notification::new(ErrorCode::CONFIG_CHANGE);
        let is_other = is_other_peer(&self.intent.plan, plan);
        if is_other {
            reason = Notification::hard_reset(&reason);
        }
        self.fsm.handle_config(now, config, reason);
        if is_other {
            let gone = self.retention.clear(&mut self.adj_rib_in);
            gone_stale(gone, "the session is another");
        }
    }

    /// When our OPEN ceases to say that we have restarted, if it still does.
    pub(super) fn restarting_until(&self) -> Option<Moment> {
        let until = self.links.life.restarting_until(&self.intent.plan);
        until.filter(|_| self.fsm.is_restarting())
    }

    /// It does so no more once nobody can have our routes from before.
    pub(super) fn restart_due(&mut self) {
        let now = self.now();
        if self.restarting_until().is_some_and(|until| until <= now) {
            self.fsm.handle_restart_over();
            self.status.offer(self.fsm.config());
        }
    }

    /// The session is Established: what is left of one before waits for the peer's End-of-RIB.
    pub(super) fn refresh_stale(&mut self, negotiated: &Negotiated) {
        let now = self.now();
        let Negotiated { graceful_restart, families, .. } = *negotiated;
        let gone = self.retention.up(now, graceful_restart, families, &mut self.adj_rib_in);
        gone_stale(gone, "the peer does not forward by them any more");
    }

    /// The session has ended: its routes stay for a while, or go.
    pub(super) fn keep_stale(&mut self, reason: &DownReason) {
        let now = self.now();
        let stay = self.retention.down(now, reason, &mut self.adj_rib_in);
        for family in Family::ALL.into_iter().filter(|family| *stay.get(*family) > 0) {
            info!(%family, routes = *stay.get(family), "the peer's routes are kept as stale ones");
        }
    }

    /// The peer's End-of-RIB ends what it has not announced again.
    pub(super) fn refreshed(&mut self, applied: &Applied) {
        if let Some(family) = applied.end_of_rib {
            let swept = self.retention.end_of_rib(family, &mut self.adj_rib_in);
            let mut gone = PerFamily::default();
            *gone.get_mut(family) = swept;
            gone_stale(gone, "the peer did not announce them again");
        }
    }

    /// What is kept of sessions before goes.
    pub(super) fn forget_stale(&mut self) {
        let gone = self.retention.clear(&mut self.adj_rib_in);
        gone_stale(gone, "the session was reset by hand");
    }

    /// Stale routes whose time is over go, or become the last choice.
    pub(super) fn stale_due(&mut self) {
        let now = self.now();
        let gone = self.retention.handle_timeout(now, &mut self.adj_rib_in);
        gone_stale(gone, "their time is over");
    }
}

pub(super) fn gone_stale(gone: PerFamily<u64>, why: &'static str) {
    for family in Family::ALL.into_iter().filter(|family| *gone.get(*family) > 0) {
        info!(%family, routes = *gone.get(family), why, "stale routes of the peer are gone");
    }
}
