//! Whether a session that passed a limit stays down, and for how long.

use super::clock::Clock;
use super::snapshot::LimitPassed;
use crate::accept::LimitExceeded;
use crate::fsm::Moment;

/// Whether a session that passed a limit stays down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum HoldDown {
    #[default]
    No,
    /// So long.
    Until(Moment, LimitExceeded),
    /// Until somebody resets it.
    UntilReset(LimitExceeded),
}

impl HoldDown {
    /// When it is over by itself.
    pub(super) fn when(self) -> Option<Moment> {
        match self {
            Self::Until(at, _) => Some(at),
            Self::No | Self::UntilReset(_) => None,
        }
    }

    /// It is over now, if there was one.
    pub(super) fn lift(&mut self, now: Moment) {
        *self = match self {
            Self::No => Self::No,
            Self::Until(_, exceeded) | Self::UntilReset(exceeded) => Self::Until(now, *exceeded),
        };
    }

    /// As whoever looks is told of it.
    pub(super) fn told(self, clock: Clock) -> Option<LimitPassed> {
        match self {
            Self::No => None,
            Self::Until(at, exceeded) => Some(LimitPassed { exceeded, until: Some(clock.unix_at(at)) }),
            Self::UntilReset(exceeded) => Some(LimitPassed { exceeded, until: None }),
        }
    }
}
