//! A session's numbers of prefixes, for the metrics.

use super::clock::Clock;
use super::snapshot::SessionSnapshot;
use crate::fsm::State;
use crate::metrics::{PrefixGauge, SessionMetrics};
use crate::wire::Family;

/// Those that a snapshot has.
pub(super) fn set(metrics: &SessionMetrics, session: &SessionSnapshot) {
    for family in Family::ALL {
        let (received, accepted) = (*session.received.get(family), *session.accepted.get(family));
        for (gauge, count) in [
            (PrefixGauge::Advertised, *session.advertised.get(family)),
            (PrefixGauge::Pending, *session.pending.get(family)),
            (PrefixGauge::Received, received),
            (PrefixGauge::Accepted, accepted),
            (PrefixGauge::Held, received.saturating_sub(accepted)),
            (PrefixGauge::Stale, *session.stale.get(family)),
            (PrefixGauge::Limit, session.plan.max_prefixes.get(family).unwrap_or(0)),
        ] {
            metrics.set_prefixes(gauge, family, count);
        }
    }
}

/// The metrics of a session whose task died: it is down, and what it held is gone.
pub(super) fn after_death(metrics: &SessionMetrics) {
    if metrics.is_up() {
        metrics.count_flap();
    }
    metrics.set_state(State::Idle, Clock::unix());
    for family in Family::ALL {
        for gauge in [
            PrefixGauge::Advertised,
            PrefixGauge::Pending,
            PrefixGauge::Received,
            PrefixGauge::Accepted,
            PrefixGauge::Held,
            PrefixGauge::Stale,
        ] {
            metrics.set_prefixes(gauge, family, 0);
        }
    }
}
