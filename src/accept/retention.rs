//! How long a peer's routes outlive its session: the receiving side of graceful restart (RFC 4724 §4.2), also behind a
//! NOTIFICATION (RFC 8538), and of long-lived graceful restart (RFC 9494 §4.2). Time is an argument.
//!
//! ```text
//!           session ends               restart time over            stale time over
//! nothing ───────────────▶ graceful ──────────────────▶ long-lived ────────────────▶ nothing
//!    ▲                        │ session up                   │ session up: the time runs on
//!    └─── End-of-RIB ──── refreshing ◀──────────────────────(or)
//! ```

use std::time::Duration;

use super::AdjRibIn;
use super::adj_rib_in::{Leftover, REFRESH_WITHIN};
use crate::fsm::{DownReason, GracefulRestart, Kept, Moment, keeps_routes};
use crate::wire::{Family, PerFamily};

/// Where the routes of one family are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// None is stale.
    #[default]
    Nothing,
    /// The session is down, and the peer may come back until then.
    Graceful { until: Moment, then: Then },
    /// They are the last choice until then, whether the session is up or down.
    LongLived { until: Moment },
    /// The session is back, and announces them again until then.
    Refreshing { until: Moment },
}

/// What follows on the restart time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The routes go.
    Sweep,
    /// They are long-lived for so long.
    LongLivedFor(Duration),
    /// They are long-lived up to an end that was set before (RFC 9494 §4.2).
    LongLivedUntil(Moment),
}

/// What one session's peer is granted, and how far it has got. It acts on the [`AdjRibIn`] that it is given.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    agreed: Option<GracefulRestart>,
    phases: PerFamily<Phase>,
}

impl Retention {
    /// The session is Established, with what was agreed on and these families. Stale routes stay only where the peer says
    /// that it still forwards by them, and until it has announced all of its own. Returns how many went.
    pub fn up(
        &mut self,
        now: Moment,
        agreed: Option<GracefulRestart>,
        families: PerFamily<bool>,
        rib: &mut AdjRibIn,
    ) -> PerFamily<u64> {
        self.agreed = agreed;
        PerFamily::from_fn(|family| {
            let forwards = self.kept(family).forwarding && *families.get(family);
            if !forwards {
                return self.end_of_rib(family, rib);
            }
            let phase = self.phases.get_mut(family);
            *phase = match *phase {
                Phase::Nothing => Phase::Nothing,
                Phase::Graceful { then: Then::LongLivedUntil(until), .. } | Phase::LongLived { until } => {
                    Phase::LongLived { until }
                }
                Phase::Graceful { then: Then::Sweep | Then::LongLivedFor(_), .. }
                | Phase::Refreshing { .. } => Phase::Refreshing { until: now + REFRESH_WITHIN },
            };
            0
        })
    }

    /// The Established session ended. Its routes stay as stale ones where the end is one that they outlive; else they go.
    /// Returns how many stay.
    pub fn down(&mut self, now: Moment, reason: &DownReason, rib: &mut AdjRibIn) -> PerFamily<u64> {
        let outlive = keeps_routes(self.agreed, reason);
        let agreed = self.agreed.take().filter(|_| outlive).unwrap_or_default();
        PerFamily::from_fn(|family| {
            let kept = *agreed.families.get(family);
            let restart_time = if kept.graceful { agreed.restart_time } else { Duration::ZERO };
            if restart_time.is_zero() && kept.stale_time.is_zero() {
                rib.forget(family);
                *self.phases.get_mut(family) = Phase::Nothing;
                return 0;
            }
            self.keep(now, family, (restart_time, kept.stale_time), rib)
        })
    }

