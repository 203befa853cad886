//! How a session stands with its own prefix limits: which are near, and which it has passed where that ends nothing.

use tracing::warn;

use crate::config::SessionPlan;
use crate::metrics::SessionMetrics;
use crate::wire::{Family, PerFamily};

/// Each is said once a session, since the peer could cross the line for ever.
#[derive(Default)]
pub(super) struct LimitWatch {
    near: PerFamily<bool>,
    near_said: PerFamily<bool>,
    over: PerFamily<bool>,
    over_said: PerFamily<bool>,
}

impl LimitWatch {
    /// The families that hold so much of their limit that it was warned of.
    pub(super) fn near(&self) -> PerFamily<bool> {
        self.near
    }

    /// The session has ended; of the next it is said again.
    pub(super) fn down(&mut self) {
        (self.near_said, self.over_said) = (PerFamily::default(), PerFamily::default());
    }

    /// Looks at what is held. A limit that ends the session is never passed here.
    pub(super) fn look(
        &mut self,
        near: PerFamily<bool>,
        held: PerFamily<u64>,
        plan: &SessionPlan,
        metrics: &SessionMetrics,
    ) {
        self.near = near;
        for family in Family::ALL {
            let (held, limit) = (*held.get(family), *plan.max_prefixes.get(family));
            let is_over = limit.is_some_and(|limit| held > limit);
            if !std::mem::replace(self.over.get_mut(family), is_over) && is_over {
                metrics.count_limit_passed(family);
            }
            let limit = limit.unwrap_or(u64::MAX);
            if is_over && !std::mem::replace(self.over_said.get_mut(family), true) {
                warn!(%family, held, limit, "prefix limit passed: the session goes on (max_prefix_action: warn)");
            }
            let is_near = *near.get(family) && !is_over;
            if is_near && !std::mem::replace(self.near_said.get_mut(family), true) {
                warn!(%family, held, limit, "the peer is near its prefix limit");
            }
        }
    }
}
