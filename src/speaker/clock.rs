//! The two clocks: monotonic moments for the state machines, seconds since the epoch for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::fsm::Moment;

/// The process's clocks. Everything to the left of this room is told the time by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// Moments count from now.
    #[must_use]
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The monotonic time.
    #[must_use]
    pub(super) fn now(&self) -> Moment {
        Moment(self.start.elapsed())
    }

    /// When a moment is, for a timer.
    #[must_use]
    pub(super) fn instant(&self, moment: Moment) -> Instant {
        // A moment too far off to be represented is as good as a day away: the timer is set anew long before.
        self.start.checked_add(moment.0).unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400))
    }

    /// When a moment is, in seconds since the epoch.
    #[must_use]
    pub(super) fn unix_at(&self, moment: Moment) -> u64 {
        let left = moment.0.saturating_sub(self.now().0);
        Self::unix().saturating_add(left.as_secs())
    }

    /// Seconds since the epoch.
    #[must_use]
    pub(super) fn unix() -> u64 {
        Self::since_epoch().as_secs()
    }

    /// The same, as precise as the system has it.
    #[must_use]
    pub(super) fn since_epoch() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