    fn keep(
        &mut self,
        now: Moment,
        family: Family,
        (restart_time, stale_time): (Duration, Duration),
        rib: &mut AdjRibIn,
    ) -> u64 {
        let end = now + restart_time;
        let (leftover, until, then) = match *self.phases.get(family) {
            // The time that runs for what was not announced again is the time of all.
            Phase::LongLived { until } => (Leftover::Keep, end.min(until), Then::LongLivedUntil(until)),
            Phase::Nothing | Phase::Graceful { .. } | Phase::Refreshing { .. } if stale_time.is_zero() => {
                (Leftover::Forget, end, Then::Sweep)
            }
            Phase::Nothing | Phase::Graceful { .. } | Phase::Refreshing { .. } => {
                (Leftover::Forget, end, Then::LongLivedFor(stale_time))
            }
        };
        let is_none = rib.mark_stale(family, leftover) == 0;
        let phase = if is_none { Phase::Nothing } else { Phase::Graceful { until, then } };
        *self.phases.get_mut(family) = phase;
        self.handle_timeout(now, rib);
        *rib.stale().get(family)
    }

    /// The peer's End-of-RIB came: what it has not announced again is no more. Returns how many went.
    pub fn end_of_rib(&mut self, family: Family, rib: &mut AdjRibIn) -> u64 {
        *self.phases.get_mut(family) = Phase::Nothing;
        rib.sweep(family)
    }

    /// All stale routes go, as when what they were kept by is no longer so. Returns how many went.
    pub fn clear(&mut self, rib: &mut AdjRibIn) -> PerFamily<u64> {
        PerFamily::from_fn(|family| self.end_of_rib(family, rib))
    }

    /// Something may be due. Returns how many routes went. Early or often is harmless.
    pub fn handle_timeout(&mut self, now: Moment, rib: &mut AdjRibIn) -> PerFamily<u64> {
        PerFamily::from_fn(|family| {
            let mut gone = 0_u64;
            // At most graceful, long-lived, nothing.
            while let Some(next) = self.phases.get(family).after(now) {
                let before = *rib.stale().get(family);
                match next {
                    Phase::LongLived { .. } => rib.mark_long_lived(family),
                    Phase::Nothing | Phase::Graceful { .. } | Phase::Refreshing { .. } => rib.sweep(family),
                };
                *self.phases.get_mut(family) = next;
                gone = gone.saturating_add(before.saturating_sub(*rib.stale().get(family)));
            }
            gone
        })
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Moment> {
        let PerFamily { ipv4, ipv6 } = self.phases;
        [ipv4.until(), ipv6.until()].into_iter().flatten().min()
    }

    /// When the stale routes of each family go at the latest, whatever the peer does.
    #[must_use]
    pub fn ends(&self) -> PerFamily<Option<Moment>> {
        PerFamily::from_fn(|family| self.phases.get(family).end())
    }

    fn kept(&self, family: Family) -> Kept {
        self.agreed.map(|agreed| *agreed.families.get(family)).unwrap_or_default()
    }
}

impl Phase {
    fn until(self) -> Option<Moment> {
        match self {
            Self::Nothing => None,
            Self::Graceful { until, .. } | Self::LongLived { until } | Self::Refreshing { until } => {
                Some(until)
            }
        }
    }

    fn end(self) -> Option<Moment> {
        match self {
            Self::Graceful { then: Then::LongLivedUntil(end), .. } => Some(end),
            Self::Graceful { until, then: Then::LongLivedFor(stale_time) } => Some(until + stale_time),
            Self::Nothing
            | Self::Graceful { then: Then::Sweep, .. }
            | Self::LongLived { .. }
            | Self::Refreshing { .. } => self.until(),
        }
    }

    /// What follows, if its time is over.
    fn after(self, now: Moment) -> Option<Self> {
        let is_over = self.until().is_some_and(|until| until <= now);
        is_over.then_some(match self {
            Self::Graceful { until, then: Then::LongLivedFor(stale_time) } => {
                Self::LongLived { until: until + stale_time }
            }
            Self::Graceful { then: Then::LongLivedUntil(until), .. } => Self::LongLived { until },
            Self::Nothing
            | Self::Graceful { then: Then::Sweep, .. }
            | Self::LongLived { .. }
            | Self::Refreshing { .. } => Self::Nothing,
        })
    }
}

#[cfg(test)]
mod tests;
